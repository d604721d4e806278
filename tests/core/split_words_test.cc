#include "core/split_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "core/cut_lines.h"

namespace tidemill::core {
namespace {

using Views = std::vector<std::string_view>;
using testing::ElementsAre;

Views bySplitText(std::string_view text) {
    Views words;
    splitText(text, [&](std::span<std::string_view> chunk) {
        EXPECT_FALSE(chunk.empty());
        words.insert(words.end(), chunk.begin(), chunk.end());
    });
    return words;
}

Views byLine(std::string_view text) {
    Views words;
    splitLine(text, [&](std::string_view word) { words.push_back(word); });
    return words;
}

Views byForm(WordSplitter form, std::string_view text, std::size_t room) {
    Views words;
    std::vector<std::string_view> into(room);
    WordCursor cursor(text);
    // Two rounds without a word: a form that makes no progress must not hang the test.
    for (std::size_t idle = 0; idle < text.size() / 64 + 2;) {
        const std::size_t count = form(cursor, into);
        words.insert(words.end(), into.begin(), into.begin() + static_cast<std::ptrdiff_t>(count));
        idle = count == 0 ? idle + 1 : 0;
    }
    return words;
}

// The definition, by std::string_view's own search.
Views byDefinition(std::string_view text) {
    constexpr std::string_view kSpaces = " \t\n\v\f\r";
    Views words;
    for (std::size_t end = 0;;) {
        const auto begin = text.find_first_not_of(kSpaces, end);
        if (begin == text.npos) return words;
        end = std::min(text.find_first_of(kSpaces, begin), text.size());
        words.push_back(text.substr(begin, end - begin));
    }
}

// Views that are equal must also lie in the same place.
void expectSame(const Views& actual, const Views& expected) {
    ASSERT_EQ(actual, expected);
    for (std::size_t i = 0; i < actual.size(); ++i) ASSERT_EQ(actual[i].data(), expected[i].data());
}

// Text that ends where the next page must not be touched.
class PageEnd {
public:
    static constexpr std::size_t kBytes = 64 << 10;
    PageEnd()
        : memory_(static_cast<char*>(mmap(nullptr, 2 * kBytes, PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
        mprotect(memory_ + kBytes, kBytes, PROT_NONE);
    }
    ~PageEnd() { munmap(memory_, 2 * kBytes); }
    std::string_view put(std::string_view text) {
        char* at = memory_ + kBytes - text.size();
        if (!text.empty()) std::memcpy(at, text.data(), text.size());
        return {at, text.size()};
    }

private:
    char* memory_;
};

// Words of one byte up to longer than a block, all whitespace, bytes of either sign.
std::string randomText(std::mt19937& random) {
    const unsigned spaces = 1 + random() % 30;
    std::string text(random() % 4000, '\0');
    for (auto& byte : text) {
        const auto draw = random();
        byte = draw % 64 < spaces ? " \t\n\v\f\r"[draw / 64 % 6] : static_cast<char>(draw >> 16);
    }
    return text;
}

TEST(SplitWords, EveryFormGivesTheSameWordsAndReadsNothingBehindTheText) {
    std::mt19937 random(1);
    PageEnd end;
    const auto forms = wordSplitters();
    for (int round = 0; round < 2000; ++round) {
        const auto text = end.put(randomText(random));
        const Views expected = byDefinition(text);
        const std::size_t room = WordCursor::kWordsMin + random() % 200;
        for (const auto form : {forms.portable, forms.avx2, forms.avx512})
            if (form != nullptr) expectSame(byForm(form, text, room), expected);
        expectSame(bySplitText(text), expected);
        expectSame(byLine(text), expected);
    }
}

TEST(SplitWords, GivesNoEmptyWordsAndTheLastWordWithoutALineEnd) {
    EXPECT_TRUE(bySplitText("").empty());
    EXPECT_TRUE(bySplitText(std::string(1000, ' ')).empty());
    EXPECT_THAT(bySplitText("one"), ElementsAre("one"));
    EXPECT_THAT(bySplitText("  to be\tor\r\n\n not \v\f to be"),
                ElementsAre("to", "be", "or", "not", "to", "be"));
    EXPECT_THAT(bySplitText("a\xC2\xA0"
                            "b c"),
                ElementsAre("a\xC2\xA0"
                            "b",
                            "c"));
    EXPECT_THAT(bySplitText(std::string_view("a\0b c", 5)),
                ElementsAre(std::string_view("a\0b", 3), "c"));
}

TEST(SplitWords, WordsOfAnyLengthAtAnyPlace) {
    for (std::size_t before = 0; before < 70; ++before)
        for (const std::size_t size : {1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000}) {
            const std::string text = std::string(before, ' ') + std::string(size, 'w') + " x";
            const auto words = bySplitText(text);
            ASSERT_EQ(words.size(), 2u);
            ASSERT_EQ(words[0].size(), size);
            ASSERT_EQ(words[0].data(), text.data() + before);
        }
}

TEST(SplitWords, ManyShortWordsComeInChunks) {
    std::string text;
    for (int i = 0; i < 10'000; ++i) text += "a ";
    std::size_t words = 0;
    splitText(text, [&](std::span<std::string_view> chunk) {
        EXPECT_LE(chunk.size(), kChunkElements);
        words += chunk.size();
    });
    EXPECT_EQ(words, 10'000u);
}

Views lines(std::string_view text, std::size_t most = 1000) {
    Views taken;
    cutLines(text, [&](std::string_view line) {
        taken.push_back(line);
        return taken.size() < most;
    });
    return taken;
}

TEST(CutLines, LeavesOutLineEnds) {
    EXPECT_TRUE(lines("").empty());
    EXPECT_THAT(lines("a\nb c\n"), ElementsAre("a", "b c"));
    EXPECT_THAT(lines("a\r\nb\r\r\n\r\n\n"), ElementsAre("a", "b\r", "", ""));
    EXPECT_THAT(lines("a\n\nb"), ElementsAre("a", "", "b"));
    EXPECT_THAT(lines("a\nb\r"), ElementsAre("a", "b\r"));
}

TEST(CutLines, StopsWhenNoMoreIsWanted) {
    EXPECT_THAT(lines("a\nb\nc\n", 2), ElementsAre("a", "b"));
}

}  // namespace
}  // namespace tidemill::core
