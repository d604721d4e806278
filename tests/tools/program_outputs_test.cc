// The files and lines of results, batch by batch, across kills.
#include "tests/tools/program_fixture.h"

namespace tidemill::test {
namespace {

TEST_F(Program, EachBatchHasOneFileOfJsonLinesAcrossKills) {
    const auto results = rig_.path() / "results";
    rig_.writeDialingJob(server_, "[[output]]\nto = \"json_lines\"\nfrom = \"counts\"\npath = \"" +
                                      results.string() + "\"\nempty_batches = true\n");
    for (int life = 0; life < 5; ++life) {
        const auto daemon = rig_.start();
        server_.accept();
        feed(someLines(life * 200, life * 200 + 199));
        const std::string last = "w" + std::to_string(life * 200 + 199);
        const auto until = std::chrono::steady_clock::now() + kLongest;
        while (rig_.look({"state", "get", "totals", last}).code != 0)
            ASSERT_LT(std::chrono::steady_clock::now(), until) << rig_.daemonErrors();
        if (life < 4) daemon->kill();
        else stopGracefully(*daemon);
    }
    std::set<std::string> names;
    Counts counts;
    for (const auto& entry : fs::directory_iterator(results)) {
        if (entry.path().filename() == ".tidemill") continue;
        names.insert(entry.path().filename());
        std::ifstream file(entry.path());
        for (std::string line; std::getline(file, line);) {
            const auto row = nlohmann::json::parse(line);
            EXPECT_EQ(row["batch"], std::stoull(entry.path().stem().string()));
            EXPECT_EQ(row["time"].get<std::int64_t>() % 50, 0);
            counts[row["key"]] += row["value"].get<std::int64_t>();
        }
    }
    std::set<std::string> dense;
    for (std::size_t batch = 1; batch <= names.size(); ++batch) {
        const auto digits = std::to_string(batch);
        dense.insert(std::string(20 - digits.size(), '0') + digits + ".jsonl");
    }
    EXPECT_EQ(names, dense);
    EXPECT_EQ(counts, expected_);
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Program, ABatchWithoutElementsHasNoFileOfJsonLines) {
    const auto results = rig_.path() / "results";
    rig_.writeDialingJob(server_, "[[output]]\nto = \"json_lines\"\nfrom = \"counts\"\npath = \"" +
                                      results.string() + "\"\n");
    const auto daemon = rig_.start();
    server_.accept();
    // Batches without a line, and a checkpoint that says that they are complete.
    ASSERT_TRUE(rig_.awaitFile(rig_.data() / "generations"));
    const auto until = std::chrono::steady_clock::now() + kLongest;
    while (rig_.look({"state", "list"}).code != 0)
        ASSERT_LT(std::chrono::steady_clock::now(), until) << rig_.daemonErrors();
    feed("tide\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    stopGracefully(*daemon);
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(results))
        if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
    ASSERT_EQ(files.size(), 1u);
    EXPECT_GT(std::stoull(files[0].stem().string()), 1u);
    const auto row = nlohmann::json::parse(contentOf(files[0]));
    EXPECT_EQ(row["key"], "tide");
    EXPECT_EQ(row["batch"], std::stoull(files[0].stem().string()));
}

TEST_F(Program, BatchAndTimeOfAJsonLineGiveWayToFieldsOfThoseNames) {
    std::ofstream(rig_.path() / "job.toml") << R"([job]
name = "program"
interval = "50ms"
[[source]]
type = "socket"
host = "127.0.0.1"
port = )" << server_.port() << R"(
[[step]]
do = "fields"
by = "split"
fields = {time = 1, what = 2}
[[output]]
to = "json_lines"
path = "stdout"
)";
    EXPECT_THAT(rig_.tidemill({"run", rig_.path() / "job.toml", "--check"}).out,
                HasSubstr("each line with \"_batch\" and \"_time\""));
    const auto daemon = rig_.start();
    server_.accept();
    feed("noon tide\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    stopGracefully(*daemon);
    const auto row = nlohmann::json::parse(rig_.daemonOutput());
    EXPECT_EQ(row["time"], "noon");
    EXPECT_GE(row["_batch"].get<int>(), 1);
    EXPECT_EQ(row["_time"].get<std::int64_t>() % 50, 0);
}

// A copy of a data directory, taken before what the results hold, would take them for its own.
TEST_F(Program, AnOlderCopyOfTheDataDirectoryIsNotRunBesideNewerResults) {
    const auto results = rig_.path() / "results";
    rig_.writeDialingJob(server_, "[[output]]\nto = \"json_lines\"\nfrom = \"counts\"\npath = \"" +
                                      results.string() + "\"\n");
    const auto live = [&](const std::string& text) {
        const auto daemon = rig_.start();
        server_.accept();
        feed(text);
        ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
        stopGracefully(*daemon);
    };
    live("tide\n");
    fs::copy(rig_.data(), rig_.path() / "copy", fs::copy_options::recursive);
    live("mill\n");
    fs::rename(rig_.data(), rig_.path() / "newer");
    fs::rename(rig_.path() / "copy", rig_.data());
    const auto refused =
        rig_.tidemill({"run", rig_.path() / "job.toml", "--data-dir", rig_.data()});
    EXPECT_EQ(refused.code, 4);
    EXPECT_THAT(refused.err, HasSubstr(results.string()));
    EXPECT_THAT(refused.err, HasSubstr("restored from an older copy"));
}

TEST_F(Program, ResultsOfAnotherDirectoryAreNotMixedIn) {
    const auto results = rig_.path() / "results";
    fs::create_directory(results);
    std::ofstream(results / "00000000000000000001.jsonl") << "{}\n";
    rig_.writeDialingJob(server_,
                         "[[output]]\nto = \"json_lines\"\npath = \"" + results.string() + "\"\n");
    const auto refused =
        rig_.tidemill({"run", rig_.path() / "job.toml", "--data-dir", rig_.data()});
    EXPECT_EQ(refused.code, 4);
    EXPECT_THAT(refused.err, HasSubstr(results.string()));
    EXPECT_EQ(contentOf(results / "00000000000000000001.jsonl"), "{}\n");
}

TEST_F(Program, JsonLinesOnStandardOutputNameTheirBatch) {
    rig_.writeDialingJob(server_,
                         "[[output]]\nto = \"json_lines\"\nfrom = \"counts\"\npath = "
                         "\"stdout\"\n");
    const auto daemon = rig_.start();
    server_.accept();
    feed("tide tide\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    stopGracefully(*daemon);
    const auto row = nlohmann::json::parse(rig_.daemonOutput());
    EXPECT_EQ(row["key"], "tide");
    EXPECT_EQ(row["value"], 2);
    EXPECT_GE(row["batch"].get<int>(), 1);
    EXPECT_EQ(row["time"].get<std::int64_t>() % 50, 0);
}

TEST_F(Program, TextFilesAppearWholeAndOncePerBatch) {
    fs::create_directory(rig_.path() / "texts");
    rig_.writeDialingJob(server_,
                         "[[output]]\nto = \"text_files\"\nfrom = \"counts\"\nprefix = \"" +
                             (rig_.path() / "texts/counts").string() + "\"\nsuffix = \"txt\"\n");
    const auto daemon = rig_.start();
    server_.accept();
    feed("tide mill tide\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    stopGracefully(*daemon);
    std::set<std::string> lines;
    for (const auto& batch : fs::directory_iterator(rig_.path() / "texts")) {
        EXPECT_THAT(batch.path().filename().string(),
                    ::testing::MatchesRegex("counts-[0-9]+\\.txt"));
        EXPECT_TRUE(fs::exists(batch.path() / "_SUCCESS"));
        for (const auto& part : fs::directory_iterator(batch.path())) {
            if (part.path().filename() == ".tidemill") continue;
            std::ifstream file(part.path());
            for (std::string line; std::getline(file, line);) lines.insert(line);
        }
    }
    EXPECT_EQ(lines, (std::set<std::string>{"(tide,2)", "(mill,1)"}));
}

}  // namespace
}  // namespace tidemill::test
