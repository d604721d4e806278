# Installs BUILD_DIR to an empty prefix under WORK_DIR, then builds EXAMPLE and the program with
# clashing folders against that copy alone.
foreach(variable BUILD_DIR WORK_DIR EXAMPLE)
    if(NOT DEFINED ${variable})
        message(FATAL_ERROR "run.cmake: -D${variable}=... is missing")
    endif()
endforeach()

function(run)
    execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE "${WORK_DIR}")
run("${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${WORK_DIR}/prefix")
run("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}" -B "${WORK_DIR}/build" -G Ninja
    "-DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix"
    "-DEXAMPLE=${EXAMPLE}")
run("${CMAKE_COMMAND}" --build "${WORK_DIR}/build")
execute_process(COMMAND "${WORK_DIR}/build/clashing"
    OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
if(NOT printed STREQUAL "hour 1\n")
    message(FATAL_ERROR "the program with clashing folders printed: ${printed}")
endif()
file(GLOB beside "${WORK_DIR}/prefix/include/*")
if(NOT beside STREQUAL "${WORK_DIR}/prefix/include/tidemill")
    message(FATAL_ERROR "headers are installed outside their prefix: ${beside}")
endif()
file(REMOVE_RECURSE "${WORK_DIR}")
