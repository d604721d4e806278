# Preprocesses a program that includes tidemill.h alone, and compares with HEADERS_MAX, LINES_MAX.
cmake_minimum_required(VERSION 3.25)
file(WRITE "${WORK_DIR}/includes.cc" "#include <tidemill/tidemill.h>\n")
execute_process(
    COMMAND "${COMPILER}" -std=c++20 -DXXH_INLINE_ALL "-I${SOURCE_DIR}" -E -P -MD
        -MF "${WORK_DIR}/includes.d" "${WORK_DIR}/includes.cc" -o "${WORK_DIR}/includes.ii"
    COMMAND_ERROR_IS_FATAL ANY)
file(READ "${WORK_DIR}/includes.d" files)
string(REGEX MATCHALL "${SOURCE_DIR}/[a-z_/]+\\.h" headers "${files}")
list(LENGTH headers header_count)
file(READ "${WORK_DIR}/includes.ii" text)
string(REGEX REPLACE "[^\n]+" "" lines "${text}")
string(LENGTH "${lines}" line_count)
message(STATUS "tidemill.h: ${header_count} headers of ours, ${line_count} lines preprocessed")
foreach(forbidden network_service state_store scheduler)
    if(files MATCHES "/${forbidden}\\.h")
        message(FATAL_ERROR "tidemill.h reaches ${forbidden}.h, which programs need not compile")
    endif()
endforeach()
if(header_count GREATER HEADERS_MAX OR line_count GREATER LINES_MAX)
    message(FATAL_ERROR "tidemill.h has grown: at most ${HEADERS_MAX} headers of ours and "
        "${LINES_MAX} lines are wanted")
endif()
