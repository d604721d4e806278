// Timers of keys: one each, however often the key is touched.
#include "state/idle_keys.h"

#include <gtest/gtest.h>

#include "tests/state/store_fixture.h"

namespace tidemill::state {
namespace {

using Keys = std::vector<std::string>;

class IdleKeysTest : public StoreFixture {
protected:
    StateTable& touched() { return store_->table(kOperator, 1, ValueKind::kMaxI64); }
    StateTable& timers() {
        return store_->table(kOperator, 2, ValueKind::kBytes, IdleKeys::kTimeBytes);
    }
    // Opens the timers again, as a start does.
    void bind() {
        for (std::uint32_t range = 0; range < core::kKeyRanges; ++range)
            idle_[range].emplace(touched().range(range), timers().range(range));
    }
    void touch(std::int64_t millis, const Keys& keys) {
        for (const auto& key : keys) {
            const std::string_view view = key;
            must(idle_[core::keyRangeOf(core::keyGroup(key))]->touch(
                fromMillis(millis), {reinterpret_cast<const char*>(&view)}, 1));
        }
    }
    Keys taken(std::int64_t before) {
        Keys keys;
        for (auto& range : idle_)
            must(range->takeIdle(fromMillis(before), [&](std::string_view key) {
                keys.emplace_back(key);
                return core::Result<>();
            }));
        std::sort(keys.begin(), keys.end());
        return keys;
    }
    std::array<std::optional<IdleKeys>, core::kKeyRanges> idle_;
};

TEST_F(IdleKeysTest, AHotKeyHasOneTimerForItsWholeLifetime) {
    constexpr std::int64_t kHour = 3'600'000;
    bind();
    for (std::int64_t batch = 1; batch <= 1200; ++batch) {
        touch(1000 * batch, {"hot"});
        EXPECT_EQ(taken(1000 * batch - kHour), Keys());
        if (batch % 100 != 0) continue;
        const auto generation = checkpoint(static_cast<std::uint64_t>(batch));
        if (batch % 300 == 0) {
            for (auto& range : idle_) range.reset();
            restartFrom(generation);
            bind();
        }
        EXPECT_EQ(rows(timers()).size(), 1u) << batch;
        EXPECT_EQ(rows(touched()).size(), 1u) << batch;
    }
    // Its timer is of the first touch: it is set anew, once, when it is due.
    EXPECT_EQ(taken(1'100'000), Keys());
    EXPECT_EQ(rows(timers()).size(), 1u);
    EXPECT_EQ(taken(1'200'000), Keys());
    EXPECT_EQ(taken(1'200'001), Keys{"hot"});
    EXPECT_TRUE(rows(timers()).empty());
    EXPECT_TRUE(rows(touched()).empty());
}

TEST_F(IdleKeysTest, KeysAreFoundOnceInAnyOrderOfTouches) {
    bind();
    Keys all;
    for (int i = 0; i < 3000; ++i) all.push_back("key " + std::to_string(i));
    touch(1, all);
    touch(5, {all.begin(), all.begin() + 1000});
    touch(4, {all.begin() + 500, all.begin() + 1500});  // time has stepped back
    EXPECT_EQ(taken(1), Keys());
    EXPECT_EQ(taken(2).size(), 1500u);
    EXPECT_EQ(taken(2), Keys());
    EXPECT_EQ(taken(5).size(), 500u);
    for (auto& range : idle_) range.reset();
    restartFrom(checkpoint(1));
    bind();
    EXPECT_EQ(taken(5), Keys());
    EXPECT_EQ(taken(6).size(), 1000u);
    EXPECT_TRUE(rows(timers()).empty());
}

TEST_F(IdleKeysTest, HowLongAKeyMayBeIdleMayChange) {
    bind();
    touch(1000, {"a", "b"});
    touch(2000, {"b", "c"});
    EXPECT_EQ(taken(500), Keys());
    EXPECT_EQ(taken(1500), Keys{"a"});  // shorter
    EXPECT_EQ(taken(1000), Keys());     // longer
    EXPECT_EQ(taken(2001), (Keys{"b", "c"}));
    touch(100, {"d"});  // earlier than all before
    EXPECT_EQ(taken(101), Keys{"d"});
}

TEST_F(IdleKeysTest, TimersLieInTheGroupsOfTheirKeys) {
    bind();
    touch(7, {"tide", "mill", ""});
    for (const auto& [timer, value] : rows(timers())) {
        const auto key = timer.substr(IdleKeys::kTimeBytes);
        auto walker = timers().rangeOf(timer).walk();
        walker.seek(core::keyGroup(key), timer);
        ASSERT_TRUE(must(walker.next()));
        EXPECT_EQ(walker.key(), timer);
    }
    EXPECT_EQ(rows(timers()).size(), 3u);
    EXPECT_EQ(taken(8), (Keys{"", "mill", "tide"}));
}

TEST_F(IdleKeysTest, NothingIsLeftBehindAClear) {
    bind();
    touch(7, {"a", "b"});
    for (auto& range : idle_) must(range->clear());
    EXPECT_EQ(taken(100), Keys());
    EXPECT_TRUE(rows(timers()).empty());
    touch(200, {"a"});
    EXPECT_EQ(taken(201), Keys{"a"});
}

}  // namespace
}  // namespace tidemill::state
