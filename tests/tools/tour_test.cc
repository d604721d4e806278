// A wrong total that nobody would see: a byte of the state is changed and every checksum over it is
// right. `verify` finds the row, `why` the records that should have made it, `replay` what the steps
// gave, and a fork derives it anew.
#include <filesystem>

#include "recovery/generations.h"
#include "state/state_store.h"
#include "tests/tools/program_fixture.h"

namespace tidemill::test {
namespace {

using Json = nlohmann::json;

// Makes the newest checkpoint say one more of `key` in the table "totals", and everything that
// checks it agree: the store itself writes it, and it is published as any checkpoint.
core::Result<> plant(const fs::path& data, const fs::path& scratch, std::string_view key) {
    auto& files = core::posixFileSystem();
    recovery::Generations generations(files, data / "generations");
    TM_ASSIGN(const auto names, generations.list());
    TM_ASSIGN(const auto manifest, generations.manifest(names.front()));
    TM_TRY(generations.cloneInto(names.front(), manifest, scratch));
    state::StateStoreOptions options;
    options.workDirectory = scratch;
    TM_ASSIGN(const auto store, state::StateStore::open(options));
    core::OperatorId totals;
    for (const auto& entry : manifest.mark.operators)
        if (entry.name == "totals") totals = entry.id;
    auto& table = store->table(totals, 0, state::ValueKind::kSum);
    const std::uint64_t one = 1;
    TM_TRY(table.rangeOf(key).merge({reinterpret_cast<const char*>(&key)}, 1, &one));
    TM_TRY(store->ingest(store->freeze(manifest.mark)));
    TM_TRY(generations.publish(manifest.mark,
                               [&](const core::Path& into) { return store->linkInto(into); }));
    return generations.remove(names.front());
}

class Tour : public Program {
protected:
    std::vector<Json> lines(const Outcome& said) const {
        std::vector<Json> all;
        std::istringstream in(said.out);
        for (std::string line; std::getline(in, line);) all.push_back(Json::parse(line));
        return all;
    }
    Outcome onJob(const std::string& command, std::vector<std::string> more = {},
                  const fs::path& directory = {}) {
        more.insert(more.begin(), {command, rig_.path() / "job.toml"});
        more.insert(more.end(), {"--data-dir", directory.empty() ? rig_.data() : directory});
        return rig_.tidemill(more);
    }
};

TEST_F(Tour, APlantedErrorIsFoundExplainedAndDerivedAnew) {
    rig_.writeDialingJob(server_);
    const auto daemon = rig_.start();
    server_.accept();
    for (int i = 0; i < 30; ++i, ::usleep(40'000))
        feed("mill " + std::string(i % 10 == 3 ? "tide " : "") + "w" + std::to_string(i) + "\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    stopGracefully(*daemon);
    ASSERT_EQ(rig_.totals(), expected_);
    const auto sound = onJob("verify");
    ASSERT_EQ(sound.code, 0) << sound.out << sound.err;

    const auto planted = plant(rig_.data(), rig_.path() / "scratch", "tide");
    ASSERT_TRUE(planted) << planted.error().message;
    fs::remove_all(rig_.path() / "scratch");
    EXPECT_EQ(rig_.totals()["tide"], expected_["tide"] + 1);
    EXPECT_EQ(rig_.look({"fsck"}).code, 0) << "every checksum is right";

    // The row, and what it should be.
    const auto wrong = onJob("verify", {"--json"});
    EXPECT_EQ(wrong.code, 5) << wrong.err;
    const auto found = lines(wrong);
    ASSERT_EQ(found.size(), 2u) << wrong.out;
    EXPECT_EQ(found[0]["table"], "totals");
    EXPECT_EQ(found[0]["stored"], (Json{{"key", "tide"}, {"value", expected_["tide"] + 1}}));
    EXPECT_EQ(found[0]["derived"], (Json{{"key", "tide"}, {"value", expected_["tide"]}}));
    EXPECT_EQ(found[1]["differences"], 1);
    const std::uint64_t from = found[1]["from_batch"];

    // The records behind it, as far back as the log reaches.
    const auto why = onJob("why", {"totals", "tide", "--json"});
    EXPECT_EQ(why.code, 0) << why.err;
    const auto batches = lines(why);
    ASSERT_GT(batches.size(), 1u) << why.out;
    const auto& last = batches.back();
    EXPECT_THAT(last["records"].dump(), HasSubstr("mill tide w"));
    EXPECT_EQ(last["after"]["value"], expected_["tide"]) << why.out;

    // What each step gave there.
    const auto replayed = onJob("replay", {"--batch", last["batch"].dump(), "--key", "tide"});
    EXPECT_EQ(replayed.code, 0) << replayed.err;
    EXPECT_THAT(replayed.out, HasSubstr("tide"));

    // A fork without the wrong checkpoint derives it anew, and is right.
    const auto mended = rig_.path() / "mended";
    const auto forked = rig_.tidemill(
        {"fork", rig_.data(), mended, "--checkpoint", std::to_string(from), "--with-outputs"});
    ASSERT_EQ(forked.code, 0) << forked.err;
    EXPECT_EQ(
        rig_.tidemill({"fork", rig_.data(), mended.string() + "2", "--checkpoint", "999999"}).code,
        1);
    ChildProcess run({.arguments = {TIDEMILL_PROGRAM_PATH, "run", rig_.path() / "job.toml",
                                    "--data-dir", mended},
                      .environment = {},
                      .outputFile = rig_.path() / "mended.out",
                      .errorFile = rig_.path() / "mended.err"});
    server_.accept();
    feed("tide at last\n");
    for (int i = 0; i < 400; ++i, ::usleep(25'000)) {
        const auto status = rig_.tidemill({"status", "--json", "--data-dir", mended});
        if (status.code == 0 && Json::parse(status.out)["sources"][0]["records"] == 1) break;
    }
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(kLongest), 0) << contentOf(rig_.path() / "mended.err");
    const auto right = onJob("verify", {"--json"}, mended);
    EXPECT_EQ(right.code, 0) << right.out << right.err;
    const auto exported =
        rig_.tidemill({"state", "get", "totals", "tide", "--json", "--data-dir", mended});
    EXPECT_EQ(Json::parse(exported.out)["value"], expected_["tide"]);
    EXPECT_EQ(rig_.totals()["tide"], expected_["tide"])
        << "one more was planted there, and one fed here";
}

}  // namespace
}  // namespace tidemill::test
