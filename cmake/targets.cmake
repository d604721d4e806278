# The three kinds of target the folders declare, and the headers that programs include.

# See public_headers.cmake. In the build's own include directory, so that a program finds the same
# whether Tidemill is installed or a subdirectory of its project.
set(TIDEMILL_PUBLIC_INCLUDE_DIR "${PROJECT_BINARY_DIR}/include")
file(GLOB_RECURSE headers CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/core/*.h" "${PROJECT_SOURCE_DIR}/state/*.h"
    "${PROJECT_SOURCE_DIR}/sources/*.h" "${PROJECT_SOURCE_DIR}/recovery/*.h"
    "${PROJECT_SOURCE_DIR}/outputs/*.h"
    "${PROJECT_SOURCE_DIR}/tidemill/*.h")
set(public_headers_stamp "${PROJECT_BINARY_DIR}/public_headers.stamp")
add_custom_command(OUTPUT "${public_headers_stamp}"
    COMMAND "${CMAKE_COMMAND}"
        "-DSOURCE_DIR=${PROJECT_SOURCE_DIR}"
        "-DINCLUDE_DIR=${TIDEMILL_PUBLIC_INCLUDE_DIR}"
        "-DSTAMP=${public_headers_stamp}"
        -P "${PROJECT_SOURCE_DIR}/cmake/public_headers.cmake"
    DEPENDS ${headers} "${PROJECT_SOURCE_DIR}/cmake/public_headers.cmake"
    COMMENT "Laying down the public headers"
    VERBATIM)
add_custom_target(tidemill_public_headers ALL DEPENDS "${public_headers_stamp}")

# tidemill_library(<folder> [SOURCES file.cc...] [PUBLIC lib...] [PRIVATE lib...])
# The library of one folder, alias tidemill::<folder>. Without sources it is header only.
# PRIVATE libraries may appear in .cc files, never in a header.
function(tidemill_library folder)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;PUBLIC;PRIVATE")
    set(target "tidemill_${folder}")
    if(arg_SOURCES)
        add_library(${target} STATIC ${arg_SOURCES})
        set(scope PUBLIC)
        target_link_libraries(${target}
            PUBLIC ${arg_PUBLIC}
            PRIVATE "$<BUILD_INTERFACE:tidemill_warnings>" "$<BUILD_INTERFACE:tidemill_flags>"
                    ${arg_PRIVATE})
    else()
        add_library(${target} INTERFACE)
        set(scope INTERFACE)
        target_link_libraries(${target} INTERFACE ${arg_PUBLIC})
    endif()
    add_library(tidemill::${folder} ALIAS ${target})
    target_compile_features(${target} ${scope} cxx_std_20)
    # Our own code includes from the repository's root; others see public headers alone.
    if(arg_SOURCES)
        target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
    endif()
    target_include_directories(${target} INTERFACE
        "$<BUILD_INTERFACE:${TIDEMILL_PUBLIC_INCLUDE_DIR}>"
        "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
    add_dependencies(${target} tidemill_public_headers)
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${folder})
    set_property(GLOBAL APPEND PROPERTY TIDEMILL_LIBRARIES ${target})
endfunction()

# tidemill_executable(<target> SOURCES file.cc... [LIBS lib...])
# A program in ${CMAKE_BINARY_DIR}/bin: an example, a benchmark, the tidemill program.
function(tidemill_executable target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS")
    add_executable(${target} ${arg_SOURCES})
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
    target_link_libraries(${target} PRIVATE tidemill_warnings tidemill_flags ${arg_LIBS})
endfunction()

# GoogleTest and the standard library's larger headers, parsed once for all tests: two seconds of
# each test file are theirs. A test still includes what it uses.
if(TIDEMILL_BUILD_TESTS)
    file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/tests/headers.cc" CONTENT "")
    add_executable(tidemill_test_headers EXCLUDE_FROM_ALL)
    target_sources(tidemill_test_headers PRIVATE "${PROJECT_BINARY_DIR}/tests/headers.cc")
    target_link_libraries(tidemill_test_headers PRIVATE
        tidemill_warnings tidemill_flags GTest::gmock GTest::gtest_main)
    target_compile_options(tidemill_test_headers PRIVATE $<$<CONFIG:Release>:-O1>)
    target_precompile_headers(tidemill_test_headers PRIVATE
        <gmock/gmock.h> <gtest/gtest.h>
        <algorithm> <chrono> <filesystem> <fstream> <functional> <map> <memory> <mutex> <optional>
        <sstream> <string> <string_view> <thread> <unordered_map> <variant> <vector>)
endif()

# tidemill_test(<name> LABELS unit|fault|crash|e2e|long SOURCES file_test.cc... [LIBS lib...]
#               [TIMEOUT seconds] [PROGRAMS target...])
# A GoogleTest program; each of its tests becomes a CTest test with that one label.
# PROGRAMS are built before it and their paths given as TIDEMILL_<TARGET IN CAPITALS>_PATH.
# When TIDEMILL_TEST_LABELS names labels and this test's is not among them, it is neither built by
# default nor run.
function(tidemill_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABELS;TIMEOUT" "SOURCES;LIBS;PROGRAMS")
    if(NOT arg_LABELS MATCHES "^(unit|fault|crash|e2e|long)$" OR arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "tidemill_test(${name}): LABELS is one of unit, fault, crash, e2e, "
            "long; not '${arg_LABELS};${arg_UNPARSED_ARGUMENTS}'")
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    tidemill_executable(${name} SOURCES ${arg_SOURCES}
        LIBS ${arg_LIBS} GTest::gmock GTest::gtest_main)
    set_target_properties(${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests/bin")
    # Tests instantiate many pipelines and wait for none of them: fast to compile beats fast to run.
    target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
    target_precompile_headers(${name} REUSE_FROM tidemill_test_headers)
    foreach(program IN LISTS arg_PROGRAMS)
        add_dependencies(${name} ${program})
        string(TOUPPER "${program}" variable)
        string(REGEX REPLACE "^TIDEMILL_" "" variable "${variable}")
        target_compile_definitions(${name} PRIVATE
            "TIDEMILL_${variable}_PATH=\"$<TARGET_FILE:${program}>\"")
    endforeach()
    if(TIDEMILL_TEST_LABELS AND NOT arg_LABELS IN_LIST TIDEMILL_TEST_LABELS)
        set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
        return()
    endif()
    gtest_discover_tests(${name}
        DISCOVERY_MODE PRE_TEST
        DISCOVERY_TIMEOUT 60
        PROPERTIES LABELS ${arg_LABELS} TIMEOUT ${arg_TIMEOUT}
                   ENVIRONMENT "${TIDEMILL_TEST_ENVIRONMENT}")
endfunction()

# What the sanitizers' runtimes are told during tests.
if(TIDEMILL_SANITIZE STREQUAL "thread")
    set(TIDEMILL_TEST_ENVIRONMENT "TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1")
elseif(TIDEMILL_SANITIZE STREQUAL "address")
    set(TIDEMILL_TEST_ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1")
else()
    set(TIDEMILL_TEST_ENVIRONMENT "LC_ALL=C.UTF-8")
endif()
