// Which batch was the first to change the state in another way than when it is run again.
#include "recovery/batch_record_codec.h"
#include "recovery/frame.h"
#include "recovery/segment.h"
#include "tests/tools/program_fixture.h"
#include "tools/past/changes_check.h"

namespace tidemill::test {
namespace {

using core::BatchId;
using core::ChangesOfBatch;
using core::OperatorId;
using Json = nlohmann::json;

ChangesOfBatch changes(std::uint64_t digest, bool unknown = false) {
    return {{{OperatorId(1), 0, 5, digest}, {OperatorId(2), 1, 3, 7}}, unknown};
}

TEST(DifferentTables, AreThoseWithAnotherDigestOrCountAndThoseOfOneSideOnly) {
    EXPECT_TRUE(tools::differentTables(changes(4), changes(4)).empty());
    const auto digests = tools::differentTables(changes(4), changes(5));
    ASSERT_EQ(digests.size(), 1u);
    EXPECT_EQ(digests[0].recorded, changes(4).tables[0]);
    EXPECT_EQ(digests[0].again, changes(5).tables[0]);
    const auto missing = tools::differentTables(changes(4), {{changes(4).tables[1]}, false});
    ASSERT_EQ(missing.size(), 1u);
    EXPECT_EQ(missing[0].recorded.count, 5u);
    EXPECT_EQ(missing[0].again.count, 0u);
}

class VerifyBatches : public Program {
protected:
    void runOverCheckpoints() {
        const auto daemon = rig_.start();
        server_.accept();
        for (int i = 0; i < 30; ++i, ::usleep(40'000))
            feed("tide mill w" + std::to_string(i % 7) + "\n");
        stopGracefully(*daemon);
    }

    Outcome verify(std::vector<std::string> more = {}) {
        more.insert(more.begin(), {"verify", rig_.path() / "job.toml"});
        return rig_.look(more);
    }

    using Change = std::function<std::optional<std::string>(const recovery::FrameHeader&,
                                                            std::string_view payload)>;
    // Puts another payload of the same size, with its checksum, into the first frame of the log for
    // which `change` gives one. False: there is none.
    bool rewriteAFrame(const Change& change) {
        const fs::path log = rig_.data() / "wal";
        const auto names = recovery::listSegments(core::posixFileSystem(), log);
        EXPECT_TRUE(names.has_value());
        for (const auto& name : *names) {
            const auto path = log / recovery::toString(name);
            const std::string bytes = contentOf(path);
            const auto header = recovery::decodeSegmentHeader(
                std::string_view(bytes).substr(0, recovery::kSegmentHeaderBytes));
            EXPECT_TRUE(header.has_value());
            std::size_t at = recovery::kSegmentHeaderBytes;
            while (at + recovery::kFrameHeaderBytes <= bytes.size()) {
                const auto frame = recovery::decodeFrameHeader(bytes.data() + at);
                if (!frame) break;
                const auto changed =
                    change(*frame, std::string_view(bytes).substr(at + recovery::kFrameHeaderBytes,
                                                                  frame->payloadBytes));
                if (changed) {
                    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
                    file.seekp(static_cast<std::streamoff>(at));
                    file << recovery::encodeFrame(*frame, *changed,
                                                  recovery::frameSeed(header->uuid, header->epoch));
                    return true;
                }
                at += recovery::frameBytes(frame->payloadBytes);
            }
        }
        return false;
    }

    // Changes what a record of the log says of the batch before it, which lies behind `behind`;
    // returns that batch, 0 when there is none.
    std::uint64_t changeADigest(std::uint64_t behind) {
        std::uint64_t batch = 0;
        rewriteAFrame([&](const recovery::FrameHeader& frame,
                          std::string_view payload) -> std::optional<std::string> {
            if (frame.type != recovery::FrameType::kBatchRecord) return std::nullopt;
            auto record = recovery::decodeBatchRecord(payload);
            EXPECT_TRUE(record.has_value());
            auto& before = record->changesBefore;
            if (record->batch.value <= behind + 1 || before.unknown || before.tables.empty())
                return std::nullopt;
            before.tables.back().digest ^= 1;
            batch = record->batch.value - 1;
            return recovery::encodeBatchRecord(*record);
        });
        return batch;
    }

    // Makes another word of one "tide" in a block behind the record of a batch behind `behind`;
    // returns that batch.
    std::uint64_t changeAWord(std::uint64_t behind) {
        std::uint64_t batch = 0;
        const bool changed =
            rewriteAFrame([&](const recovery::FrameHeader& frame, std::string_view payload) {
                std::optional<std::string> made;
                if (frame.type == recovery::FrameType::kBatchRecord)
                    batch = recovery::decodeBatchRecord(payload).value().batch.value;
                else if (batch > behind && payload.find("tide") != payload.npos)
                    made = std::string(payload).replace(payload.find("tide"), 4, "toad");
                return made;
            });
        return changed ? batch : 0;
    }
};

TEST_F(VerifyBatches, TheFirstThatDiffersIsNamedAlsoWhenTheRowsAgree) {
    rig_.writeDialingJob(server_);
    runOverCheckpoints();
    const auto same = verify({"--json"});
    ASSERT_EQ(same.code, 0) << same.out << same.err;
    const auto verdict = Json::parse(same.out);
    EXPECT_GT(verdict["batches_compared"], 1) << same.out;
    EXPECT_TRUE(verdict["first_difference"].is_null()) << same.out;

    const auto batch = changeADigest(verdict["from_batch"]);
    ASSERT_NE(batch, 0u);
    const auto differs = verify({"--json"});
    EXPECT_EQ(differs.code, 5) << differs.out << differs.err;
    const auto found = Json::parse(differs.out);
    EXPECT_EQ(found["same"], false);
    EXPECT_EQ(found["differences"], 0);
    EXPECT_EQ(found["first_difference"]["batch"], batch);
    EXPECT_EQ(found["first_difference"]["tables"][0]["table"], "totals");
    const auto said = verify();
    EXPECT_EQ(said.code, 5);
    EXPECT_THAT(said.out, HasSubstr("batch " + std::to_string(batch) +
                                    " is the first that changes the state in another way"));
    EXPECT_THAT(said.out, HasSubstr("NOT THE SAME: 0 of "));

    // A fork has the log's records, too.
    const auto fork = (rig_.path() / "fork").string();
    ASSERT_EQ(rig_.tidemill({"fork", rig_.data(), fork}).code, 0);
    const auto ofFork =
        rig_.tidemill({"verify", rig_.path() / "job.toml", "--data-dir", fork, "--json"});
    EXPECT_EQ(ofFork.code, 5) << ofFork.err;
    EXPECT_EQ(Json::parse(ofFork.out)["first_difference"]["batch"], batch);
}

TEST_F(VerifyBatches, ABatchThatRunsInAnotherWayIsNamedBesideItsRows) {
    rig_.writeDialingJob(server_);
    runOverCheckpoints();
    const auto from = Json::parse(verify({"--json"}).out)["from_batch"];
    const auto before = changeAWord(from);
    ASSERT_NE(before, 0u);
    const auto differs = verify();
    EXPECT_EQ(differs.code, 5) << differs.out << differs.err;
    EXPECT_THAT(differs.out, HasSubstr("toad\t1"));
    EXPECT_THAT(differs.out, HasSubstr("NOT THE SAME: 2 of "));
    EXPECT_THAT(differs.out, HasSubstr(" changes were recorded, "));
    const auto at = differs.out.find("batch ");
    ASSERT_NE(at, differs.out.npos);
    EXPECT_GT(std::stoull(differs.out.substr(at + 6)), before) << differs.out;
}

TEST_F(VerifyBatches, AJobWithoutStateChangesNothing) {
    std::ofstream(rig_.path() / "job.toml")
        << "[job]\ninterval = \"50ms\"\n[checkpoint]\ninterval = \"300ms\"\n[[source]]\n"
           "type = \"socket\"\nhost = \"127.0.0.1\"\nport = "
        << server_.port()
        << "\n[[step]]\ndo = \"split\"\nname = \"words\"\n[[output]]\nto = \"json_lines\"\n"
           "from = \"words\"\npath = \""
        << (rig_.path() / "results").string() << "\"\n";
    runOverCheckpoints();
    const auto same = verify({"--json"});
    ASSERT_EQ(same.code, 0) << same.out << same.err;
    const auto verdict = Json::parse(same.out);
    EXPECT_EQ(verdict["rows"], 0);
    EXPECT_GT(verdict["batches_compared"], 1) << same.out;
}

}  // namespace
}  // namespace tidemill::test
