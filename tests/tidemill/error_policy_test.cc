// What becomes of a record whose function throws.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

using Seen = std::map<std::uint64_t, std::vector<std::string>>;
using Words = std::vector<std::string>;

int toNumber(const std::string& text) {
    if (text == "bad") throw std::runtime_error("not a number: " + text);
    if (text == "worse") throw 7;
    return std::stoi(text);
}

const std::vector<Words> kInputs{{"1", "bad", "2"}, {"3"}, {"worse", "4", "bad"}};

class ErrorPolicies : public ::testing::Test {
protected:
    StreamingOptions with(ErrorPolicy policy) {
        auto options = inMemory();
        options.errorPolicy = policy;
        options.deadLetterDirectory = directory_ / "dead";
        return options;
    }

    std::vector<nlohmann::json> deadLetters(int batch) {
        char name[32];
        std::snprintf(name, sizeof name, "%020d.jsonl", batch);
        std::ifstream file(directory_ / "dead" / name);
        std::vector<nlohmann::json> lines;
        for (std::string line; std::getline(file, line);)
            lines.push_back(nlohmann::json::parse(line));
        return lines;
    }

    TemporaryDirectory directory_;
};

TEST_F(ErrorPolicies, StopEndsTheJobWithWhatTheFunctionThrew) {
    try {
        runBatches(
            kInputs, [](auto s) { return s.map(toNumber); }, with(ErrorPolicy::kStop));
        FAIL() << "the job went on";
    } catch (const StreamingError& error) {
        EXPECT_EQ(error.kind(), core::ErrorKind::kUserCode);
        EXPECT_THAT(error.what(), ::testing::HasSubstr("not a number: bad"));
    }
}

TEST_F(ErrorPolicies, SkipLeavesTheRecordOut) {
    EXPECT_EQ(runBatches(
                  kInputs, [](auto s) { return s.map(toNumber); }, with(ErrorPolicy::kSkip)),
              (Batches{{"1", "2"}, {"3"}, {"4"}}));
    EXPECT_FALSE(std::filesystem::exists(directory_ / "dead"));
}

TEST_F(ErrorPolicies, FilterAndFlatMapLeaveItOutToo) {
    EXPECT_EQ(
        runBatches(
            kInputs,
            [](auto s) { return s.filter([](const std::string& w) { return toNumber(w) != 2; }); },
            with(ErrorPolicy::kSkip)),
        (Batches{{"1"}, {"3"}, {"4"}}));
    // What a flatMap emitted for a record before it threw goes with it.
    EXPECT_EQ(runBatches(
                  kInputs,
                  [](auto s) {
                      return s.template flatMap<std::string>(
                          [](const std::string& w, Emit<std::string>& emit) {
                              emit("before " + w);
                              emit(std::to_string(toNumber(w)));
                          });
                  },
                  with(ErrorPolicy::kSkip)),
              (Batches{{"1", "2", "before 1", "before 2"}, {"3", "before 3"}, {"4", "before 4"}}));
}

TEST_F(ErrorPolicies, DeadLettersAreWrittenWithTheirBatchAndWhatWasThrown) {
    EXPECT_EQ(runBatches(
                  kInputs, [](auto s) { return s.map(toNumber); }, with(ErrorPolicy::kDeadLetter)),
              (Batches{{"1", "2"}, {"3"}, {"4"}}));
    ASSERT_EQ(deadLetters(1).size(), 1u);
    EXPECT_EQ(
        deadLetters(1)[0].dump(),
        R"({"batch":1,"error":"not a number: bad","kind":"element","operation":"map","record":"bad",)"
        R"("time_ms":1000})");
    EXPECT_EQ(deadLetters(2).size(), 0u);
    ASSERT_EQ(deadLetters(3).size(), 2u);
    EXPECT_EQ(deadLetters(3)[0]["record"], "bad");
    EXPECT_EQ(deadLetters(3)[1]["record"], "worse");
    EXPECT_EQ(deadLetters(3)[1]["error"], "something that is no std::exception");
}

TEST_F(ErrorPolicies, ARecordThatTwoOutputsReadCountsOnce) {
    Seen first, second;
    Life life(with(ErrorPolicy::kDeadLetter));
    RecordQueue<std::string> queue;
    for (const auto& input : kInputs) queue.push(input);
    const auto numbers = life.context().queueStream(queue).map(toNumber);
    life.collect(numbers, first);
    life.collect(numbers, second);
    life.start();
    life.run(3);
    EXPECT_EQ(life.context().status().failedRecords, 3u);
    life.context().stop();
    EXPECT_EQ(first, second);
    EXPECT_EQ(deadLetters(3).size(), 2u);
}

TEST_F(ErrorPolicies, BothSidesOfAUnionAreCounted) {
    Seen seen;
    Life life(with(ErrorPolicy::kSkip));
    RecordQueue<std::string> queue;
    queue.push({"bad", "1"});
    const auto words = life.context().queueStream(queue);
    const auto numbers = words.unionWith(words).map(toNumber);
    numbers.map([](int n) { return std::pair(n, n); }).runningTotals("totals");
    life.collect(numbers, seen);
    life.start();
    life.run(1);
    EXPECT_EQ(life.context().status().failedRecords, 2u);
    life.context().stop();
    EXPECT_EQ(seen[1], (std::vector<std::string>{"1", "1"}));
}

TEST_F(ErrorPolicies, WhatFunctionsOfManyRecordsThrowEndsTheJob) {
    EXPECT_THROW(
        runBatches(
            kInputs,
            [](auto s) {
                return s.map([](const std::string& w) { return std::pair(1, w); })
                    .reduceByKey([](const std::string&, const std::string&) -> std::string {
                        throw std::runtime_error("cannot add");
                    });
            },
            with(ErrorPolicy::kSkip)),
        StreamingError);
}

TEST_F(ErrorPolicies, DeadLettersOfABatchThatIsReplayedAreTheSame) {
    StreamingOptions options;
    options.directory = directory_ / "data";
    options.errorPolicy = ErrorPolicy::kDeadLetter;
    const auto live = [&](const std::vector<Words>& inputs, std::int64_t start, bool graceful) {
        Seen seen;
        Life life(options, fromMillis(start));
        RecordQueue<std::string> queue;
        for (const auto& input : inputs) queue.push(input);
        life.collect(life.context().queueStream(queue).map(toNumber), seen);
        life.start();
        life.run(inputs.size());
        life.context().stop(graceful);
    };
    live(kInputs, 0, false);
    const auto path = directory_ / "data" / "dead_letters" / "00000000000000000003.jsonl";
    const auto content = [&] {
        std::ifstream file(path);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    const auto before = content();
    EXPECT_EQ(std::count(before.begin(), before.end(), '\n'), 2);
    std::filesystem::remove(path);
    live({}, 3000, true);
    EXPECT_EQ(content(), before);
}

TEST_F(ErrorPolicies, DeadLettersNeedADirectory) {
    auto options = inMemory();
    options.errorPolicy = ErrorPolicy::kDeadLetter;
    EXPECT_THROW(runBatches(
                     kInputs, [](auto s) { return s.map(toNumber); }, options),
                 StreamingError);
}

}  // namespace
}  // namespace tidemill::test
