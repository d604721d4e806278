// Initial states and lifetimes that change from one life of a job to the next.
#include <gtest/gtest.h>

#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::vector<std::string>>;
using Lines = std::vector<std::string>;
using Seen = std::map<std::uint64_t, Lines>;
using Initial = std::vector<std::pair<std::string, int>>;

auto ones(DStream<std::string> words) {
    return words.map([](const std::string& w) { return std::pair<std::string, int>(w, 1); });
}
std::optional<int> sum(std::span<const int> values, std::optional<int> before) {
    int all = before.value_or(0);
    for (const int value : values) all += value;
    return all;
}

// Lives of one directory, each behind the other.
class Lives : public testing::Test {
protected:
    enum class End { kGraceful, kKilled };

    // "" or what the start said.
    template <class Build>
    std::string live(const Words& inputs, End end, Build build, bool drop = false) {
        StreamingOptions options;
        options.directory = directory_ / "data";
        options.workers = 2;
        options.checkpointInterval = checkpointInterval_;
        options.dropMismatchedState = drop;
        Life one(options, fromMillis(static_cast<std::int64_t>(1000 * batches_)));
        RecordQueue<std::string> queue;
        for (const auto& input : inputs) queue.push(input);
        one.collect(build(one.context().queueStream(queue)), seen_);
        try {
            one.start();
        } catch (const StreamingError& error) {
            return error.what();
        }
        one.run(inputs.size());
        one.context().stop(end == End::kGraceful);
        batches_ += inputs.size();
        return "";
    }

    TemporaryDirectory directory_;
    Duration checkpointInterval_{1000};
    std::size_t batches_ = 0;
    Seen seen_;
};

// The operators that have initial states, one after the other.
template <class Check>
void forEachOperator(Check check) {
    check([](auto s, const Initial& initial) {
        return ones(s)
            .template updateStateByKey<int>("counts", sum, Visit::kTouchedKeys)
            .initialState(initial)
            .all();
    });
    check([](auto s, const Initial& initial) {
        return ones(s).template updateStateByKey<int>("counts", sum).initialState(initial);
    });
    check([](auto s, const Initial& initial) {
        return ones(s)
            .template mapWithState<int>(
                [](const std::string&, std::optional<int> one, State<int>& state) {
                    state.update(state.getOption().value_or(0) + one.value_or(0));
                    return state.get();
                })
            .named("counts")
            .initialState(initial)
            .stateSnapshots();
    });
}

class InitialStates : public Lives {
protected:
    // A directory anew.
    std::filesystem::path fresh() {
        std::filesystem::remove_all(directory_ / "data");
        batches_ = 0;
        seen_.clear();
        return directory_ / "data";
    }
};

TEST_F(InitialStates, AddedLaterAreNotTaken) {
    forEachOperator([&](auto build) {
        for (const auto end : {End::kGraceful, End::kKilled}) {
            for (const Duration interval : {Duration(0), Duration(1000)}) {
                checkpointInterval_ = interval;
                fresh();
                EXPECT_EQ(live({{"a"}, {"a"}, {"a"}}, end, [&](auto s) { return build(s, {}); }),
                          "");
                for (int life = 0; life < 2; ++life)
                    EXPECT_EQ(live({{"a"}}, end,
                                   [&](auto s) {
                                       return build(s, {{"a", 100}, {"z", 5}});
                                   }),
                              "");
                EXPECT_EQ(seen_[3], Lines{"(a,3)"});
                EXPECT_EQ(seen_[4], Lines{"(a,4)"});
                EXPECT_EQ(seen_[5], Lines{"(a,5)"});
            }
        }
    });
}

TEST_F(InitialStates, AreTakenOnceAndChangedOnesAreNot) {
    forEachOperator([&](auto build) {
        for (const auto end : {End::kGraceful, End::kKilled}) {
            fresh();
            checkpointInterval_ = Duration(0);
            const auto with = [&](Initial initial) {
                return [&build, initial](auto s) { return build(s, initial); };
            };
            EXPECT_EQ(live({{"a"}}, end, with({{"a", 10}})), "");
            EXPECT_EQ(live({{"a"}}, end, with({{"a", 10}})), "");
            EXPECT_EQ(seen_[2], Lines{"(a,12)"});
            const auto said = live({{"a"}}, end, with({{"a", 1000}}));
            if (end == End::kGraceful) {
                EXPECT_EQ(said, "");
                EXPECT_EQ(seen_[3], Lines{"(a,13)"});
            } else {
                // Recorded batches ran with other initial states.
                EXPECT_NE(said.find("wait to be replayed"), std::string::npos) << said;
                EXPECT_EQ(live({{"a"}}, End::kGraceful, with({{"a", 10}})), "");
                EXPECT_EQ(seen_[3], Lines{"(a,13)"});
                EXPECT_EQ(live({{"a"}}, end, with({})), "");
                EXPECT_EQ(seen_[4], Lines{"(a,14)"});
            }
        }
    });
}

