// Lines are counted as they are cut, wherever their ends stand.
#include "core/line_count.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "core/cut_lines.h"

namespace tidemill::core {
namespace {

std::uint64_t cut(std::string_view text) {
    std::uint64_t lines = 0;
    cutLines(text, [&](std::string_view) {
        ++lines;
        return true;
    });
    return lines;
}

TEST(LineCount, IsThatOfTheLinesThatAreCut) {
    std::mt19937 random(7);
    for (int i = 0; i < 2000; ++i) {
        std::string text(random() % 200, 'x');
        for (char& c : text)
            if (random() % 5 == 0) c = '\n';
            else if (random() % 50 == 0) c = static_cast<char>(0x8a);  // its lower bits are '\n'
        const auto from = text.empty() ? 0 : random() % text.size();
        const auto part = std::string_view(text).substr(from);
        ASSERT_EQ(countLines(part), cut(part)) << text;
    }
}

TEST(LineCount, LaneCountersDoNotOverflow) {
    const std::string ends(16 * 255 * 3 + 5, '\n');
    EXPECT_EQ(countLines(ends), ends.size());
    EXPECT_EQ(countLines(ends + "x"), ends.size() + 1);
    EXPECT_EQ(countLines(""), 0u);
}

}  // namespace
}  // namespace tidemill::core
