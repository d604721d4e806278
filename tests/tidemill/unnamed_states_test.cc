// States without names: found again by what their streams are made of, or refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Words = std::vector<std::vector<std::string>>;
using Lines = std::vector<std::string>;
using Seen = std::map<std::uint64_t, Lines>;
using Counts = DStream<std::pair<std::string, std::int64_t>>;

const char* const kA = "a";
const char* const kB = "b";
const auto kIsA = [](const std::string& w) { return w.starts_with('a'); };
const auto kIsB = [](const std::string& w) { return w.starts_with('b'); };

class UnnamedStates : public ::testing::Test {
protected:
    // One life, gracefully ended; "" or what the start said. build(stream, seeA, seeB) shows
    // streams.
    template <class Build>
    std::string live(const Words& inputs, Build build, bool drop = false) {
        StreamingOptions options;
        options.directory = directory_ / "data";
        options.workers = 2;
        options.dropMismatchedState = drop;
        Life life(options, fromMillis(static_cast<std::int64_t>(1000 * batches_)));
        RecordQueue<std::string> queue, other;
        for (const auto& input : inputs) {
            queue.push(input);
            Lines more;
            for (const auto& word : input) more.push_back(word + word);
            other.push(more);
        }
        const auto first = life.context().queueStream(queue);
        build(
            first, life.context().queueStream(other),
            [&](const auto& stream) { life.collect(stream, a_); },
            [&](const auto& stream) { life.collect(stream, b_); });
        try {
            life.start();
        } catch (const StreamingError& error) {
            return error.what();
        }
        life.run(inputs.size());
        life.context().stop();
        batches_ += inputs.size();
        return "";
    }

    const Words kInput{{"a1", "b1", "b1"}};
    // What the window of three batches holds after the input came twice.
    void expectBoth() const {
        EXPECT_EQ(a_.at(2), (Lines{"(a1,2)"}));
        EXPECT_EQ(b_.at(2), (Lines{"(b1,4)"}));
    }

    TemporaryDirectory directory_;
    std::size_t batches_ = 0;
    Seen a_, b_;
};

TEST_F(UnnamedStates, WindowedCountsMayChangePlaces) {
    const auto build = [](bool swapped) {
        return [swapped](auto s, auto, auto seeA, auto seeB) {
            const auto a = [&] { seeA(s.filter(kIsA).countByValueAndWindow(3s)); };
            const auto b = [&] { seeB(s.filter(kIsB).countByValueAndWindow(3s)); };
            if (swapped) b(), a();
            else a(), b();
        };
    };
    ASSERT_EQ(live(kInput, build(false)), "");
    ASSERT_EQ(live(kInput, build(true)), "");
    expectBoth();
    ASSERT_EQ(live(kInput, build(false)), "");
    EXPECT_EQ(a_.at(3), (Lines{"(a1,3)"}));
    EXPECT_EQ(b_.at(3), (Lines{"(b1,6)"}));
}

TEST_F(UnnamedStates, OverTwoSourcesToo) {
    const auto build = [](bool swapped) {
        return [swapped](auto s, auto other, auto seeA, auto seeB) {
            const auto a = [&] { seeA(s.countByValueAndWindow(3s)); };
            const auto b = [&] { seeB(other.countByValueAndWindow(3s)); };
            if (swapped) b(), a();
            else a(), b();
        };
    };
    ASSERT_EQ(live({{"x"}}, build(false)), "");
    ASSERT_EQ(live({{"x"}}, build(true)), "");
    EXPECT_EQ(a_.at(2), (Lines{"(x,2)"}));
    EXPECT_EQ(b_.at(2), (Lines{"(xx,2)"}));
}

// What stands on a state follows it.
TEST_F(UnnamedStates, OfOtherKindsAndOnOtherStates) {
    const auto build = [](bool swapped) {
        return [swapped](auto s, auto, auto seeA, auto seeB) {
            const auto chain = [](auto words) {
                return words.countByValueAndWindow(1s)
                    .runningTotals()
                    .all()
                    .template updateStateByKey<std::int64_t>(
                        [](std::span<const std::int64_t> values,
                           std::optional<std::int64_t> before) {
                            std::int64_t all = before.value_or(0);
                            for (const auto value : values) all += value;
                            return std::optional(all);
                        });
            };
            if (swapped) {
                seeB(chain(s.filter(kIsB)));
                seeA(chain(s.filter(kIsA)));
            } else {
                seeA(chain(s.filter(kIsA)));
                seeB(chain(s.filter(kIsB)));
            }
        };
    };
    ASSERT_EQ(live(kInput, build(false)), "");
    ASSERT_EQ(live(kInput, build(true)), "");
    EXPECT_EQ(a_.at(2), (Lines{"(a1,3)"}));
    EXPECT_EQ(b_.at(2), (Lines{"(b1,6)"}));
}

TEST_F(UnnamedStates, TheOnlyOneOfItsKindIsFoundBehindOtherSteps) {
    const auto plain = [](auto s, auto, auto seeA, auto) { seeA(s.countByValueAndWindow(3s)); };
    const auto filtered = [](auto s, auto, auto seeA, auto) {
        seeA(s.filter(kIsA).persist().countByValueAndWindow(3s));
    };
    ASSERT_EQ(live({{"a1"}}, plain), "");
    ASSERT_EQ(live({{"a1"}}, filtered), "");
    EXPECT_EQ(a_.at(2), (Lines{"(a1,2)"}));
}