TEST_F(InitialStates, ANewOperatorBesideOthersTakesThem) {
    const auto two = [](const Initial& second) {
        return [second](auto s) {
            ones(s).template updateStateByKey<int>("first", sum).initialState({{"a", 100}});
            return ones(s).template updateStateByKey<int>("second", sum).initialState(second);
        };
    };
    const auto one = [](auto s) { return ones(s).template updateStateByKey<int>("first", sum); };
    checkpointInterval_ = Duration(0);
    EXPECT_EQ(live({{"a"}}, End::kGraceful, one), "");
    EXPECT_EQ(live({{"a"}, {}}, End::kKilled, two({{"a", 50}})), "");
    EXPECT_EQ(live({{"a"}}, End::kKilled, two({{"a", 50}})), "");
    EXPECT_EQ(seen_[4], Lines{"(a,52)"});
    EXPECT_EQ(live({{"a"}}, End::kGraceful, two({{"a", 50}})), "");
    EXPECT_EQ(live({{}}, End::kGraceful, one), "");
    EXPECT_EQ(seen_[6], Lines{"(a,4)"});
}

TEST_F(InitialStates, AnOperatorWhoseStateWasDroppedTakesThemAnew) {
    const auto strings = [](auto s) {
        return ones(s)
            .template updateStateByKey<std::string>(
                "counts",
                [](std::span<const int>, std::optional<std::string> before) {
                    return std::optional(before.value_or("") + "x");
                })
            .initialState({{"a", "begin "}});
    };
    const auto numbers = [](auto s) {
        return ones(s).template updateStateByKey<int>("counts", sum).initialState({{"a", 10}});
    };
    EXPECT_EQ(live({{"a"}}, End::kGraceful, numbers), "");
    EXPECT_NE(live({{"a"}}, End::kGraceful, strings), "");
    EXPECT_EQ(live({{"a"}}, End::kGraceful, strings, true), "");
    EXPECT_EQ(seen_[2], Lines{"(a,begin x)"});
    EXPECT_EQ(live({{"a"}}, End::kGraceful, strings), "");
    EXPECT_EQ(seen_[3], Lines{"(a,begin xx)"});
}

class Lifetimes : public Lives {
protected:
    static auto counted(Duration lifetime) {
        return [lifetime](auto s) {
            const auto totals = ones(s).runningTotals("counts");
            if (lifetime > Duration(0)) totals.ttl(lifetime);
            return totals.all();
        };
    }
};

TEST_F(Lifetimes, MayBecomeShorterAndLonger) {
    // Touched at 1 s and 2 s.
    EXPECT_EQ(live({{"a", "b"}, {"b"}}, End::kGraceful, counted(1h)), "");
    EXPECT_EQ(live({{}, {}}, End::kGraceful, counted(1s)), "");
    EXPECT_EQ(seen_[3], (Lines{"(b,2)"}));
    EXPECT_EQ(seen_[4], Lines());
    EXPECT_EQ(live({{"c"}}, End::kGraceful, counted(1s)), "");
    EXPECT_EQ(live({{}, {}, {}}, End::kGraceful, counted(3s)), "");
    EXPECT_EQ(seen_[8], (Lines{"(c,1)"}));
    EXPECT_EQ(live({{}}, End::kGraceful, counted(3s)), "");
    EXPECT_EQ(seen_[9], Lines());
}

TEST_F(Lifetimes, BeginForKeysThatHadNone) {
    EXPECT_EQ(live({{"a"}, {"b"}}, End::kGraceful, counted(0s)), "");
    // From the first batch with it on.
    EXPECT_EQ(live({{}, {"b"}, {}, {}, {}}, End::kGraceful, counted(2s)), "");
    EXPECT_EQ(seen_[5], (Lines{"(a,1)", "(b,2)"}));
    EXPECT_EQ(seen_[6], (Lines{"(b,2)"}));
    EXPECT_EQ(seen_[7], Lines());
}

TEST_F(Lifetimes, EndWithoutATrace) {
    EXPECT_EQ(live({{"a"}}, End::kGraceful, counted(2s)), "");
    EXPECT_EQ(live({{"a"}, {"a"}, {"a"}, {"a"}}, End::kGraceful, counted(0s)), "");
    // The timers of then say nothing any more.
    EXPECT_EQ(live({{}, {}, {}}, End::kGraceful, counted(2s)), "");
    EXPECT_EQ(seen_[6], (Lines{"(a,5)"}));
    EXPECT_EQ(seen_[8], (Lines{"(a,5)"}));
    EXPECT_EQ(live({{}}, End::kGraceful, counted(2s)), "");
    EXPECT_EQ(seen_[9], Lines());
}

TEST_F(Lifetimes, AChangeWhileBatchesWaitIsRefused) {
    checkpointInterval_ = Duration(0);
    EXPECT_EQ(live({{"a"}, {}}, End::kKilled, counted(2s)), "");
    EXPECT_NE(live({{}}, End::kKilled, counted(1s)).find("wait to be replayed"), std::string::npos);
    EXPECT_EQ(live({{}, {}}, End::kKilled, counted(2s)), "");
    EXPECT_EQ(seen_[3], (Lines{"(a,1)"}));
    EXPECT_EQ(seen_[4], Lines());
}

}  // namespace
}  // namespace tidemill::test
