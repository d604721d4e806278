// Backups of a directory whose job runs: each is a moment of it, whole.
#include "tests/tools/program_fixture.h"

namespace tidemill::test {
namespace {

class Backup : public Program {
protected:
    // Small segments and a checkpoint every 100 ms, so that the log is trimmed under the copy.
    std::unique_ptr<ChildProcess> startWriting() {
        rig_.writeDialingJob(server_, "[limits]\nsegment_bytes = \"64KiB\"\n");
        auto job = contentOf(rig_.path() / "job.toml");
        job.replace(job.find("300ms"), 5, "100ms");
        std::ofstream(rig_.path() / "job.toml") << job;
        auto daemon = rig_.start();
        server_.accept();
        return daemon;
    }

    // Starts the job on a copy and stops it again: what it has counted.
    Counts countedFrom(const fs::path& copy) {
        // Nobody to dial: only what the copy holds counts.
        const auto run = rig_.tidemill({"run", "--check", rig_.path() / "job.toml"});
        EXPECT_EQ(run.code, 0);
        ChildProcess daemon({.arguments = {TIDEMILL_PROGRAM_PATH, "run", rig_.path() / "other.toml",
                                           "--data-dir", copy},
                             .environment = {},
                             .outputFile = "/dev/null",
                             .errorFile = rig_.path() / "other.err"});
        for (int i = 0; i < 400; ++i, ::usleep(25'000))
            if (rig_.tidemill({"status", "--data-dir", copy}).code == 0) break;
        const auto stopped = rig_.tidemill({"stop", "--data-dir", copy});
        EXPECT_EQ(stopped.code, 0) << stopped.err << contentOf(rig_.path() / "other.err");
        Counts counts;
        std::istringstream lines(
            rig_.tidemill({"state", "export", "totals", "--json", "--data-dir", copy}).out);
        for (std::string line; std::getline(lines, line);) {
            const auto row = nlohmann::json::parse(line);
            counts[row["key"]] = row["value"];
        }
        return counts;
    }

    // The same job that dials a port where nobody is.
    void writeOther() {
        const TextServer gone;
        auto job = contentOf(rig_.path() / "job.toml");
        const auto port = "port = " + std::to_string(server_.port());
        job.replace(job.find(port), port.size(), "port = " + std::to_string(gone.port()));
        std::ofstream(rig_.path() / "other.toml") << job;
    }
};

TEST_F(Backup, OfAJobThatWritesHoldsExactlyTheLinesUpToAMoment) {
    const auto daemon = startWriting();
    writeOther();
    // Line n is the word n, so that a prefix can be told.
    std::atomic<bool> enough = false;
    std::atomic<int> sent = 0;
    std::thread feeder([&] {
        while (!enough && sent < 2'000'000) {
            std::string text;
            for (int i = 0; i < 500; ++i) text += "w" + std::to_string(sent + i) + "\n";
            server_.send(text);
            sent += 500;
            ::usleep(2000);
        }
    });
    int smallest = 0;
    for (int round = 0; round < 3; ++round) {
        ::usleep(300'000);
        const auto to = rig_.path() / ("backup" + std::to_string(round));
        const auto made = rig_.look({"backup", to.string(), "--json"});
        const int sentThen = sent;
        ASSERT_EQ(made.code, 0) << made.err;
        EXPECT_FALSE(fs::exists(to / "LOCK"));
        const auto counted = countedFrom(to);
        for (const auto& [word, count] : counted) ASSERT_EQ(count, 1) << word;
        for (int i = 0; i < static_cast<int>(counted.size()); ++i)
            ASSERT_TRUE(counted.contains("w" + std::to_string(i))) << i << " of " << counted.size();
        EXPECT_GE(static_cast<int>(counted.size()), smallest);
        EXPECT_LE(static_cast<int>(counted.size()), sentThen);
        smallest = static_cast<int>(counted.size());
    }
    EXPECT_GT(smallest, 0);
    enough = true;
    feeder.join();
    stopGracefully(*daemon);
    // The copies did not change what they were copied from.
    EXPECT_EQ(rig_.look({"wal", "verify"}).code, 0);
    EXPECT_EQ(rig_.look({"checkpoint", "verify"}).code, 0);
}

TEST_F(Backup, IsRestoredAndGoesOn) {
    const auto daemon = startWriting();
    writeOther();
    feed("mill tide mill\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    stopGracefully(*daemon);
    const auto backup = rig_.path() / "sunday.backup";
    const auto made = rig_.look({"backup", backup.string()});
    ASSERT_EQ(made.code, 0) << made.err;
    EXPECT_THAT(made.out,
                HasSubstr("backed up to " + backup.string() + ": the checkpoint of batch "));
    const auto restored = rig_.path() / "restored";
    const auto again = rig_.tidemill({"restore", backup.string(), "--data-dir", restored.string()});
    ASSERT_EQ(again.code, 0) << again.err;
    EXPECT_EQ(countedFrom(restored), (Counts{{"mill", 2}, {"tide", 1}}));
    EXPECT_EQ(rig_.tidemill({"checkpoint", "verify", "--data-dir", backup.string()}).code, 0);
}

TEST_F(Backup, RefusesWhatItWouldHarmAndWhatIsDamaged) {
    const auto daemon = startWriting();
    feed("mill tide mill\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    stopGracefully(*daemon);
    const auto to = rig_.path() / "copy";
    fs::create_directory(to);
    const auto there = rig_.look({"backup", to.string()});
    EXPECT_EQ(there.code, 4);
    EXPECT_THAT(there.err, HasSubstr("there is something already, and it is not overwritten"));
    fs::remove(to);
    EXPECT_EQ(rig_.tidemill({"backup", to, "--data-dir", rig_.path() / "nothing"}).code, 1);

    // A byte of a table file of the newest checkpoint.
    fs::path table;
    for (const auto& entry : fs::recursive_directory_iterator(rig_.data() / "generations"))
        if (entry.path().extension() == ".sst") table = std::max(table, entry.path());
    ASSERT_FALSE(table.empty());
    std::fstream file(table, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20);
    const char before = static_cast<char>(file.get());
    file.seekp(20);
    file.put(static_cast<char>(before ^ 1));
    file.close();
    const auto damaged = rig_.look({"backup", to.string()});
    EXPECT_EQ(damaged.code, 5) << damaged.err;
    EXPECT_FALSE(fs::exists(to));
    EXPECT_FALSE(fs::exists(to.string() + ".tmp"));
}

}  // namespace
}  // namespace tidemill::test
