#include "core/suggestion.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace tidemill::core {
namespace {

// How many single-character changes lead from one word to the other (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

}  // namespace

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
    if (known.empty()) return "";
    const auto nearest = std::min_element(
        known.begin(), known.end(),
        [&](const auto& a, const auto& b) { return distance(word, a) < distance(word, b); });
    if (distance(word, *nearest) <= std::max<std::size_t>(2, word.size() / 3))
        return ", did you mean \"" + *nearest + "\"?";
    return "; known are: " + joined(known);
}

}  // namespace tidemill::core
