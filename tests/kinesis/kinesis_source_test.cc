// The Kinesis source against a service that fails as the real one may: what it reads, where it
// goes on, and what it does when records, shards or credentials are gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <atomic>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "sources/kinesis/mutant.h"
#include "tests/kinesis/fake_kinesis.h"
#include "tests/kinesis/kinesis_job.h"

namespace tidemill::test {
namespace {

using sources::kinesis::Mutant;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using Lines = std::vector<std::string>;

constexpr auto kFirst = "shardId-000000000000";
constexpr auto kSecond = "shardId-000000000001";

// "a1001", "a1002" … as they sort.
Lines numbered(const std::string& name, int count, int from = 1) {
    Lines lines;
    for (int i = from; i < from + count; ++i) lines.push_back(name + std::to_string(1'000 + i));
    return lines;
}

Lines operator+(Lines a, const Lines& b) {
    a.insert(a.end(), b.begin(), b.end());
    std::sort(a.begin(), a.end());
    return a;
}

std::string field(int number, std::string_view bytes) {
    return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} +
           std::string(bytes);
}

// As the Kinesis Producer Library puts records together; each shorter than 100 bytes.
std::string aggregateOf(const Lines& lines) {
    std::string message = field(1, "agg");
    for (const auto& line : lines) message += field(3, std::string("\x08\0", 2) + field(3, line));
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_Digest(message.data(), message.size(), digest, &size, EVP_md5(), nullptr);
    return "\xF3\x89\x9A\xC2" + message + std::string(reinterpret_cast<char*>(digest), size);
}

class KinesisSourceTest : public testing::Test {
protected:
    void SetUp() override { fake_.create(2); }
    void TearDown() override { sources::kinesis::mutant() = Mutant::kNone; }

    void put(const Lines& lines, const std::string& shard = kFirst) {
        for (const auto& line : lines) fake_.put(shard, line);
    }

    FakeKinesis fake_;
};

TEST_F(KinesisSourceTest, RecordsComeWithAllThatTheyHold) {
    KinesisJob job(fake_.url());
    job.textOf = [](const KinesisRecord& record) {
        const auto age = std::chrono::system_clock::now() - record.arrival;
        return std::string(record.stream) + "/" + std::string(record.shard).substr(18) + "/" +
               std::string(record.sequenceNumber).substr(0, 2) + "/" +
               std::to_string(record.subIndex) + " " + std::string(record.partitionKey) + "=" +
               std::string(record.data) +
               (age >= std::chrono::seconds(0) && age < std::chrono::minutes(1) ? "" : " late");
    };
    fake_.put(kFirst, "one", "key");
    fake_.put(kSecond, std::string("a\nb\0c", 5), "");
    fake_.put(kSecond, aggregateOf({"x", ""}));
    fake_.put(kSecond, "\xF3\x89\x9A\xC2 broken");
    job.start();
    ASSERT_TRUE(job.awaitSeen(5));
    EXPECT_THAT(job.seen(), ElementsAre("t/00/10/0 key=one", std::string("t/01/20/0 =a\nb\0c", 16),
                                        "t/01/30/0 agg=x",
                                        "t/01/30/1 agg=", "t/01/40/0 k=\xF3\x89\x9A\xC2 broken"));
    const auto lanes = job.status().statistics.lanes;
    ASSERT_THAT(lanes, SizeIs(2));
    EXPECT_EQ(lanes[0].lane, std::string("kinesis/tidemill/t/") + kFirst);
    EXPECT_EQ(lanes[0].lagMillis, 0u);
    EXPECT_EQ(lanes[0].lag, std::nullopt);
}

TEST_F(KinesisSourceTest, GoesOnWhereItWas) {
    KinesisJob job(fake_.url());
    put(numbered("a", 700));
    job.start();
    ASSERT_TRUE(job.awaitSeen(700));
    job.crash();
    put(numbered("b", 10), kSecond);
    put(numbered("c", 10));
    job.start();
    ASSERT_TRUE(job.awaitSeen(720));
    job.stop();
    job.start();
    put(numbered("d", 5));
    ASSERT_TRUE(job.awaitSeen(725));
    EXPECT_EQ(job.seen(),
              numbered("a", 700) + numbered("b", 10) + numbered("c", 10) + numbered("d", 5));
}

TEST_F(KinesisSourceTest, GoesOnInsideAnAggregate) {
    KinesisJob job(fake_.url());
    fake_.put(kFirst, aggregateOf(numbered("a", 200)));
    put(numbered("b", 5));
    // So that a crash falls into it.
    job.kinesis.maxRate = Rate::records(60);
    job.start();
    ASSERT_TRUE(job.awaitSeen(20));
    job.crash();
    ASSERT_LT(job.seen().size(), 200u);
    job.kinesis.maxRate.reset();
    job.start();
    ASSERT_TRUE(job.awaitSeen(205));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    EXPECT_EQ(job.seen(), numbered("a", 200) + numbered("b", 5));
}

TEST_F(KinesisSourceTest, ChildrenAreReadBehindAllOfTheirParents) {
    put(numbered("a", 1'200));
    const auto children = fake_.split(kFirst);
    put(numbered("b", 10), children[0]);
    put(numbered("c", 10), children[1]);
    put(numbered("d", 1'200), kSecond);
    const auto merged = fake_.merge(children[1], kSecond);
    put(numbered("e", 10), merged);
    KinesisJob job(fake_.url());
    job.start();
    ASSERT_TRUE(job.awaitSeen(2'430));
    // While it runs, too.
    const auto grandchildren = fake_.split(merged);
    put(numbered("f", 10), grandchildren[0]);
    ASSERT_TRUE(job.awaitSeen(2'440));
    job.crash();
    job.start();
    put(numbered("g", 10), grandchildren[1]);
    ASSERT_TRUE(job.awaitSeen(2'450));
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    EXPECT_THAT(job.seen(), SizeIs(2'450));
    const auto order = job.inOrder();
    const auto at = [&](const std::string& line) {
        return std::find(order.begin(), order.end(), line) - order.begin();
    };
    EXPECT_LT(at("a2200"), at("b1001"));
    EXPECT_LT(at("a2200"), at("c1001"));
    EXPECT_LT(at("c1010"), at("e1001"));
    EXPECT_LT(at("d2200"), at("e1001"));
    EXPECT_LT(at("e1010"), at("f1001"));
}

TEST_F(KinesisSourceTest, AShardThatWasReadIsForgottenOnlyLongAfterItsEnd) {
    put(numbered("a", 10));
    KinesisJob job(fake_.url());
    job.start();
    ASSERT_TRUE(job.awaitSeen(10));
    const auto children = fake_.split(kFirst);
    put(numbered("b", 5), children[0]);
    ASSERT_TRUE(job.awaitSeen(15));
    job.crash();
    job.start();
    put(numbered("c", 5), children[1]);
    ASSERT_TRUE(job.awaitSeen(20));
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    EXPECT_EQ(job.seen(), numbered("a", 10) + numbered("b", 5) + numbered("c", 5));
    // It expires: nothing is missing.
    fake_.expire(kFirst, 10);
    std::this_thread::sleep_for(std::chrono::milliseconds(800));
    put(numbered("d", 5), children[1]);
    ASSERT_TRUE(job.awaitSeen(25));
    EXPECT_EQ(job.status().errors, 0u);
}

TEST_F(KinesisSourceTest, AtTheLatestMeansBehindTheFirstStart) {
    put(numbered("old", 5));
    std::this_thread::sleep_for(std::chrono::milliseconds(1'100));
    KinesisJob job(fake_.url());
    job.kinesis.start.from = KinesisStart::From::kLatest;
    job.start();
    ASSERT_TRUE(KinesisJob::await([&] { return fake_.calls("GetRecords") >= 2; }));
    job.crash();
    // Behind the first start, read or not; and all of what a new shard has.
    put(numbered("a", 5));
    const auto children = fake_.split(kSecond);
    put(numbered("b", 5), children[0]);
    job.start();
    ASSERT_TRUE(job.awaitSeen(10));
    EXPECT_EQ(job.seen(), numbered("a", 5) + numbered("b", 5));
}

TEST_F(KinesisSourceTest, AtATimeMeansTheFirstRecordOfThatTime) {
    put(numbered("old", 5));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    KinesisJob job(fake_.url());
    job.kinesis.start.from = KinesisStart::From::kTime;
    job.kinesis.start.time =
        std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    put(numbered("a", 5));
    job.start();
    ASSERT_TRUE(job.awaitSeen(5));
    EXPECT_EQ(job.seen(), numbered("a", 5));
}

TEST_F(KinesisSourceTest, WhatPassesIsTriedAgainAndNothingIsLostOrDoubled) {
    std::atomic<int> number = 0;
    fake_.failWith([&](const std::string& action) -> std::optional<HttpReply> {
        switch (++number % 7) {
            case 1: return FakeKinesis::error("ProvisionedThroughputExceededException");
            case 3: return FakeKinesis::error("InternalFailure", 500);
            case 5:
                if (action == "GetRecords") return HttpReply{200, "{\"Records\":[{}]}"};
                return HttpReply{200, "{", true};
            default: return std::nullopt;
        }
    });
    put(numbered("a", 1'500));
    KinesisJob job(fake_.url());
    job.start();
    ASSERT_TRUE(job.awaitSeen(1'500)) << job.status().lastError;
    fake_.failWith({});
    put(numbered("b", 10));
    ASSERT_TRUE(job.awaitSeen(1'510));
    EXPECT_EQ(job.seen(), numbered("a", 1'500) + numbered("b", 10));
    EXPECT_TRUE(KinesisJob::await([&] { return !job.status().retrying; }));
}

TEST_F(KinesisSourceTest, IteratorsThatExpireAreReplaced) {
    put(numbered("a", 600));
    KinesisJob job(fake_.url());
    job.start();
    for (int i = 0; i < 5; ++i) {
        fake_.expireIterators();
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    ASSERT_TRUE(job.awaitSeen(600));
    fake_.expireIterators();
    put(numbered("b", 10));
    ASSERT_TRUE(job.awaitSeen(610));
    EXPECT_EQ(job.seen(), numbered("a", 600) + numbered("b", 10));
    EXPECT_EQ(job.status().errors, 0u);
}

TEST_F(KinesisSourceTest, AStreamThatIsNotThereIsWaitedFor) {
    fake_.remove();
    KinesisJob job(fake_.url());
    job.start();
    ASSERT_TRUE(KinesisJob::await([&] { return job.status().retrying; }));
    EXPECT_THAT(job.status().lastError, HasSubstr("it does not exist"));
    fake_.create(1);
    put(numbered("a", 10));
    ASSERT_TRUE(job.awaitSeen(10));
    EXPECT_TRUE(KinesisJob::await([&] { return !job.status().retrying; }));
}

TEST_F(KinesisSourceTest, AStreamThatWasMadeAnewEndsTheJobOrIsBegun) {
    put(numbered("a", 10));
    KinesisJob job(fake_.url());
    job.start();
    ASSERT_TRUE(job.awaitSeen(10));
    fake_.create(2);
    put(numbered("b", 10));
    EXPECT_THAT(job.awaitFailure(), HasSubstr("was deleted and made anew"));
    job.crash();
    job.start();
    EXPECT_THAT(job.awaitFailure(), HasSubstr("was deleted and made anew"));
    job.crash();
    EXPECT_EQ(job.seen(), numbered("a", 10));
    job.kinesis.onLostData = LostData::kSkip;
    job.start();
    ASSERT_TRUE(job.awaitSeen(20));
    EXPECT_THAT(job.status().lastError, HasSubstr("the new one is begun"));
    job.crash();
    job.kinesis.onLostData = LostData::kStop;
    job.start();
    put(numbered("c", 10));
    ASSERT_TRUE(job.awaitSeen(30));
    EXPECT_EQ(job.seen(), numbered("a", 10) + numbered("b", 10) + numbered("c", 10));
}

TEST_F(KinesisSourceTest, AnotherRecordInPlaceOfTheLastOneEndsTheJob) {
    put(numbered("a", 10));
    KinesisJob job(fake_.url());
    job.start();
    ASSERT_TRUE(job.awaitSeen(10));
    job.crash();
    fake_.replaceLast(kFirst, "other");
    job.start();
    EXPECT_THAT(job.awaitFailure(), HasSubstr("the last one read, is another one now"));
}

TEST_F(KinesisSourceTest, WhatExpiredBehindItIsNoLoss) {
    put(numbered("a", 10));
    KinesisJob job(fake_.url());
    job.start();
    ASSERT_TRUE(job.awaitSeen(10));
    job.crash();
    fake_.expire(kFirst, 10);
    put(numbered("b", 10));
    job.start();
    ASSERT_TRUE(job.awaitSeen(20));
    EXPECT_EQ(job.seen(), numbered("a", 10) + numbered("b", 10));
}

TEST_F(KinesisSourceTest, AShardThatIsGoneUnreadEndsTheJobOrIsSkipped) {
    put(numbered("a", 1));
    KinesisJob job(fake_.url());
    job.start();
    ASSERT_TRUE(job.awaitSeen(1));
    job.crash();
    put(numbered("b", 5));
    const auto children = fake_.split(kFirst);
    put(numbered("c", 5), children[0]);
    fake_.expire(kFirst, 6);
    job.start();
    EXPECT_THAT(job.awaitFailure(), HasSubstr("the stream does not have it any more"));
    job.crash();
    job.kinesis.onLostData = LostData::kSkip;
    job.start();
    ASSERT_TRUE(job.awaitSeen(6));
    EXPECT_EQ(job.seen(), numbered("a", 1) + numbered("c", 5));
}

TEST_F(KinesisSourceTest, CredentialsThatAreRefusedEndTheJobUnlessThereAreOthers) {
    fake_.allow({"somebody"});
    KinesisJob job(fake_.url());
    job.start();
    const auto failure = job.awaitFailure();
    EXPECT_THAT(failure, HasSubstr("UnrecognizedClientException"));
    EXPECT_THAT(failure, HasSubstr("those of the environment"));
    job.crash();
    // Others are found when the service asks for them.
    TemporaryDirectory directory;
    const auto write = [&](const std::string& id) {
        std::ofstream(directory / "credentials")
            << "[shop]\naws_access_key_id=" << id << "\naws_secret_access_key=key\n";
    };
    ::setenv("AWS_SHARED_CREDENTIALS_FILE", (directory / "credentials").c_str(), 1);
    write("somebody");
    job.kinesis.profile = "shop";
    job.start();
    put(numbered("a", 10));
    ASSERT_TRUE(job.awaitSeen(10));
    write("rotated");
    fake_.allow({"rotated"});
    put(numbered("b", 10));
    ASSERT_TRUE(job.awaitSeen(20)) << job.status().lastError;
}

TEST_F(KinesisSourceTest, WhatIsNotPermittedEndsTheJob) {
    fake_.failWith([](const std::string& action) -> std::optional<HttpReply> {
        if (action == "GetRecords") return FakeKinesis::error("AccessDeniedException");
        return std::nullopt;
    });
    KinesisJob job(fake_.url());
    job.start();
    EXPECT_THAT(job.awaitFailure(), HasSubstr("AccessDeniedException: as the test has it"));
}

TEST_F(KinesisSourceTest, MemoryIsBoundedAndLongRecordsAreCounted) {
    KinesisJob job(fake_.url());
    job.streaming.receiveBudgetBytes = 512 << 10;
    job.streaming.maxBatchBytes = 256 << 10;
    job.streaming.maxRecordBytes = 50'000;
    const std::string large(20'000, 'x');
    for (int i = 0; i < 200; ++i)
        fake_.put(i % 2 == 0 ? kFirst : kSecond, large + std::to_string(1'000 + i));
    fake_.put(kFirst, std::string(50'001, 'y'));
    fake_.put(kFirst, "last");
    job.start();
    ASSERT_TRUE(job.awaitSeen(201));
    const auto seen = job.seen();
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 201u);
    EXPECT_EQ(job.status().statistics.oversize, 1u);
}

TEST_F(KinesisSourceTest, TwoSourcesUnderOneApplicationAreRefused) {
    StreamingContext context(std::chrono::milliseconds(50));
    KinesisOptions options;
    options.stream = "t";
    context.kinesisTextStream(options).print();
    EXPECT_THROW(context.kinesisTextStream(options), std::invalid_argument);
}

// Lives of a job end at random while shards are made and calls fail.
class KinesisLives : public KinesisSourceTest {
protected:
    // What was put, and what was seen.
    std::pair<Lines, Lines> live(unsigned seed) {
        std::mt19937 random(seed);
        KinesisJob job(fake_.url());
        Lines all;
        std::vector<std::string> open{kFirst, kSecond};
        std::atomic<unsigned> faults = 0;
        fake_.failWith([&](const std::string&) -> std::optional<HttpReply> {
            if (++faults % 9 == 4) return FakeKinesis::error("LimitExceededException");
            return std::nullopt;
        });
        for (int life = 0; life < 4; ++life) {
            job.start();
            for (int step = 0; step < 4; ++step) {
                auto& shard = open[random() % open.size()];
                const auto name = std::string(1, static_cast<char>('a' + life * 4 + step));
                put(numbered(name, 30), shard);
                all = std::move(all) + numbered(name, 30);
                if (step == 2) {
                    const auto children = fake_.split(shard);
                    shard = children[0];
                    open.push_back(children[1]);
                }
                std::this_thread::sleep_for(std::chrono::milliseconds(random() % 80));
            }
            job.crash();
        }
        fake_.failWith({});
        job.start();
        job.awaitSeen(all.size());
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        job.crash();
        // All shards but the newest are read to their end now.
        job.start();
        std::this_thread::sleep_for(std::chrono::milliseconds(600));
        job.crash();
        return {all, job.seen()};
    }
};

TEST_F(KinesisLives, EveryRecordIsSeenOnce) {
    const auto [put, seen] = live(1);
    EXPECT_EQ(put, seen);
}

// What the tests above would find.
TEST_F(KinesisLives, FindPositionsOneOff) {
    sources::kinesis::mutant() = Mutant::kResumesOneOff;
    const auto [put, seen] = live(1);
    EXPECT_NE(put, seen);
}

TEST_F(KinesisLives, FindFinishedShardsThatAreReadAgain) {
    sources::kinesis::mutant() = Mutant::kForgetsFinished;
    const auto [put, seen] = live(1);
    EXPECT_NE(put, seen);
}

}  // namespace
}  // namespace tidemill::test
