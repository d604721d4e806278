// What the record of the progress says, and what follows from it: every case of the decision.
#include <gtest/gtest.h>

#include "outputs/kafka/progress.h"

namespace tidemill::outputs {
namespace {

constexpr std::uint64_t kDigest = 0x1234;

Sending sending(std::uint64_t batch, std::optional<std::uint64_t> previous) {
    return {{"owner", core::BatchId(batch), kDigest, 0}, previous};
}

std::optional<Progress> at(std::uint64_t batch, std::uint64_t digest = kDigest) {
    return Progress{batch, 0, 10, digest, 0, 7};
}

TEST(KafkaProgress, IsReadAsItWasWritten) {
    const Progress progress{17, 12, 1000, 0xfedcba9876543210, 3, 0xff};
    const auto text = encodeProgress(progress);
    EXPECT_EQ(text,
              "version=1 batch=17 previous=12 records=1000 digest=fedcba9876543210 revision=3 "
              "writer=00000000000000ff");
    EXPECT_EQ(parseProgress(text), progress);
}

TEST(KafkaProgress, WhatIsCutOrLongerOrOfAnotherVersionIsRefused) {
    const auto text = encodeProgress({1, 2, 3, 4, 5, 6});
    for (std::size_t size = 0; size < text.size() - 15; ++size)
        EXPECT_FALSE(parseProgress(text.substr(0, size))) << size;
    EXPECT_FALSE(parseProgress(text + " "));
    EXPECT_FALSE(parseProgress("version=2" + text.substr(9)));
    EXPECT_FALSE(parseProgress("version=1 batch=99999999999999999999" + text.substr(17)));
}

TEST(KafkaProgress, ABatchBehindTheLastThatSentSomethingIsSent) {
    EXPECT_EQ(standing(at(3), sending(5, 3)), Standing::kSend);
    EXPECT_EQ(standing(std::nullopt, sending(5, 0)), Standing::kSend);
}

TEST(KafkaProgress, ABatchThatIsThereIsDone) {
    EXPECT_EQ(standing(at(5), sending(5, 3)), Standing::kDone);
    EXPECT_EQ(standing(at(5), sending(5, std::nullopt)), Standing::kDone);
}

TEST(KafkaProgress, AnotherBatchOfItsNumberIsForeign) {
    EXPECT_EQ(standing(at(5, 0x99), sending(5, 3)), Standing::kForeign);
    EXPECT_EQ(standing(at(4), sending(5, 3)), Standing::kForeign);
}

TEST(KafkaProgress, TopicsAheadOfTheStateAreNewer) {
    EXPECT_EQ(standing(at(6), sending(5, 3)), Standing::kNewer);
    EXPECT_EQ(standing(at(6), sending(5, std::nullopt)), Standing::kNewer);
}

TEST(KafkaProgress, EvidenceThatIsGoneIsMissed) {
    EXPECT_EQ(standing(std::nullopt, sending(5, 3)), Standing::kMissing);
    EXPECT_EQ(standing(at(2), sending(5, 3)), Standing::kMissing);
}

TEST(KafkaProgress, AnOutputThatIsNewInItsJobAsksForNoEvidence) {
    EXPECT_EQ(standing(std::nullopt, sending(5, std::nullopt)), Standing::kSend);
    EXPECT_EQ(standing(at(2), sending(5, std::nullopt)), Standing::kSend);
}

}  // namespace
}  // namespace tidemill::outputs
