// What is kept of records whose function threw, however many and however large they are.
#include "core/failed_records.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tidemill::core {
namespace {

std::size_t keptBytes(const FailedRecords& failed) {
    std::size_t bytes = 0;
    failed.forEachKept([&](const FailedRecord& record, std::uint64_t) {
        bytes += record.operation.size() + record.record.size() + record.error.size();
    });
    return bytes;
}

TEST(FailedRecords, SkippedOnesAreCountedAndAFewAreKept) {
    FailedRecords failed({OnError::kSkip});
    for (int i = 0; i < 100'000; ++i)
        failed.add({1, 0, 0, 0}, static_cast<std::uint64_t>(i), {"map", std::to_string(i), "no"});
    EXPECT_EQ(failed.count(), 100'000u);
    EXPECT_LT(keptBytes(failed), 1000u);
}

TEST(FailedRecords, ARecordThatFailsInEveryPassCountsOnce) {
    FailedRecords failed({OnError::kDeadLetter});
    for (std::uint32_t scanNumber = 0; scanNumber < 3; ++scanNumber)
        for (int i = 0; i < 2; ++i)
            failed.add({1, scanNumber, 0, 0}, static_cast<std::uint64_t>(i), {"map", "same", "no"});
    failed.add({2, 0, 0, 0}, 0, {"filter", "same", "no"});
    EXPECT_EQ(failed.count(), 3u);
    std::vector<std::uint64_t> times;
    failed.forEachKept([&](const FailedRecord&, std::uint64_t n) { times.push_back(n); });
    EXPECT_EQ(times, (std::vector<std::uint64_t>{2, 1}));
}

TEST(FailedRecords, MoreDeadLettersThanAreKeptAreCounted) {
    FailedRecords failed({OnError::kDeadLetter, 2});
    for (const char* record : {"a", "b", "c", "d"})
        failed.add({1, 0, 0, 0}, 0, {"map", record, "no"});
    EXPECT_EQ(failed.count(), 4u);
    std::uint64_t kept = 0;
    failed.forEachKept([&](const FailedRecord&, std::uint64_t times) { kept += times; });
    EXPECT_EQ(kept, 2u);
}

// The places, and none of those that only outputs came to.
TEST(FailedRecords, WhatTheStagesLeftOutIsListed) {
    FailedRecords failed({OnError::kSkip});
    for (const std::uint64_t number : {0, 1, 2, 7, 300}) failed.add({4, 0, 2, 1}, number, {});
    failed.add({3, 0, 0, 0}, 5, {});
    failed.stagesDone();
    failed.add({3, 1, 0, 0}, 6, {});
    const auto skipped = failed.takeSkipped();
    EXPECT_FALSE(skipped.unknown);
    ASSERT_EQ(skipped.elements.size(), 2u);
    EXPECT_EQ(skipped.elements[0].input, (InputPlace{3, 0, 0, 0}));
    EXPECT_EQ(skipped.elements[1].input, (InputPlace{4, 0, 2, 1}));

    FailureRules rules;
    rules.exactly = &skipped.elements;
    const FailedRecords again(rules);
    auto reader = again.skippedElementsOf({4, 0, 2, 1});
    std::vector<std::uint64_t> held;
    for (std::uint64_t number = 0; number < 400; ++number)
        if (reader.holds(number)) held.push_back(number);
    EXPECT_EQ(held, (std::vector<std::uint64_t>{0, 1, 2, 7, 300}));
    EXPECT_FALSE(again.skippedElementsOf({4, 0, 2, 2}).holds(0));
    EXPECT_FALSE(again.skippedElementsOf({9, 0, 0, 0}).holds(0));
}

TEST(FailedRecords, AListThatWouldBeTooLongIsNone) {
    FailedRecords failed({OnError::kSkip});
    // Seven bytes each.
    const std::size_t count = FailedRecords::kSkippedBytesMax / 7;
    for (std::uint64_t i = 0; i < count + 10; ++i) failed.add({1, 0, 0, 0}, i << 40, {});
    const auto skipped = failed.takeSkipped();
    EXPECT_TRUE(skipped.unknown);
    EXPECT_TRUE(skipped.elements.empty());
}

TEST(SkippedElements, DamagedRunsAreSeen) {
    SkippedRuns runs;
    for (const std::uint64_t number : {std::uint64_t{3}, ~std::uint64_t{0} - 1})
        EXPECT_TRUE(runs.add(number));
    EXPECT_FALSE(runs.add(3));
    const auto bytes = runs.bytes();
    EXPECT_TRUE(isWellFormed(bytes));
    EXPECT_TRUE(isWellFormed(""));
    EXPECT_FALSE(isWellFormed(bytes.substr(0, bytes.size() - 1)));
    EXPECT_FALSE(isWellFormed(std::string("\x01\x00", 2)));  // a run of none
    EXPECT_FALSE(isWellFormed(bytes + bytes));               // beyond all numbers
    EXPECT_FALSE(isWellFormed(std::string(10, '\xff') + "\x01\x01"));
}

TEST(RecordGuard, LongRecordsAndLongErrorsAreCut) {
    FailedRecords failed({OnError::kDeadLetter});
    const std::string operation = "map";
    RecordGuard guard(&failed, {1, 0, 0, 0}, operation);
    const std::string large(1 << 20, '\x01');
    std::vector<std::string> chunk(20, large);
    for (auto& element : chunk) element += std::to_string(&element - chunk.data());
    guard.forEach(
        std::span(chunk), [](const std::string& s) { throw std::runtime_error("no: " + s); }, [] {},
        [] {});
    EXPECT_EQ(failed.count(), 20u);
    EXPECT_LT(keptBytes(failed), 20 * 3 * failed.textBytesMax());
    failed.forEachKept([](const FailedRecord& record, std::uint64_t) {
        EXPECT_NE(record.record.find("the beginning of 104857"), std::string::npos);
    });
}

// Elements that are cheap to keep are worked on in a loop of their own; what happens is the same.
template <class In>
class RecordGuardGoesOn : public ::testing::Test {};
using Elements = ::testing::Types<std::string_view, std::string>;
TYPED_TEST_SUITE(RecordGuardGoesOn, Elements);

TYPED_TEST(RecordGuardGoesOn, AFailedElementIsLeftOutWhereverItStands) {
    const std::vector<std::vector<std::string>> texts{
        {"bad0", "a", "b"}, {}, {"bad1", "bad2"}, {"c", "d", "bad3"}, {"e"}};
    FailedRecords failed({OnError::kDeadLetter});
    const std::string operation = "map";
    const InputPlace input{4, 0, 2, 1};
    RecordGuard guard(&failed, input, operation);
    std::vector<std::string> made;
    std::string log;
    for (const auto& chunkTexts : texts) {
        std::vector<TypeParam> chunk(chunkTexts.begin(), chunkTexts.end());
        guard.forEach(
            std::span(chunk),
            [&](TypeParam& element) {
                const std::string text(element);
                made.push_back(text);
                element = TypeParam();  // what a function may do with its own
                if (text.starts_with("bad")) throw std::runtime_error("no " + text);
            },
            [&] {
                made.pop_back();
                log += 'u';
            },
            [&] { log += 'h'; });
    }
    EXPECT_EQ(made, (std::vector<std::string>{"a", "b", "c", "d", "e"}));
    EXPECT_EQ(log, "uhhuuhhuh");
    EXPECT_EQ(failed.count(), 4u);
    std::vector<std::string> kept;
    failed.forEachKept([&](const FailedRecord& record, std::uint64_t times) {
        EXPECT_EQ(times, 1u);
        EXPECT_EQ(record.error, "no " + record.record);
        kept.push_back(record.record);
    });
    EXPECT_EQ(kept, (std::vector<std::string>{"bad0", "bad1", "bad2", "bad3"}));
    failed.stagesDone();
    const auto skipped = failed.takeSkipped();
    ASSERT_EQ(skipped.elements.size(), 1u);
    FailureRules rules;
    rules.exactly = &skipped.elements;
    auto reader = FailedRecords(rules).skippedElementsOf(input);
    std::vector<std::uint64_t> held;
    for (std::uint64_t number = 0; number < 20; ++number)
        if (reader.holds(number)) held.push_back(number);
    EXPECT_EQ(held, (std::vector<std::uint64_t>{0, 3, 4, 7}));
}

TYPED_TEST(RecordGuardGoesOn, WhatHandingOnThrowsEndsTheBatch) {
    FailedRecords failed({OnError::kSkip});
    const std::string operation = "flatMap";
    RecordGuard guard(&failed, {4, 0, 2, 1}, operation);
    std::vector<TypeParam> chunk{TypeParam("a")};
    EXPECT_THROW(
        guard.forEach(
            std::span(chunk), [](TypeParam&) {}, [] {}, [] { throw std::runtime_error("below"); }),
        TaskFailure);
    EXPECT_EQ(failed.count(), 0u);
}

TEST(RecordGuard, TheCallThatEndsTheBatchIsKnown) {
    FailedRecords failed;
    const std::string operation = "map";
    RecordGuard guard(&failed, {7, 0, 0, 3}, operation);
    std::string text = "good bad";
    std::vector<std::string_view> chunk{std::string_view(text).substr(0, 4),
                                        std::string_view(text).substr(5)};
    EXPECT_THROW(guard.forEach(
                     std::span(chunk),
                     [](std::string_view word) {
                         if (word == "bad") throw std::runtime_error("not this");
                     },
                     [] {}, [] {}),
                 TaskFailure);
    const auto call = failed.stopped();
    ASSERT_TRUE(call);
    EXPECT_EQ(call->node, 7u);
    EXPECT_EQ(call->partition, 3u);
    EXPECT_EQ(call->record.record, "bad");
    EXPECT_EQ(call->text, text.data() + 5);
}

// What comes behind an element is not its fault.
TEST(RecordGuard, WhatHandingOnThrowsIsNotTheElements) {
    FailedRecords failed;
    const std::string operation = "flatMap";
    RecordGuard guard(&failed, {7, 0, 0, 3}, operation);
    std::vector<int> chunk{1};
    EXPECT_THROW(
        guard.forEach(
            std::span(chunk), [](int) {}, [] {}, [] { throw std::runtime_error("below"); }),
        TaskFailure);
    EXPECT_FALSE(failed.stopped());
}

}  // namespace
}  // namespace tidemill::core
