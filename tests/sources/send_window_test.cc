// What a sender may have to send again can be found again by its line.
#include "sources/send_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>

namespace tidemill::sources {
namespace {

std::size_t add(SendWindow& window, std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size()) {
        const auto room = window.room();
        if (room.empty()) break;
        const std::size_t count = std::min(room.size(), bytes.size() - taken);
        std::memcpy(room.data(), bytes.data() + taken, count);
        window.added(count);
        taken += count;
    }
    return taken;
}

std::string rest(const SendWindow& window, std::uint64_t from) {
    std::string text;
    while (from + text.size() < window.end()) text += window.bytes(from + text.size());
    return text;
}

TEST(SendWindow, FindsTheStartOfEveryLineItHolds) {
    for (unsigned seed = 0; seed < 50; ++seed) {
        std::mt19937 random(seed);
        SendWindow window(64 << 10);
        window.restart(5);
        std::string text;
        std::vector<std::size_t> starts{0};
        while (text.size() < 40'000) {
            text += std::string(random() % (seed % 2 == 0 ? 30 : 9'000), 'x') + "\n";
            starts.push_back(text.size());
        }
        text.resize(std::min<std::size_t>(text.size(), 60'000));
        while (starts.back() > text.size()) starts.pop_back();
        std::size_t fed = 0;
        while (fed < text.size())
            fed += add(window, std::string_view(text).substr(fed, 1 + random() % 5'000));
        ASSERT_EQ(window.lines(), 5 + starts.size() - 1);
        const std::size_t dropped = random() % starts.size();
        window.dropLines(5 + dropped);
        for (std::size_t i = dropped; i < starts.size(); ++i) {
            const auto found = window.behindLine(5 + i);
            ASSERT_TRUE(found) << i << " of " << starts.size() << " seed " << seed;
            ASSERT_EQ(*found, starts[i]);
            ASSERT_EQ(window.linesBefore(*found), 5 + i);
        }
        ASSERT_EQ(rest(window, starts[dropped]), text.substr(starts[dropped]));
    }
}

TEST(SendWindow, IsFullAtItsBudgetAndEmptiesByLines) {
    SendWindow window(16 << 10);
    std::string text;
    while (text.size() < (64 << 10)) text += "0123456\n";
    const std::size_t taken = add(window, text);
    EXPECT_EQ(taken, std::size_t{16 << 10});
    EXPECT_TRUE(window.room().empty());
    window.dropLines(511);
    EXPECT_TRUE(window.room().empty());
    window.dropLines(512);
    EXPECT_EQ(window.room().size(), 4096U);
    EXPECT_FALSE(window.behindLine(100));
}

TEST(SendWindow, TheLastLineGetsItsEnd) {
    SendWindow window(16 << 10);
    add(window, "one\ntwo");
    window.endLine();
    window.endLine();
    EXPECT_EQ(window.lines(), 2U);
    EXPECT_EQ(rest(window, 0), "one\ntwo\n");
    SendWindow full(16 << 10);
    add(full, std::string(16 << 10, 'x'));
    full.endLine();
    EXPECT_EQ(full.lines(), 1U);
    SendWindow empty(16 << 10);
    empty.endLine();
    EXPECT_EQ(empty.lines(), 0U);
}

}  // namespace
}  // namespace tidemill::sources