TEST_F(UnnamedStates, OneMayGoAndComeBack) {
    const auto both = [](auto s, auto, auto seeA, auto seeB) {
        seeA(s.filter(kIsA).countByValueAndWindow(5s));
        seeB(s.filter(kIsB).countByValueAndWindow(5s));
    };
    const auto second = [](auto s, auto, auto, auto seeB) {
        seeB(s.filter(kIsB).countByValueAndWindow(5s));
    };
    ASSERT_EQ(live(kInput, both), "");
    ASSERT_EQ(live(kInput, second), "");
    EXPECT_EQ(b_.at(2), (Lines{"(b1,4)"}));
    ASSERT_EQ(live(kInput, both), "");
    EXPECT_EQ(a_.at(3), (Lines{"(a1,2)"}));
    EXPECT_EQ(b_.at(3), (Lines{"(b1,6)"}));
}

TEST_F(UnnamedStates, WhichOfSeveralOneIsMustBeKnown) {
    const auto both = [](auto s, auto, auto seeA, auto seeB) {
        seeA(s.filter(kIsA).countByValueAndWindow(3s));
        seeB(s.filter(kIsB).countByValueAndWindow(3s));
    };
    const auto changed = [](auto s, auto, auto seeA, auto seeB) {
        seeA(s.persist().filter(kIsA).countByValueAndWindow(3s));
        seeB(s.persist().filter(kIsB).countByValueAndWindow(3s));
    };
    ASSERT_EQ(live(kInput, both), "");
    const auto said = live(kInput, changed);
    EXPECT_THAT(said, AllOf(HasSubstr("unclear"), HasSubstr("countByValueAndWindow-1"),
                            HasSubstr("countByValueAndWindow-2"), HasSubstr("name")));
    // The way out.
    ASSERT_EQ(live(kInput,
                   [](auto s, auto, auto seeA, auto seeB) {
                       seeB(s.persist().filter(kIsB).countByValueAndWindow(
                           3s, 1s, "countByValueAndWindow-2"));
                       seeA(s.persist().filter(kIsA).countByValueAndWindow(
                           3s, 1s, "countByValueAndWindow-1"));
                   }),
              "");
    expectBoth();
}

TEST_F(UnnamedStates, NumbersThatFunctionsHoldTellThemApart) {
    const auto build = [&](char one, char two, bool swapped) {
        return [=](auto s, auto, auto seeA, auto seeB) {
            const auto counts = [&](char first) {
                return s.filter([first](const std::string& w) { return w.starts_with(first); })
                    .countByValueAndWindow(3s);
            };
            if (swapped) {
                seeB(counts(two));
                seeA(counts(one));
            } else {
                seeA(counts(one));
                seeB(counts(two));
            }
        };
    };
    ASSERT_EQ(live(kInput, build('a', 'b', false)), "");
    ASSERT_EQ(live(kInput, build('a', 'b', true)), "");
    expectBoth();
}

TEST_F(UnnamedStates, FunctionsThatCannotBeComparedNeedNames) {
    const auto startsWith = [](const char* first) {
        return [first](const std::string& w) { return w.starts_with(first); };
    };
    const auto build = [&](const char* one, const char* two) {
        return [=](auto s, auto, auto seeA, auto seeB) {
            seeA(s.filter(startsWith(one)).countByValueAndWindow(3s));
            seeB(s.filter(startsWith(two)).countByValueAndWindow(3s));
        };
    };
    EXPECT_THAT(live(kInput, build(kA, kB)),
                AllOf(HasSubstr("countByValueAndWindow-1 and countByValueAndWindow-2"),
                      HasSubstr("give them names")));
    // The same twice is the same whichever is which.
    EXPECT_EQ(live(kInput, build(kA, kA)), "");
}

TEST_F(UnnamedStates, TotalsOfWindowsAreNoTotalsOfBatches) {
    const auto ofBatches = [](auto s, auto, auto seeA, auto) {
        seeA(s.countByValue().runningTotals("totals").all());
    };
    const auto ofWindows = [](auto s, auto, auto seeA, auto) {
        seeA(s.countByValueAndWindow(3s).runningTotals("totals").all());
    };
    ASSERT_EQ(live(kInput, ofBatches), "");
    EXPECT_THAT(live(kInput, ofWindows), AllOf(HasSubstr("incompatible"), HasSubstr("totals"),
                                               HasSubstr("of_slide_ms=1000")));
    ASSERT_EQ(live(kInput, ofBatches), "");
    EXPECT_EQ(a_.at(2), (Lines{"(a1,2)", "(b1,4)"}));
}

TEST_F(UnnamedStates, NorAreWindowsOfWindowsThoseOfBatches) {
    const auto ofBatches = [](auto s, auto, auto seeA, auto) {
        seeA(s.countByValue().reduceByKeyAndWindow(std::plus<std::int64_t>(), 2s, 1s, "w"));
    };
    const auto ofWindows = [](auto s, auto, auto seeA, auto) {
        seeA(s.countByValueAndWindow(3s).reduceByKeyAndWindow(std::plus<std::int64_t>(), 2s, 1s,
                                                              "w"));
    };
    ASSERT_EQ(live(kInput, ofBatches), "");
    EXPECT_THAT(live(kInput, ofWindows), HasSubstr("incompatible"));
}

}  // namespace
}  // namespace tidemill::test
