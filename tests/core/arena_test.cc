#include "core/arena.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace tidemill::core {
namespace {

TEST(Arena, CopiesStayWhereTheyAreUntilReset) {
    std::mt19937 random(1);
    Arena arena;
    for (int life = 0; life < 3; ++life) {
        std::vector<std::pair<std::string_view, std::string>> copies;
        for (int i = 0; i < 3000; ++i) {
            const std::string bytes(random() % 2000, static_cast<char>('a' + i % 26));
            copies.emplace_back(arena.copy(bytes), bytes);
        }
        copies.emplace_back(arena.copy(""), "");
        copies.emplace_back(arena.copy(std::string(5 << 20, 'z')), std::string(5 << 20, 'z'));
        for (const auto& [copy, original] : copies) ASSERT_EQ(copy, original);
        arena.reset();
    }
}

TEST(Arena, SixtyFourBytesBehindEveryCopyMayBeRead) {
    Arena arena;
    unsigned sum = 0;
    for (std::size_t size = 0; size < 9000; size += 7) {
        const auto copy = arena.copy(std::string(size, 'a'));
        for (std::size_t i = 0; i < 64; ++i)
            sum += static_cast<unsigned char>(*(copy.data() + size + i));
    }
    EXPECT_GE(sum, 0u);  // the address sanitizer judges the reads
    Arena fresh;
    EXPECT_NE(fresh.copy("").data(), nullptr);
    fresh.reset();
    EXPECT_NE(fresh.copy("").data(), nullptr);
}

TEST(Arena, CountsWhatItHoldsAndGivesMostBackOnReset) {
    Arena arena;
    EXPECT_EQ(arena.bytes(), 0u);
    for (int i = 0; i < 100; ++i) arena.allocate(100'000);
    EXPECT_GE(arena.bytes(), 10'000'000u);
    EXPECT_LE(arena.bytes(), 15'000'000u);
    arena.reset();
    EXPECT_LE(arena.bytes(), 1'100'000u);
}

TEST(Arena, OneHugeCopyIsNotKeptForEver) {
    Arena arena;
    arena.allocate(100 << 20);
    arena.reset();
    EXPECT_LE(arena.bytes(), 2u << 20);
}

}  // namespace
}  // namespace tidemill::core
