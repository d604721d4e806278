# Compiles MISUSE and compares with what its first line expects; one without an expectation must
# compile. With "// lines: N" in the second line the first error names the misuse itself, and the
# compiler says no more than N lines.
file(STRINGS "${MISUSE}" first_lines LIMIT_COUNT 2)
list(GET first_lines 0 first_line)
list(GET first_lines 1 second_line)
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
if(second_line MATCHES "^// lines: ([0-9]+)$")
    set(most "${CMAKE_MATCH_1}")
    string(REGEX MATCH "[^\n]*error:[^\n]*" first_error "${said}")
    string(FIND "${first_error}" "${MISUSE}" at)
    string(REGEX MATCHALL "\n" ends "${said}")
    list(LENGTH ends lines)
    if(at EQUAL -1 OR lines GREATER most)
        message(FATAL_ERROR "${lines} lines, at most ${most}, and the first error must name the "
            "misuse:\n${said}")
    endif()
endif()
