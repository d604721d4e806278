// The parser that TIDEMILL_PARSER names, for libFuzzer, which brings main():
//
//   TIDEMILL_PARSER=manifest build/fuzz/tests/bin/parsers_fuzz tests/fuzz/corpus/manifest
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/parsers.h"

namespace {

const tidemill::fuzz::Parser& chosen() {
    const char* const name = std::getenv("TIDEMILL_PARSER");
    for (const auto& parser : tidemill::fuzz::parsers())
        if (name != nullptr && parser.name == name) return parser;
    std::fprintf(stderr, "TIDEMILL_PARSER names one of:\n");
    for (const auto& parser : tidemill::fuzz::parsers())
        std::fprintf(stderr, "  %s\n", parser.name.c_str());
    std::exit(2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto& parser = chosen();
    parser.parse({reinterpret_cast<const char*>(data), size});
    return 0;
}
