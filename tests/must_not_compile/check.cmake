# Compiles MISUSE and compares with what its first line expects; one without an expectation must
# compile.
file(STRINGS "${MISUSE}" first_line LIMIT_COUNT 1)
execute_process(
    COMMAND "${COMPILER}" -std=c++20 -fsyntax-only -fdiagnostics-plain-output "-I${SOURCE_DIR}"
        "${MISUSE}"
    RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(NOT first_line MATCHES "^// expect: (.+)$")
    if(failed)
        message(FATAL_ERROR "the control does not compile:\n${said}")
    endif()
    return()
endif()
set(expected "${CMAKE_MATCH_1}")
if(NOT failed)
    message(FATAL_ERROR "it compiles, but should be refused with: ${expected}")
endif()
string(FIND "${said}" "${expected}" at)
if(at EQUAL -1)
    message(FATAL_ERROR "it is refused, but not with \"${expected}\":\n${said}")
endif()
