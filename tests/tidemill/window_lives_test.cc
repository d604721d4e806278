// Windows cut in two, and windows over kills and times in which the job was down.
#include "tests/tidemill/window_data.h"

namespace tidemill::test {
namespace {

TEST(CutWindow, IsTheSameAsReducingTheWholeWindow) {
    std::mt19937 random(7);
    for (const auto& span : kSpans) {
        const int length = span.first, slide = span.second;
        Words inputs(150);
        for (std::size_t i = 0; i < inputs.size(); ++i)
            for (unsigned n = random() % 3; n > 0; --n)
                inputs[i].push_back(std::string(1, static_cast<char>('a' + random() % 4)) +
                                    std::to_string(i) + ".");
        Batches expected(inputs.size());
        for (int last = 1; last <= static_cast<int>(inputs.size()); ++last) {
            if (last % slide != 0) continue;
            std::map<std::string, std::string> window;
            for (int i = std::max(1, last - length + 1); i <= last; ++i)
                for (const auto& word : inputs[static_cast<std::size_t>(i - 1)])
                    window[word.substr(0, 1)] += word;
            for (const auto& [key, value] : window)
                expected[static_cast<std::size_t>(last - 1)].push_back("(" + key + "," + value +
                                                                       ")");
        }
        const auto build = [&](auto s) {
            return joined(s).reduceByKeyAndWindow(kJoin, Duration(1000 * length),
                                                  Duration(1000 * slide));
        };
        EXPECT_EQ(runBatches(inputs, build), expected) << length << "/" << slide;
        Words few(inputs.begin(), inputs.begin() + 30);
        expectAlsoWithKills(few, Batches(expected.begin(), expected.begin() + 30), build);
    }
}

// A job's batches, some seconds apart where it was down, and what it got in each.
struct Day {
    std::vector<std::int64_t> seconds;
    Words inputs;
    std::vector<std::size_t> lives;  // where one begins
};

Day drawDay(std::mt19937& random, std::size_t batches, std::int64_t downtimeMax) {
    Day day;
    std::int64_t second = 0;
    std::size_t left = 0;
    for (std::size_t i = 0; i < batches; ++i, --left) {
        ++second;
        if (left == 0) {
            day.lives.push_back(i);
            left = 1 + random() % 24;
            if (i > 0 && random() % 2 == 0) second += 1 + random() % downtimeMax;
        }
        day.seconds.push_back(second);
        auto& words = day.inputs.emplace_back();
        for (unsigned n = random() % 4; n > 0; --n)
            words.push_back(std::string(1, static_cast<char>('a' + random() % 5)) +
                            std::to_string(i) + ".");
    }
    return day;
}

// What `build` gives on such a day, when every other life is killed.
template <class Build>
Batches liveThrough(const Day& day, Build build) {
    TemporaryDirectory directory;
    Seen seen;
    for (std::size_t life = 0; life < day.lives.size(); ++life) {
        const std::size_t begin = day.lives[life];
        const std::size_t end =
            life + 1 < day.lives.size() ? day.lives[life + 1] : day.inputs.size();
        const auto before = begin == 0 ? 0 : day.seconds[begin - 1];
        const bool late = day.seconds[begin] > before + 1;
        StreamingOptions options;
        options.directory = directory / "data";
        options.workers = std::array{1u, 2u, 7u}[life % 3];
        options.checkpointInterval = Duration(2000);
        if (life % 2 == 0) options.deltaBudgetBytes = 64 << 10;
        // A batch that is due when the job starts runs at once.
        Life one(options, fromMillis(1000 * (late ? day.seconds[begin] : before)));
        RecordQueue<std::string> queue;
        for (std::size_t i = begin; i < end; ++i) queue.push(day.inputs[i]);
        one.collect(build(one.context().queueStream(queue)), seen);
        one.start();
        if (late) one.await(1);
        one.run(end - begin - (late ? 1 : 0));
        one.context().stop(life % 4 == 3);
    }
    Batches batches(day.inputs.size());
    for (auto& [id, elements] : seen) batches[id - 1] = std::move(elements);
    return batches;
}

TEST(CutWindow, IsTheSameOverLivesAndDowntimes) {
    std::mt19937 random(11);
    for (const auto& span : kSpans) {
        const int length = span.first, slide = span.second;
        const Day day = drawDay(random, 150, 3 * length);
        Batches expected(day.inputs.size());
        for (std::size_t last = 0; last < day.inputs.size(); ++last) {
            if (day.seconds[last] % slide != 0) continue;
            std::map<std::string, std::string> window;
            for (std::size_t i = 0; i <= last; ++i)
                if (day.seconds[i] > day.seconds[last] - length)
                    for (const auto& word : day.inputs[i]) window[word.substr(0, 1)] += word;
            for (const auto& [key, value] : window)
                expected[last].push_back("(" + key + "," + value + ")");
        }
        EXPECT_EQ(liveThrough(day,
                              [&](auto s) {
                                  return joined(s).reduceByKeyAndWindow(
                                      kJoin, Duration(1000 * length), Duration(1000 * slide));
                              }),
                  expected)
            << length << "/" << slide;
    }
}

// Batches at 1 s and 2 s, then a downtime, then batches from `resumes` on.
template <class Build>
Seen afterADowntime(std::int64_t resumes, Build build) {
    TemporaryDirectory directory;
    Seen seen;
    for (const std::int64_t start : {std::int64_t{0}, resumes}) {
        StreamingOptions options;
        options.directory = directory / "data";
        Life life(options, fromMillis(start));
        RecordQueue<std::string> queue;
        queue.push({start == 0 ? "a" : "x"});
        queue.push({start == 0 ? "b" : "y"});
        life.collect(build(life.context().queueStream(queue)), seen);
        life.start();
        life.run(2);
        life.context().stop(start != 0);
    }
    return seen;
}

TEST(Downtime, WindowsSeeTheTrueGap) {
    using Lines = std::vector<std::string>;
    const auto raw = [](auto s) { return s.window(4s, 1s); };
    const auto inverse = [](auto s) {
        return ones(s).reduceByKeyAndWindow(kPlus, kMinus, 4s, 1s, kNotZero);
    };
    const auto cut = [](auto s) { return ones(s).reduceByKeyAndWindow(kPlus, 4s, 1s); };
    // Batches 3 and 4 are those of 5 s and 6 s.
    EXPECT_EQ(afterADowntime(5000, raw)[3], (Lines{"b", "x"}));
    EXPECT_EQ(afterADowntime(5000, raw)[4], (Lines{"x", "y"}));
    for (const auto& seen : {afterADowntime(5000, inverse), afterADowntime(5000, cut)}) {
        EXPECT_EQ(seen.at(3), (Lines{"(b,1)", "(x,1)"}));
        EXPECT_EQ(seen.at(4), (Lines{"(x,1)", "(y,1)"}));
    }
    for (const std::int64_t long_ : {8000, 9000, 100'000}) {
        EXPECT_EQ(afterADowntime(long_, raw)[3], (Lines{"x"}));
        EXPECT_EQ(afterADowntime(long_, inverse)[3], (Lines{"(x,1)"}));
        EXPECT_EQ(afterADowntime(long_, cut)[3], (Lines{"(x,1)"}));
        EXPECT_EQ(afterADowntime(long_, cut)[4], (Lines{"(x,1)", "(y,1)"}));
    }
}

TEST(Downtime, AWindowThatWasOpenIsClosedLate) {
    // Slides at 3 s, 6 s …: the batches of 1 s and 2 s are in no window yet when the job dies.
    const auto cut = [](auto s) { return ones(s).reduceByKeyAndWindow(kPlus, 6s, 3s); };
    const auto inverse = [](auto s) {
        return ones(s).reduceByKeyAndWindow(kPlus, kMinus, 6s, 3s, kNotZero);
    };
    const auto raw = [](auto s) { return ones(s).window(6s, 3s); };
    using Lines = std::vector<std::string>;
    for (const auto& seen :
         {afterADowntime(5000, cut), afterADowntime(5000, inverse), afterADowntime(5000, raw)})
        EXPECT_EQ(seen.at(4), (Lines{"(a,1)", "(b,1)", "(x,1)", "(y,1)"}));
    for (const auto& seen :
         {afterADowntime(8000, cut), afterADowntime(8000, inverse), afterADowntime(8000, raw)})
        EXPECT_EQ(seen.at(4), (Lines{"(x,1)", "(y,1)"}));
}

}  // namespace
}  // namespace tidemill::test
