#include "bench/zipf_text.h"

#include <cmath>

namespace tidemill::bench {
namespace {

// The k-th word: k in base 26, filled up so that lengths are mixed and frequent words short.
std::string wordOf(std::size_t k) {
    std::string word(1, static_cast<char>('a' + k % 26));
    for (std::size_t rest = k / 26; rest != 0; rest /= 26)
        word += static_cast<char>('a' + rest % 26);
    const std::size_t wanted = k < 50 ? 2 + k % 4 : 2 + (k * 7919 + k / 13) % 11;
    while (word.size() < wanted) word += static_cast<char>('a' + (word.size() * 31 + k) % 26);
    return word;
}

}  // namespace

ZipfRanks::ZipfRanks(std::size_t count, double exponent) : keep_(count), alias_(count) {
    std::vector<double> weight(count);
    double sum = 0;
    for (std::size_t k = 0; k < count; ++k)
        sum += weight[k] = 1 / std::pow(static_cast<double>(k + 1), exponent);
    std::vector<unsigned> tooRare, tooFrequent;
    for (std::size_t k = 0; k < count; ++k) {
        keep_[k] = weight[k] / sum * static_cast<double>(count);
        (keep_[k] < 1 ? tooRare : tooFrequent).push_back(static_cast<unsigned>(k));
    }
    while (!tooRare.empty() && !tooFrequent.empty()) {
        const unsigned rare = tooRare.back(), frequent = tooFrequent.back();
        tooRare.pop_back();
        alias_[rare] = frequent;
        keep_[frequent] -= 1 - keep_[rare];
        if (keep_[frequent] < 1) {
            tooFrequent.pop_back();
            tooRare.push_back(frequent);
        }
    }
    for (const auto* rest : {&tooRare, &tooFrequent})
        for (const unsigned k : *rest) {
            keep_[k] = 1;
            alias_[k] = k;
        }
}

std::size_t ZipfRanks::pick(std::mt19937_64& random) const {
    const std::size_t k = random() % keep_.size();
    return std::uniform_real_distribution<double>(0, 1)(random) < keep_[k] ? k : alias_[k];
}

ZipfText::ZipfText(std::size_t vocabulary, double exponent, std::uint64_t seed)
    : random_(seed), ranks_(vocabulary, exponent), words_(vocabulary) {
    for (std::size_t k = 0; k < vocabulary; ++k) words_[k] = wordOf(k);
}

void ZipfText::appendLine(std::string& text) {
    const auto words = 6 + random_() % 9;
    for (std::uint64_t i = 0; i < words; ++i) {
        if (i != 0) text += ' ';
        text += words_[ranks_.pick(random_)];
    }
    text += '\n';
}

std::string zipfText(std::size_t sizeBytes, std::size_t vocabulary, double exponent,
                     std::uint64_t seed) {
    ZipfText generator(vocabulary, exponent, seed);
    std::string text;
    text.reserve(sizeBytes + 4096);
    while (text.size() < sizeBytes) generator.appendLine(text);
    return text;
}

}  // namespace tidemill::bench
