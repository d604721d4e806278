# Writes the ```cpp pieces of PAGE to files beginning with INTO and compiles each.
file(READ "${PAGE}" text)
set(number 0)
while(text MATCHES "\n```cpp\n")
    string(FIND "${text}" "\n```cpp\n" begin)
    math(EXPR begin "${begin} + 8")
    string(SUBSTRING "${text}" ${begin} -1 text)
    string(FIND "${text}" "\n```" end)
    string(SUBSTRING "${text}" 0 ${end} piece)
    string(SUBSTRING "${text}" ${end} -1 text)
    math(EXPR number "${number} + 1")
    if(NOT piece MATCHES "int main")
        set(piece "#include <tidemill/tidemill.h>

using namespace tidemill;

void piece(StreamingContext& ssc, DStream<std::string_view> lines, DStream<std::string_view> words_) {
    (void)ssc;
    (void)lines;
    {
        auto words = words_;
        (void)words;
        {
${piece}
        }
    }
}
")
    endif()
    file(WRITE "${INTO}.${number}.cc" "${piece}\n")
    execute_process(
        COMMAND "${COMPILER}" -std=c++20 -fsyntax-only "-I${SOURCE_DIR}" "${INTO}.${number}.cc"
        RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
    if(failed)
        message(FATAL_ERROR "piece ${number} of ${PAGE} does not compile:\n${said}")
    endif()
endwhile()
if(number EQUAL 0)
    message(FATAL_ERROR "no piece of C++ was found in ${PAGE}")
endif()
