// Fuzz target of expressions and queries: see sql_bytes.h. With clang, -fsanitize=fuzzer drives it
// (-DTIDEMILL_FUZZ=ON); its main() is then libFuzzer's.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/rows/sql_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tidemill::rows::test::trySql({reinterpret_cast<const char*>(data), size},
                                 [](const std::string& what) {
                                     std::fprintf(stderr, "%s\n", what.c_str());
                                     std::abort();
                                 });
    return 0;
}
