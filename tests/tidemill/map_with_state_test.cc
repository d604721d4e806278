// mapWithState, and what can be asked of any state: names, initial states, an end of idle keys.
// With the expected data of Spark Streaming's own suite; every row with kills too.
#include <gtest/gtest.h>

#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::vector<std::string>>;
using Seen = std::map<std::uint64_t, std::vector<std::string>>;
using Lines = std::vector<std::string>;

const Words kUpdates{{}, {"a"}, {"a", "b"}, {"a", "b", "c"}, {"a", "b"}, {"a"}, {}};

auto ones(DStream<std::string> words) {
    return words.map([](const std::string& w) { return std::pair<std::string, int>(w, 1); });
}

int count(const std::string&, std::optional<int> one, State<int>& state) {
    state.update(state.getOption().value_or(0) + one.value_or(0));
    return state.get();
}

TEST(MapWithState, MakesAnElementOfEachRecord) {
    expectAlsoWithKills(kUpdates, {{}, {"1"}, {"1", "2"}, {"1", "2", "3"}, {"3", "4"}, {"5"}, {}},
                        [](auto s) { return ones(s).template mapWithState<int>(count); });
}

TEST(MapWithState, SnapshotsHoldEveryKey) {
    expectAlsoWithKills(
        kUpdates,
        {{},
         {"(a,1)"},
         {"(a,2)", "(b,1)"},
         {"(a,3)", "(b,2)", "(c,1)"},
         {"(a,4)", "(b,3)", "(c,1)"},
         {"(a,5)", "(b,3)", "(c,1)"},
         {"(a,5)", "(b,3)", "(c,1)"}},
        [](auto s) { return ones(s).template mapWithState<int>(count).stateSnapshots(); });
}

TEST(MapWithState, RecordsOfAKeySeeEachOther) {
    EXPECT_EQ(runBatches(Words{{"a", "a", "b", "a"}},
                         [](auto s) { return ones(s).template mapWithState<int>(count); }),
              (Batches{{"1", "1", "2", "3"}}));
}

TEST(MapWithState, TheFunctionMayTakeTheBatchTime) {
    const auto sinceBefore = [](BatchTime time, const std::string& key, std::optional<int> one,
                                State<std::int64_t>& state) {
        const std::int64_t now = time.time_since_epoch().count();
        const auto before = state.getOption().value_or(now);
        if (!state.isTimingOut()) state.update(now);
        return key + (one ? " +" : " out +") + std::to_string(now - before);
    };
    expectAlsoWithKills(
        Words{{"a"}, {"a", "b"}, {}, {"a"}, {}, {}},
        {{"a +0"}, {"a +1000", "b +0"}, {}, {"a +2000"}, {"b out +3000"}, {}}, [&](auto s) {
            return ones(s).template mapWithState<std::int64_t>(sinceBefore).timeout(2s);
        });
}

TEST(MapWithState, AnEmptyOptionalMakesNoElement) {
    const auto everySecond = [](const std::string& key, std::optional<int>,
                                State<int>& state) -> std::optional<std::string> {
        state.update(state.getOption().value_or(0) + 1);
        if (state.get() % 2 != 0) return std::nullopt;
        return key + std::to_string(state.get());
    };
    EXPECT_EQ(runBatches(Words{{"a"}, {"a", "b"}, {"a", "b"}},
                         [&](auto s) { return ones(s).template mapWithState<int>(everySecond); }),
              (Batches{{}, {"a2"}, {"b2"}}));
}

TEST(MapWithState, StatesCanBeRemoved) {
    const auto untilThree = [](const std::string&, std::optional<int>, State<int>& state) {
        if (state.exists() && state.get() == 2) state.remove();
        else state.update(state.getOption().value_or(0) + 1);
        return 0;
    };
    const Words inputs{{"a"}, {"a"}, {"a"}, {"a"}, {"a", "a", "a"}};
    expectAlsoWithKills(inputs, {{"(a,1)"}, {"(a,2)"}, {}, {"(a,1)"}, {"(a,1)"}}, [&](auto s) {
        return ones(s).template mapWithState<int>(untilThree).stateSnapshots();
    });
}

