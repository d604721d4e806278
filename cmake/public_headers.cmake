# Lays down the headers that programs include, as tidemill/tidemill.h reaches them:
#
#   cmake -DSOURCE_DIR=repository -DINCLUDE_DIR=build/include -DSTAMP=file -P public_headers.cmake
#
# Here headers include each other from the repository's root ("core/clock.h"). A program may have a
# core/clock.h of its own, so that in these copies every include of ours names the prefix:
# "tidemill/core/clock.h". The facade's own headers lie in INCLUDE_DIR/tidemill itself.
cmake_minimum_required(VERSION 3.25)

set(waiting tidemill/tidemill.h)
set(public "")
while(waiting)
    list(POP_FRONT waiting header)
    list(APPEND public "${header}")
    # Lines would be lists where they hold semicolons: the text is only searched and replaced in.
    file(READ "${SOURCE_DIR}/${header}" text)
    string(REGEX MATCHALL "#include \"[^\"]+\"" includes "${text}")
    foreach(include IN LISTS includes)
        string(REGEX REPLACE "#include \"(.+)\"" "\\1" target "${include}")
        if(NOT target IN_LIST public AND NOT target IN_LIST waiting)
            list(APPEND waiting "${target}")
        endif()
    endforeach()
    string(REGEX REPLACE "#include \"(core|state|rdkafka|sources|recovery|outputs)/" "#include \"tidemill/\\1/"
        text "${text}")
    string(REGEX REPLACE "^tidemill/" "" place "${header}")
    file(CONFIGURE OUTPUT "${INCLUDE_DIR}/tidemill/${place}" CONTENT "@text@" @ONLY)
endwhile()

# A header that is public no more must not be found.
file(GLOB_RECURSE found RELATIVE "${INCLUDE_DIR}" "${INCLUDE_DIR}/tidemill/*.h")
foreach(header IN LISTS found)
    string(REGEX REPLACE "^tidemill/(core|state|rdkafka|sources|recovery|outputs)/" "\\1/" source "${header}")
    if(NOT source IN_LIST public)
        file(REMOVE "${INCLUDE_DIR}/${header}")
    endif()
endforeach()
file(TOUCH "${STAMP}")
