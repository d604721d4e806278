# Compiles the ```cpp blocks of a page, without making code of them. Fails with the compiler's
# words, which name the page and its line.
#
#   cmake -DPAGE=page.md -DSOURCE=out.cc -DDEPFILE=out.d -DSTAMP=out.ok -DCOMPILER=c++
#         -DINCLUDES=dir;dir… -P check_page.cmake
#
# A block that holds `int main`, or that begins with `#include`, `struct` or `class`, stands by
# itself; every other one is the body of a function that is given a context and its lines. What
# blocks may use without saying so is told in docs/guide/README.md.
cmake_minimum_required(VERSION 3.25)

file(READ "${PAGE}" rest)
set(open "```cpp\n")
set(close "\n```")
string(LENGTH "${open}" open_length)
set(line 1)
set(count 0)
set(includes "#include <tidemill/tidemill.h>\n")
set(body "")

# Sets `result` to the number of line ends in `text`.
function(count_lines text result)
    string(REGEX REPLACE "[^\n]" "" ends "${text}")
    string(LENGTH "${ends}" length)
    set(${result} ${length} PARENT_SCOPE)
endfunction()

while(TRUE)
    string(FIND "${rest}" "${open}" begin)
    if(begin EQUAL -1)
        break()
    endif()
    math(EXPR begin "${begin} + ${open_length}")
    string(SUBSTRING "${rest}" 0 ${begin} before)
    string(SUBSTRING "${rest}" ${begin} -1 rest)
    count_lines("${before}" lines)
    math(EXPR line "${line} + ${lines}")
    string(FIND "${rest}" "${close}" end)
    if(end EQUAL -1)
        message(FATAL_ERROR "${PAGE}:${line}: a block of code does not end")
    endif()
    string(SUBSTRING "${rest}" 0 ${end} block)
    string(SUBSTRING "${rest}" ${end} -1 rest)
    math(EXPR count "${count} + 1")

    string(REGEX MATCHALL "#include [^\n]+\n" block_includes "${block}\n")
    list(JOIN block_includes "" block_includes)
    string(APPEND includes "${block_includes}")
    string(REGEX REPLACE "#include " "// " code "${block}")
    if(block MATCHES "int main\\(" OR block MATCHES "^(#include|struct|class) ")
        set(head "namespace block${count} {")
    else()
        set(head "[[maybe_unused]] static void block${count}(StreamingContext& context, DStream<std::string_view> lines) {")
    endif()
    string(APPEND body "${head}\n#line ${line} \"${PAGE}\"\n${code}\n}\n")
    count_lines("${block}" lines)
    math(EXPR line "${line} + ${lines}")
endwhile()

if(count EQUAL 0)
    file(WRITE "${DEPFILE}" "${STAMP}:\n")
    file(TOUCH "${STAMP}")
    return()
endif()
file(WRITE "${SOURCE}" "${includes}using namespace tidemill;\n${body}")
list(TRANSFORM INCLUDES PREPEND "-I")
execute_process(
    COMMAND "${COMPILER}" -std=c++20 -fsyntax-only -MD -MF "${DEPFILE}" -MT "${STAMP}" ${INCLUDES}
        "${SOURCE}"
    RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(failed)
    message(FATAL_ERROR "${PAGE}: an example does not compile:\n${said}")
endif()
file(TOUCH "${STAMP}")