TEST(MapWithState, InitialStatesAreThereFromTheFirstBatchOn) {
    const auto build = [](auto s) {
        return ones(s).template mapWithState<int>(count).initialState({{"a", 5}, {"z", 10}});
    };
    expectAlsoWithKills({{"a"}, {"a", "b"}, {}}, {{"6"}, {"1", "7"}, {}}, build);
    expectAlsoWithKills(
        {{"a"}, {"a", "b"}, {}},
        {{"(a,6)", "(z,10)"}, {"(a,7)", "(b,1)", "(z,10)"}, {"(a,7)", "(b,1)", "(z,10)"}},
        [&](auto s) { return build(s).stateSnapshots(); });
}

// "key=count", or "key timed out at count".
std::string describe(const std::string& key, std::optional<int> one, State<int>& state) {
    if (state.isTimingOut()) {
        EXPECT_FALSE(one);
        return key + " out at " + std::to_string(state.get());
    }
    state.update(state.getOption().value_or(0) + 1);
    return key + "=" + std::to_string(state.get());
}

TEST(MapWithState, IdleKeysTimeOutOnceAndStrictly) {
    // Touched at 1 s with a timeout of 2 s: out when 1 s < batch time - 2 s, so at 4 s.
    expectAlsoWithKills(
        {{"a", "b"}, {"b"}, {}, {}, {}, {}, {"a"}},
        {{"a=1", "b=1"}, {"b=2"}, {}, {"a out at 1"}, {"b out at 2"}, {}, {"a=1"}},
        [](auto s) { return ones(s).template mapWithState<int>(describe).timeout(2s); });
}

TEST(MapWithState, ARecordInTheLastBatchRefreshesTheKey) {
    expectAlsoWithKills(
        {{"a"}, {}, {}, {"a"}, {}, {}, {}}, {{"a=1"}, {}, {}, {"a=2"}, {}, {}, {"a out at 2"}},
        [](auto s) { return ones(s).template mapWithState<int>(describe).timeout(2s); });
}

TEST(MapWithState, KeysThatTimedOutAreNotInTheSnapshot) {
    expectAlsoWithKills(
        {{"a"}, {"b"}, {}, {}, {}}, {{"(a,1)"}, {"(a,1)", "(b,1)"}, {"(b,1)"}, {}, {}}, [](auto s) {
            return ones(s).template mapWithState<int>(describe).timeout(1s).stateSnapshots();
        });
}

TEST(MapWithState, InitialStatesTimeOutToo) {
    expectAlsoWithKills({{}, {}, {}}, {{}, {}, {"z out at 3"}}, [](auto s) {
        return ones(s).template mapWithState<int>(describe).initialState({{"z", 3}}).timeout(1s);
    });
}

TEST(MapWithState, KeysMayBeViews) {
    const std::string text = "to be\nor\n\n\n";
    Seen seen;
    Life life(inMemory());
    life.collect(life.context()
                     .memoryTextStream(text, 3)
                     .flatMap(splitWords)
                     .map([](std::string_view w) { return std::pair(w, 1); })
                     .mapWithState<int>(
                         [](const std::string_view& key, std::optional<int>, State<int>& state) {
                             if (!state.isTimingOut()) state.update(1);
                             return std::pair(key, state.isTimingOut());
                         })
                     .timeout(1s),
                 seen);
    life.start();
    life.run(4);
    life.context().stop();
    EXPECT_EQ(seen[1], (Lines{"(be,false)", "(to,false)"}));
    EXPECT_EQ(seen[2], (Lines{"(or,false)"}));
    EXPECT_EQ(seen[3], (Lines{"(be,true)", "(to,true)"}));
    EXPECT_EQ(seen[4], (Lines{"(or,true)"}));
}

TEST(StateHandle, MisuseIsAnError) {
    State<int> none(std::nullopt, false);
    EXPECT_THROW(none.get(), std::logic_error);
    none.update(1);
    EXPECT_EQ(none.get(), 1);
    none.remove();
    EXPECT_FALSE(none.exists());
    EXPECT_THROW(none.update(2), std::logic_error);
    EXPECT_THROW(none.remove(), std::logic_error);
    State<int> out(7, true);
    EXPECT_EQ(out.get(), 7);
    EXPECT_THROW(out.update(8), std::logic_error);
    EXPECT_THROW(out.remove(), std::logic_error);
}

