// The real program against kinesis-local: what it reads over splits, merges and kills, and what
// `run --check --connect` says.
//
//   TIDEMILL_KILLS=200 kinesis_local_test   a longer run (default 4)
//   TIDEMILL_SEED=17 kinesis_local_test     begins with that seed (default 1); a failure prints it
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <thread>

#include "tests/kinesis/fake_kinesis.h"
#include "tests/kinesis/kinesis_local.h"
#include "tests/support/environment_number.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;
using Words = std::vector<std::string>;
using std::chrono::milliseconds;

class KinesisLocalTest : public testing::Test {
protected:
    void SetUp() override {
        TM_START_KINESIS(service_);
        ASSERT_TRUE(service_->create("t", 2)) << service_->log();
        ::setenv("AWS_ACCESS_KEY_ID", "test", 1);
        ::setenv("AWS_SECRET_ACCESS_KEY", "test-key", 1);
        rig_.writeJob("type = \"kinesis\"\nstream = \"t\"\nregion = \"us-east-1\"\nendpoint = \"" +
                      service_->url() + "\"\npoll_every = \"100ms\"\ndiscover_every = \"500ms\"");
    }

    // Until all of the words are counted, or it takes too long; then the job is stopped.
    Counts runUntil(const Counts& expected) {
        auto daemon = rig_.start();
        const auto keys = [&] {
            const auto known = rig_.look({"state", "export", "totals", "--json"});
            return known.code != 0 ? 0 : std::count(known.out.begin(), known.out.end(), '\n');
        };
        for (int tries = 0; tries < 80 && keys() < std::ssize(expected); ++tries) {
            std::this_thread::sleep_for(milliseconds(500));
            rig_.look({"checkpoint", "now"});
        }
        daemon->signal(SIGTERM);
        EXPECT_EQ(daemon->wait(std::chrono::seconds(60)), 0) << rig_.daemonErrors();
        auto counted = rig_.totals();
        EXPECT_EQ(counted.size(), expected.size());
        return counted;
    }

    void reshard(std::mt19937& random) {
        const auto open = service_->openShards("t");
        if (open.size() < 2) return;
        auto at = std::next(open.begin(), static_cast<std::ptrdiff_t>(random() % open.size()));
        if (open.size() < 6)
            service_->call("SplitShard", {{"StreamName", "t"},
                                          {"ShardToSplit", at->first},
                                          {"NewStartingHashKey", at->second}});
        else mergeNeighbours(open);
        EXPECT_TRUE(service_->awaitActive("t"));
    }

    // Those whose keys lie beside each other.
    void mergeNeighbours(const std::map<std::string, std::string>& open) {
        for (const auto& [one, middle] : open)
            for (const auto& [other, otherMiddle] : open)
                if (one != other && !service_
                                         ->call("MergeShards", {{"StreamName", "t"},
                                                                {"ShardToMerge", one},
                                                                {"AdjacentShardToMerge", other}})
                                         .is_null())
                    return;
    }

    std::unique_ptr<KinesisLocal> service_;
    ProgramRig rig_;
};

TEST_F(KinesisLocalTest, EveryRecordIsCountedOnceOverKillsSplitsAndMerges) {
    const auto kills = environmentNumber("TIDEMILL_KILLS", 4);
    const auto seed = static_cast<unsigned>(environmentNumber("TIDEMILL_SEED", 1));
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::atomic<bool> stopping = false;
    Counts put;
    std::thread feed([&] {
        for (int number = 0; !stopping;) {
            Words words;
            for (int i = 0; i < 25; ++i) words.push_back("word" + std::to_string(++number));
            if (!service_->put("t", words)) continue;  // kinesis-local takes all or none
            for (const auto& word : words) ++put[word];
            std::this_thread::sleep_for(milliseconds(30));
        }
    });
    for (long kill = 0; kill < kills && !HasFailure(); ++kill) {
        auto daemon = rig_.start({}, {"--workers", "2"});
        std::this_thread::sleep_for(milliseconds(300 + random() % 900));
        if (kill % 2 == 0) reshard(random);
        EXPECT_EQ(daemon->poll(), std::nullopt) << "it ended by itself: " << rig_.daemonErrors();
        daemon->kill();
    }
    stopping = true;
    feed.join();
    const auto counted = runUntil(put);
    int differences = 0;
    for (const auto& [word, count] : put) {
        const auto at = counted.find(word);
        if ((at == counted.end() || at->second != count) && ++differences <= 10)
            ADD_FAILURE() << word << " was counted " << (at == counted.end() ? 0 : at->second)
                          << " times, not " << count;
    }
    EXPECT_GT(put.size(), 0u);
    std::cout << kills << " kills, " << put.size() << " records, "
              << service_->openShards("t").size() << " open shards at the end\n";
}

