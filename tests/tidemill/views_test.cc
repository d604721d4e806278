// Views outlive their bytes nowhere: every input whose elements own their bytes, with every
// operator that can make views of them, and everything that holds these until later in the batch.
#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "tests/support/batch_harness.h"
#include "tests/support/poison.h"

namespace tidemill::test {
namespace {

using Text = std::string;
using View = std::string_view;
using Texts = DStream<Text>;
using Views = DStream<View>;

View firstOf(View line) { return line.substr(0, line.find(' ')); }
View restOf(View line) { return line.substr(line.find(' ') + 1); }

// Different lines for several chunks; one word short, so that it lies inside its std::string, and
// one long. Every seventh line is short as a whole.
std::vector<Text> lines() {
    std::vector<Text> lines;
    for (int i = 0; i < 2600; ++i)
        lines.push_back("S" + std::to_string(i) +
                        (i % 7 == 0 ? " b" : " a_word_that_no_short_string_holds_") +
                        std::to_string(i));
    return lines;
}

std::vector<std::string> words() {
    std::vector<std::string> words;
    for (const auto& line : lines()) {
        words.emplace_back(firstOf(line));
        words.emplace_back(restOf(line));
    }
    std::sort(words.begin(), words.end());
    return words;
}

std::pair<Text, Text> keyed(const Text& line) { return {line, line}; }
std::pair<Text, std::int64_t> counted(const Text& line) { return {line, 1}; }
constexpr auto firstOfPair = [](const auto& pair) { return Text(pair.first); };
constexpr auto secondOfPair = [](const auto& pair) { return Text(pair.second); };

template <class In, class Out>
struct Case {
    const char* name;
    std::function<DStream<Out>(const DStream<In>&)> make;
};
using Input = Case<Text, Text>;
using Operator = Case<Text, View>;
using Holder = Case<View, View>;

// Each gives the lines again, as elements that own their bytes.
const std::vector<Input> kInputs = {
    {"Queue", [](const Texts& s) { return s; }},
    {"Map", [](const Texts& s) { return s.map([](const Text& x) { return Text(x); }); }},
    {"MapOfViews",
     [](const Texts& s) {
         return s.map([](const Text& x) { return View(x); }).map([](View x) { return Text(x); });
     }},
    {"Filter", [](const Texts& s) { return s.filter([](const Text& x) { return !x.empty(); }); }},
    {"FlatMap",
     [](const Texts& s) { return s.flatMap([](const Text& x) { return std::vector<Text>{x}; }); }},
    {"Emit",
     [](const Texts& s) { return s.flatMap([](const Text& x, Emit<Text>& emit) { emit(x); }); }},
    {"MapPartitions",
     [](const Texts& s) {
         return s.mapPartitions(
             [](std::span<Text> all) { return std::vector<Text>(all.begin(), all.end()); });
     }},
    {"Glom",
     [](const Texts& s) { return s.glom().flatMap([](const std::vector<Text>& x) { return x; }); }},
    {"Persist", [](const Texts& s) { return s.persist(); }},
    {"Repartition", [](const Texts& s) { return s.repartition(5); }},
    {"Union",
     [](const Texts& s) {
         return s.filter([](const Text& x) { return x.size() % 2 == 0; })
             .unionWith(s.filter([](const Text& x) { return x.size() % 2 != 0; }));
     }},
    {"Transform",
     [](const Texts& s) { return s.transform([](Batch<Text>& b) { return b.collect(); }); }},
    {"GroupValues",
     [](const Texts& s) {
         return s.map([](const Text& x) { return std::pair(x.size(), x); })
             .groupByKey()
             .flatMap([](const std::pair<std::size_t, std::vector<Text>>& group) {
                 return group.second;
             });
     }},
    {"ReducedKeys", [](const Texts& s) { return s.countByValue().map(firstOfPair); }},
    {"ReducedValues",
     [](const Texts& s) {
         return s.map(keyed)
             .reduceByKey([](const Text& a, const Text&) { return a; })
             .map(secondOfPair);
     }},
    {"Cogroup",
     [](const Texts& s) {
         const auto pairs = s.map(keyed);
         return pairs.cogroup(pairs).flatMap([](const auto& group) { return group.second.first; });
     }},
    {"Join",
     [](const Texts& s) {
         const auto pairs = s.map(keyed);
         return pairs.join(pairs).map([](const auto& joined) { return joined.second.second; });
     }},
    {"Window", [](const Texts& s) { return s.window(Duration(1000)); }},
    {"GroupedWindow",
     [](const Texts& s) {
         return s.map(keyed).groupByKeyAndWindow(Duration(1000)).flatMap([](const auto& group) {
             return group.second;
         });
     }},
    {"ReducedWindow",
     [](const Texts& s) {
         return s.map(keyed)
             .reduceByKeyAndWindow([](const Text& a, const Text&) { return a; }, Duration(1000))
             .map(secondOfPair);
     }},
    {"Touched",
     [](const Texts& s) { return s.map(counted).runningTotals("totals").map(firstOfPair); }},
    {"AllTotals",
     [](const Texts& s) { return s.map(counted).runningTotals("totals").all().map(firstOfPair); }},
    {"UpdatedState",
     [](const Texts& s) {
         return s.map(keyed)
             .updateStateByKey<Text>([](std::span<const Text> values, std::optional<Text>) {
                 return std::optional(values.front());
             })
             .map(secondOfPair);
     }},
    {"MapWithState",
     [](const Texts& s) {
         return s.map(keyed).mapWithState<int>(
             [](const Text& key, std::optional<Text>, State<int>&) { return key; });
     }},
    {"Snapshots",
     [](const Texts& s) {
         return s.map(keyed)
             .mapWithState<Text>([](const Text& key, std::optional<Text>, State<Text>& state) {
                 state.update(key);
                 return 0;
             })
             .stateSnapshots()
             .map(secondOfPair);
     }},
};

struct TwoViews {
    View first;
    View rest;
};

// Each gives the two words of every line, as views made of elements that own them.
const std::vector<Operator> kOperators = {
    {"SplitWords", [](const Texts& s) { return s.flatMap(splitWords); }},
    {"Emit",
     [](const Texts& s) {
         return s.flatMap<View>([](const Text& x, Emit<View>& emit) {
             emit(firstOf(x));
             emit(restOf(x));
         });
     }},
    {"EmitOfTexts",
     [](const Texts& s) {
         return s.flatMap<View>([](const Text& x, Emit<View>& emit) {
             emit(Text(firstOf(x)));
             const Text rest(restOf(x));
             emit(rest);
         });
     }},
    {"Vector",
     [](const Texts& s) {
         return s.flatMap([](const Text& x) { return std::vector{firstOf(x), restOf(x)}; });
     }},
    {"VectorOfTexts",
     [](const Texts& s) {
         return s.flatMap<View>([](Text x) {
             return std::vector{Text(firstOf(x)), Text(restOf(x))};
         });
     }},
    {"Pair",
     [](const Texts& s) {
         return s.map([](const Text& x) { return std::pair(firstOf(x), restOf(x)); })
             .flatMap([](const std::pair<View, View>& both) {
                 return std::vector{both.first, both.second};
             });
     }},
    {"TupleOfOptionals",
     [](const Texts& s) {
         return s
             .map([](const Text& x) {
                 return std::tuple(std::optional(firstOf(x)), std::vector{restOf(x)});
             })
             .flatMap([](const auto& both) {
                 return std::vector{*std::get<0>(both), std::get<1>(both)[0]};
             });
     }},
    {"Array",
     [](const Texts& s) {
         return s.map([](const Text& x) {
                     return std::array{firstOf(x), restOf(x)};
                 })
             .flatMap([](const std::array<View, 2>& both) { return both; });
     }},
    {"Struct",
     [](const Texts& s) {
         return s.map([](const Text& x) {
                     return TwoViews{firstOf(x), restOf(x)};
                 })
             .flatMap<View>([](const TwoViews& both, Emit<View>& emit) {
                 emit(both.first);
                 emit(both.rest);
             });
     }},
    {"Span",
     [](const Texts& s) {
         return s.map([](const Text& x) { return std::span<const char>(x); })
             .flatMap<View>([](std::span<const char> x, Emit<View>& emit) {
                 const View line(x.data(), x.size());
                 emit(firstOf(line));
                 emit(restOf(line));
             });
     }},
    {"MapPartitions",
     [](const Texts& s) {
         return s.mapPartitions([](std::span<Text> all) {
             std::vector<View> both;
             for (const Text& x : all) {
                 both.push_back(firstOf(x));
                 both.push_back(restOf(x));
             }
             return both;
         });
     }},
    {"MapValues",
     [](const Texts& s) {
         return s.map([](const Text& x) { return std::pair(x, x); })
             .mapValues([](const Text& x) { return std::pair(firstOf(x), restOf(x)); })
             .flatMap([](const auto& pair) {
                 return std::vector{pair.second.first, pair.second.second};
             });
     }},
    {"FlatMapValues",
     [](const Texts& s) {
         return s.map([](const Text& x) { return std::pair(1, x); })
             .flatMapValues([](const Text& x) {
                 return std::vector{firstOf(x), restOf(x)};
             })
             .map([](const std::pair<int, View>& pair) { return pair.second; });
     }},
    {"MapWithState",
     [](const Texts& s) {
         return s.map([](const Text& x) { return std::pair(x, 1); })
             .mapWithState<Text>([](const Text& key, std::optional<int>, State<Text>& state) {
                 state.update(Text(restOf(key)));
                 return std::pair(firstOf(key), View(state.get()));
             })
             .flatMap([](const auto& both) {
                 return std::vector{both.first, both.second};
             });
     }},
};

// Each holds the views until later in the batch.
const std::vector<Holder> kHolders = {
    {"Nothing", [](const Views& s) { return s; }},
    {"Persist", [](const Views& s) { return s.persist(); }},
    {"Repartition", [](const Views& s) { return s.repartition(3); }},
    {"Transform",
     [](const Views& s) { return s.transform([](Batch<View>& b) { return b.collect(); }); }},
    {"GroupByKey",
     [](const Views& s) {
         return s.map([](View x) { return std::pair(x.size(), x); })
             .groupByKey()
             .flatMap([](const auto& group) { return group.second; });
     }},
    {"ReduceByKey",
     [](const Views& s) {
         return s.map([](View x) { return std::pair(x, x); })
             .reduceByKey([](View a, View) { return a; })
             .map([](const std::pair<View, View>& pair) { return pair.second; });
     }},
    {"KeysOfState",
     [](const Views& s) {
         return s.map([](View x) { return std::pair(std::pair(x, x.size()), 1); })
             .runningTotals()
             .all()
             .map([](const auto& total) { return total.first.first; })
             .persist();
     }},
    {"Cogroup",
     [](const Views& s) {
         const auto pairs = s.map([](View x) { return std::pair(std::tuple(x), x); });
         return pairs.cogroup(pairs)
             .map([](const auto& group) { return std::get<0>(group.first); })
             .persist();
     }},
    {"Window",
     [](const Views& s) {
         return s.map([](View x) { return std::vector{std::optional(x)}; })
             .window(Duration(1000))
             .map([](const auto& x) { return *x.front(); });
     }},
};

class ViewsOf : public ::testing::TestWithParam<std::size_t> {};

TEST_P(ViewsOf, EveryOperatorLastForTheBatch) {
    const auto& input = kInputs[GetParam()];
    const auto expected = words();
    unsigned workers = 1;
    for (const auto& op : kOperators) {
        std::vector<std::map<std::uint64_t, std::vector<std::string>>> seen(kHolders.size());
        Life life(inMemory(workers));
        RecordQueue<Text> queue;
        queue.push(lines());
        const auto views = poisoned(op.make(
            poisoned(input.make(poisoned(life.context().queueStream(queue).repartition(4))))));
        for (std::size_t i = 0; i < kHolders.size(); ++i)
            life.collect(kHolders[i].make(views), seen[i]);
        life.start();
        life.run(1);
        life.context().stop();
        for (std::size_t i = 0; i < kHolders.size(); ++i)
            EXPECT_TRUE(seen[i][1] == expected)
                << op.name << " of " << input.name << ", held by " << kHolders[i].name
                << ", workers=" << workers << ": " << seen[i][1].size() << " elements, first "
                << (seen[i][1].empty() ? "" : seen[i][1].front());
        workers = 4 - workers;
    }
}

INSTANTIATE_TEST_SUITE_P(Inputs, ViewsOf, ::testing::Range<std::size_t>(0, kInputs.size()),
                         [](const auto& input) { return kInputs[input.param].name; });

TEST(Views, WordsOfLoweredLinesAreCounted) {
    const auto lower = [](View line) {
        Text text(line);
        for (char& c : text) c = static_cast<char>(std::tolower(c));
        return text;
    };
    std::map<Text, int> counts;
    for (const auto& line : lines())
        for (const auto& word : {firstOf(line), restOf(line)}) ++counts[lower(word)];
    std::vector<std::string> expected;
    for (const auto& [word, count] : counts)
        expected.push_back("(" + word + "," + std::to_string(count) + ")");
    std::sort(expected.begin(), expected.end());
    for (const unsigned workers : {1U, 3U})
        EXPECT_EQ(
            runBatches<Text>(
                {lines()}, [&](auto s) { return s.map(lower).flatMap(splitWords).countByValue(); },
                inMemory(workers)),
            Batches{expected});
}

// What a function has captured lives as long as what it made.
TEST(Views, IntoCapturedBytesLastForTheBatch) {
    const std::map<int, Text> names{{0, "even"}, {1, "an odd number, in more than a few letters"}};
    const auto batches = runBatches<int>({{1, 2, 3}}, [&](auto s) {
        const auto named = s.map([names](int x) { return View(names.at(x % 2)); });
        const auto keyed = s.map([names](int x) { return std::pair(x, View(names.at(x % 2))); });
        const auto fallback = keyed.reduceByKey([names](View a, View) { return a; });
        return poisoned(named).persist().unionWith(
            poisoned(fallback).persist().map([](const auto& pair) { return pair.second; }));
    });
    EXPECT_EQ(batches,
              (Batches{{names.at(1), names.at(1), names.at(1), names.at(1), "even", "even"}}));
}

TEST(Views, OfKeysThatTimeOutLastForTheBatch) {
    const Text key = "a key that no short string can hold";
    const auto batches = runBatches<Text>({{key}, {}, {}}, [](auto s) {
        return s.map([](const Text& x) { return std::pair(std::tuple(View(x), 1), 1); })
            .template mapWithState<int>(
                [](const std::tuple<View, int>& k, std::optional<int> value, State<int>& state) {
                    if (value) state.update(*value);
                    return value ? std::optional<View>() : std::optional(std::get<0>(k));
                })
            .timeout(Duration(1000))
            .persist();
    });
    EXPECT_EQ(batches, (Batches{{}, {}, {key}}));
}

TEST(Views, RememberedElementsOwnTheirBytes) {
    Life life(inMemory());
    RecordQueue<Text> queue;
    queue.push(lines());
    const auto remembered =
        life.context()
            .queueStream(queue)
            .map([](const Text& x) {
                return std::tuple(std::optional(firstOf(x)), std::vector{restOf(x)});
            })
            .remember(Duration(10000));
    life.start();
    life.run(2);
    const auto batches = remembered.slice(fromMillis(0), fromMillis(10000));
    ASSERT_FALSE(batches.empty());
    ASSERT_EQ(batches[0].elements.size(), lines().size());
    for (std::size_t i = 0; i < lines().size(); i += 100) {
        EXPECT_EQ(std::get<0>(batches[0].elements[i]), firstOf(lines()[i]));
        EXPECT_EQ(std::get<1>(batches[0].elements[i])[0], restOf(lines()[i]));
    }
}

// With an error policy, functions work on a copy of each element.
TEST(Views, OfElementsThatAreCopiedForTheErrorPolicyLast) {
    auto options = inMemory();
    options.errorPolicy = ErrorPolicy::kSkip;
    const auto batches = runBatches<Text>(
        {lines()},
        [](auto s) {
            return s.map([](const Text& x) { return Text(x); })
                .flatMap([](const Text& x) {
                    return std::vector{firstOf(x), restOf(x)};
                })
                .persist();
        },
        options);
    EXPECT_EQ(batches, Batches{words()});
}

}  // namespace
}  // namespace tidemill::test