// The same of the other stateful operators.
std::optional<int> sum(std::span<const int> values, std::optional<int> before) {
    int all = before.value_or(0);
    for (const int value : values) all += value;
    return all;
}

TEST(StateOptions, UpdateStateByKeyBeginsWithInitialStates) {
    const Words inputs{{"a"}, {"a", "b"}, {"a", "b", "c"}, {"a", "b"}, {"a"}, {}};
    expectAlsoWithKills(
        inputs,
        {{"(a,2)", "(c,2)"},
         {"(a,3)", "(b,1)", "(c,2)"},
         {"(a,4)", "(b,2)", "(c,3)"},
         {"(a,5)", "(b,3)", "(c,3)"},
         {"(a,6)", "(b,3)", "(c,3)"},
         {"(a,6)", "(b,3)", "(c,3)"}},
        [](auto s) {
            return ones(s).template updateStateByKey<int>(sum).initialState({{"a", 1}, {"c", 2}});
        });
}

TEST(StateOptions, UpdateStateByKeyMaySeeTimeAndKey) {
    const auto lastSeen = [](BatchTime time, const std::string& key, std::span<const int> values,
                             std::optional<std::string> before) -> std::optional<std::string> {
        if (values.empty()) return before;
        return key + "@" + std::to_string(toMillis(time));
    };
    for (const auto visit : {Visit::kEveryKey, Visit::kTouchedKeys})
        expectAlsoWithKills(
            {{"a"}, {"b"}, {"a"}},
            {{"(a,a@1000)"}, {"(a,a@1000)", "(b,b@2000)"}, {"(a,a@3000)", "(b,b@2000)"}},
            [&](auto s) {
                return ones(s).template updateStateByKey<std::string>(lastSeen, visit).all();
            });
}

TEST(StateOptions, IdleStatesEndAfterTheirTime) {
    const Words inputs{{"a", "b"}, {"b"}, {}, {}, {"a"}, {}};
    const Batches expected{{"(a,1)", "(b,1)"}, {"(a,1)", "(b,2)"}, {"(a,1)", "(b,2)"},
                           {"(b,2)"},          {"(a,1)"},          {"(a,1)"}};
    expectAlsoWithKills(inputs, expected,
                        [](auto s) { return ones(s).runningTotals().ttl(2s).all(); });
    for (const auto visit : {Visit::kEveryKey, Visit::kTouchedKeys})
        expectAlsoWithKills(inputs, expected, [&](auto s) {
            return ones(s).template updateStateByKey<int>(sum, visit).ttl(2s).all();
        });
}

TEST(StateOptions, UnnamedStatesAreFoundAgain) {
    expectAlsoWithKills({{"a"}, {"a"}, {"a"}, {"a"}}, {{"(a,1)"}, {"(a,2)"}, {"(a,3)"}, {"(a,4)"}},
                        [](auto s) {
                            ones(s).runningTotals();
                            return ones(s).runningTotals();
                        });
}

TEST(StateOptions, ANameKeepsAStateInAChangedProgram) {
    TemporaryDirectory directory;
    Seen seen;
    const auto live = [&](std::int64_t start, bool changed) {
        StreamingOptions options;
        options.directory = directory / "data";
        Life life(options, fromMillis(start));
        RecordQueue<std::string> queue;
        queue.push({"a"});
        auto words = ones(life.context().queueStream(queue));
        if (changed) words.mapValues([](int n) { return 10 * n; }).runningTotals();
        life.collect(words.runningTotals().named("totals"), seen);
        life.start();
        life.run(1);
        life.context().stop();
    };
    live(0, false);
    live(1000, true);
    EXPECT_EQ(seen[2], (Lines{"(a,2)"}));
}

TEST(StateOptions, MisuseIsRefused) {
    StreamingContext context(inMemory());
    RecordQueue<std::string> queue;
    auto totals = ones(context.queueStream(queue)).runningTotals();
    EXPECT_THROW(totals.ttl(0s), std::invalid_argument);
    EXPECT_THROW(totals.initialState({{"a", 1}}), std::invalid_argument);
    ones(context.queueStream(RecordQueue<std::string>())).runningTotals("runningTotals-1");
    EXPECT_THROW(context.start(), StreamingError);
    EXPECT_THROW(totals.named("late"), std::logic_error);
}

}  // namespace
}  // namespace tidemill::test