TEST_F(KinesisLocalTest, CheckSaysWhatIsThereAndWhereItWouldBegin) {
    const auto check = [&] {
        const auto outcome = rig_.look(
            {"run", "--check", "--connect", "--json", (rig_.path() / "job.toml").string()});
        std::istringstream lines(outcome.out);
        std::string line;
        std::getline(lines, line);
        const auto object = Json::parse(line, nullptr, false);
        EXPECT_FALSE(object.is_discarded()) << outcome.out << outcome.err;
        return std::tuple(outcome.code, object["facts"].get<Words>(),
                          object["troubles"].get<Words>());
    };
    ASSERT_TRUE(service_->put("t", {"one", "two"}));
    auto [code, facts, troubles] = check();
    EXPECT_EQ(code, 0) << testing::PrintToString(troubles);
    EXPECT_THAT(facts, Contains("credentials are those of the environment"));
    EXPECT_THAT(facts, Contains("stream \"t\" is ACTIVE, has 2 shards, 2 of them open, and keeps "
                                "records for 24 h"));
    EXPECT_THAT(facts, Contains("shard shardId-000000000000 would be read from its beginning on"));
    runUntil({{"one", 1}, {"two", 1}});
    std::tie(code, facts, troubles) = check();
    EXPECT_EQ(code, 0) << testing::PrintToString(troubles);
    EXPECT_THAT(facts, Contains(HasSubstr("would be read from behind record ")));
    service_->call("DeleteStream", {{"StreamName", "t"}});
    for (int tries = 0; tries < 100 && !service_->create("t", 1); ++tries)
        std::this_thread::sleep_for(milliseconds(100));
    std::tie(code, facts, troubles) = check();
    EXPECT_EQ(code, 1);
    EXPECT_THAT(troubles, Contains(HasSubstr("was deleted and made anew")));
}

// The example, as it stands but for where the service is.
TEST(KinesisExample, CountsByPartitionKey) {
    FakeKinesis fake;
    fake.create(1);
    for (const char* key : {"EUR", "EUR", "USD"}) fake.put("shardId-000000000000", "x", key);
    ::setenv("AWS_ACCESS_KEY_ID", "test", 1);
    ::setenv("AWS_SECRET_ACCESS_KEY", "test-key", 1);
    ProgramRig rig;
    auto text = contentOf(TIDEMILL_KINESIS_EXAMPLE);
    const std::string type = "type = \"kinesis\"\n";
    ASSERT_NE(text.find(type), text.npos);
    text.insert(text.find(type) + type.size(), "endpoint = \"" + fake.url() + "\"\n");
    std::ofstream(rig.path() / "job.toml") << text;
    auto daemon = rig.start();
    std::string exported;
    for (int tries = 0; tries < 60 && std::count(exported.begin(), exported.end(), '\n') < 2;
         ++tries) {
        std::this_thread::sleep_for(milliseconds(250));
        rig.look({"checkpoint", "now"});
        exported = rig.look({"state", "export", "by_key", "--json"}).out;
    }
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(std::chrono::seconds(30)), 0) << rig.daemonErrors();
    EXPECT_THAT(exported, HasSubstr("EUR"));
    EXPECT_THAT(exported, HasSubstr("USD"));
    EXPECT_THAT(rig.daemonOutput(), HasSubstr("EUR"));
}

}  // namespace
}  // namespace tidemill::test
