// Text as languages have it: few words often, many words rarely (Zipf's law).
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace tidemill::bench {

// Picks k < `count` in proportion to 1 / (k + 1)^exponent, in constant time whatever the count
// (Walker's alias method). Thread safety: immutable; the generator of random numbers is the
// caller's.
class ZipfRanks {
public:
    ZipfRanks(std::size_t count, double exponent);

    std::size_t pick(std::mt19937_64& random) const;

private:
    std::vector<double> keep_;
    std::vector<unsigned> alias_;
};

// Lines of 6 to 14 words of `vocabulary` different ones; word k comes up in proportion to
// 1 / (k + 1)^exponent. Words have about 2 to 14 letters. The same arguments give the same text on
// every machine. Thread safety: worker-confined.
class ZipfText {
public:
    ZipfText(std::size_t vocabulary, double exponent, std::uint64_t seed);

    // Appends one line with its '\n'.
    void appendLine(std::string& text);

private:
    std::mt19937_64 random_;
    ZipfRanks ranks_;
    std::vector<std::string> words_;
};

// Whole lines, at least `sizeBytes`.
std::string zipfText(std::size_t sizeBytes, std::size_t vocabulary, double exponent,
                     std::uint64_t seed);

}  // namespace tidemill::bench
