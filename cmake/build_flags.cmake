# How our own sources are compiled and linked: targets to link to, no global flags.
#   tidemill_warnings  what the compiler complains about
#   tidemill_flags     hardening, sanitizers, the linker

include(CheckPIESupported)
check_pie_supported()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(tidemill_warnings INTERFACE)
target_compile_options(tidemill_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wfloat-conversion
    $<$<BOOL:${TIDEMILL_WERROR}>:-Werror>)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 takes "text" + std::string for an overlapping copy (GCC bug 105651).
    target_compile_options(tidemill_warnings INTERFACE -Wno-restrict)
endif()

add_library(tidemill_flags INTERFACE)

if(TIDEMILL_SANITIZE STREQUAL "address")
    set(sanitizer_flags -fsanitize=address,undefined -fno-sanitize-recover=all
        -fno-omit-frame-pointer)
elseif(TIDEMILL_SANITIZE STREQUAL "thread")
    set(sanitizer_flags -fsanitize=thread -fno-omit-frame-pointer)
elseif(NOT TIDEMILL_SANITIZE)
    set(sanitizer_flags "")
    # Fortified calls need an optimizing build, and sanitizers check the same calls better.
    target_compile_options(tidemill_flags INTERFACE
        -fstack-protector-strong
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
        $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
else()
    message(FATAL_ERROR "TIDEMILL_SANITIZE is '${TIDEMILL_SANITIZE}': expected address, thread or OFF")
endif()
if(sanitizer_flags AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 sees uninitialized values in the standard library once sanitizers change the inlining.
    target_compile_options(tidemill_flags INTERFACE -Wno-maybe-uninitialized)
endif()
target_compile_options(tidemill_flags INTERFACE ${sanitizer_flags})
target_link_options(tidemill_flags INTERFACE ${sanitizer_flags} -Wl,-z,relro -Wl,-z,now)

find_program(TIDEMILL_CCACHE ccache)
if(TIDEMILL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${TIDEMILL_CCACHE}")
endif()

find_program(TIDEMILL_MOLD mold)
if(TIDEMILL_MOLD)
    target_link_options(tidemill_flags INTERFACE -fuse-ld=mold)
endif()
