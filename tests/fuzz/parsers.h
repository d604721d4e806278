// Every parser of ours as one function of bytes, for libFuzzer (parsers_fuzz.cc) and for a test
// (parsers_fuzz_test.cc). What the bytes are is up to whoever sends them, or to a damaged disk: a
// parser takes them or refuses them.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace tidemill::fuzz {

struct Parser {
    std::string name;  // of its directory in tests/fuzz/corpus
    // Ends the process when the parser breaks a promise.
    void (*parse)(std::string_view bytes);
    // What it takes: the inputs that mutations begin with, beside the corpus.
    std::vector<std::string> examples;
};

// How GoogleTest shows it.
inline void PrintTo(const Parser& parser, std::ostream* out) { *out << parser.name; }

const std::vector<Parser>& parsers();
// Parts of it, by what they read.
std::vector<Parser> logParsers();         // frames, segments, whole logs, the files beside them
std::vector<Parser> positionParsers();    // how far sources and outputs are
std::vector<Parser> connectionParsers();  // what peers send
std::vector<Parser> rowParsers();         // readers, expressions, queries, values
std::vector<Parser> kinesisParsers();
std::vector<Parser> textParsers();  // what people write: job files, addresses, rates

// A promise.
inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

// Taken bytes are written and taken again: the same comes back.
template <class Decode, class Encode>
void roundTrip(std::string_view bytes, Decode decode, Encode encode) {
    const auto first = decode(bytes);
    if (!first) return;
    const auto again = decode(encode(*first));
    require(static_cast<bool>(again), "what was written of it is not taken");
    require(*again == *first, "what was written of it is another one");
}

// The first byte says something, the others are the input.
inline unsigned takeByte(std::string_view& bytes) {
    if (bytes.empty()) return 0;
    const auto first = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    return first;
}

}  // namespace tidemill::fuzz
