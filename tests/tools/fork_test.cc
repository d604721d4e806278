// `tidemill fork`: a copy that goes on by itself, and shows nothing unless it was told to.
#include "tests/tools/program_fixture.h"

namespace tidemill::test {
namespace {

using Json = nlohmann::json;
using ::testing::Not;
using ::testing::SizeIs;

class Fork : public Program {
protected:
    fs::path fork() const { return rig_.path() / "fork"; }
    fs::path results() const { return rig_.path() / "results"; }

    std::string output(const fs::path& path) const {
        return "[[output]]\nto = \"json_lines\"\nfrom = \"counts\"\npath = \"" + path.string() +
               "\"\n";
    }

    // The job has counted something, and its outputs have shown it.
    std::unique_ptr<ChildProcess> startAndCount() {
        rig_.writeDialingJob(server_, output(results()));
        auto daemon = rig_.start();
        server_.accept();
        feed("mill tide mill\n");
        EXPECT_TRUE(rig_.awaitLoggedLines(1));
        for (int i = 0; i < 400 && rig_.look({"state", "list"}).code != 0; ++i) ::usleep(25'000);
        return daemon;
    }

    Outcome makeFork(std::vector<std::string> more = {}) {
        more.insert(more.begin(), {"fork", rig_.data().string(), fork().string(), "--json"});
        return rig_.tidemill(more);
    }

    // The same job that dials another server, and shows its batches in `to`.
    std::unique_ptr<ChildProcess> startOnFork(const fs::path& to) {
        ProgramRig& rig = rig_;
        const auto job = contentOf(rig.path() / "job.toml");
        rig.writeDialingJob(forksServer_, output(to));
        fs::rename(rig.path() / "job.toml", rig.path() / "fork.toml");
        std::ofstream(rig.path() / "job.toml") << job;
        return std::make_unique<ChildProcess>(
            ChildProcess::Options{.arguments = {TIDEMILL_PROGRAM_PATH, "run",
                                                rig.path() / "fork.toml", "--data-dir", fork()},
                                  .environment = {},
                                  .outputFile = rig.path() / "fork.out",
                                  .errorFile = rig.path() / "fork.err"});
    }

    std::string said() const { return contentOf(rig_.path() / "fork.err"); }

    Json status() const {
        const auto asked = rig_.tidemill({"status", "--json", "--data-dir", fork()});
        return asked.code == 0 ? Json::parse(asked.out) : Json();
    }

    Counts totalsOf(const fs::path& directory) const {
        Counts counts;
        std::istringstream lines(
            rig_.tidemill({"state", "export", "totals", "--json", "--data-dir", directory}).out);
        for (std::string line; std::getline(lines, line);)
            counts[Json::parse(line)["key"]] = Json::parse(line)["value"];
        return counts;
    }

    static std::map<std::string, std::string> filesIn(const fs::path& directory) {
        std::map<std::string, std::string> files;
        for (const auto& entry : fs::directory_iterator(directory))
            files[entry.path().filename()] = contentOf(entry.path());
        return files;
    }

    TextServer forksServer_;
};

TEST_F(Fork, OfAJobThatRunsGoesOnByItselfAndShowsNothing) {
    const auto daemon = startAndCount();
    const auto made = makeFork();
    ASSERT_EQ(made.code, 0) << made.err;
    EXPECT_EQ(Json::parse(made.out)["outputs"], false);
    EXPECT_GT(Json::parse(made.out)["linked_bytes"], 0);
    EXPECT_EQ(rig_.tidemill({"fsck", "--data-dir", fork()}).code, 0);
    const auto format = contentOf(fork() / "FORMAT");
    EXPECT_THAT(format, HasSubstr("\noutputs off\n"));
    EXPECT_THAT(format,
                HasSubstr("\nidentity " + Json::parse(made.out)["identity"].get<std::string>()));
    stopGracefully(*daemon);
    const auto shown = filesIn(results());
    ASSERT_FALSE(shown.empty());
    const auto original = rig_.snapshot();

    // The fork has the original's outputs in its job, and does not touch them.
    const auto onFork = startOnFork(results());
    forksServer_.accept();
    forksServer_.send("mill fork\n");
    for (int i = 0; i < 400 && (status().is_null() || status()["sources"][0]["records"] == 0); ++i)
        ::usleep(25'000);
    EXPECT_EQ(status()["outputs_off"], true);
    EXPECT_THAT(status()["words"].dump(), HasSubstr("outputs are off"));
    stopGracefully(*onFork);
    EXPECT_THAT(said(), HasSubstr("outputs are OFF: the data directory is a fork of "));
    EXPECT_EQ(totalsOf(fork()), (Counts{{"mill", 3}, {"tide", 1}, {"fork", 1}}));
    EXPECT_EQ(filesIn(results()), shown);
    EXPECT_EQ(rig_.snapshot(), original);
    EXPECT_EQ(rig_.totals(), expected_);

    // The original goes on as if there were no fork, and shows that.
    const auto again = rig_.start();
    server_.accept();
    feed("tide\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    stopGracefully(*again);
    EXPECT_EQ(rig_.totals(), expected_);
    EXPECT_THAT(filesIn(results()), SizeIs(shown.size() + 1));
    EXPECT_THAT(contentOf(rig_.path() / "err"), Not(HasSubstr("outputs are OFF")));
}

TEST_F(Fork, WithOutputsTakesNoResultsOfTheOriginalForItsOwn) {
    const auto daemon = startAndCount();
    stopGracefully(*daemon);
    ASSERT_EQ(makeFork({"--with-outputs"}).code, 0);
    const auto shown = filesIn(results());
    EXPECT_EQ(startOnFork(results())->wait(kLongest), 4) << said();
    EXPECT_THAT(said(), HasSubstr("or another one's: the last published is batch "));
    EXPECT_EQ(filesIn(results()), shown);

    const auto own = rig_.path() / "own";
    fs::create_directory(own);
    const auto onFork = startOnFork(own);
    forksServer_.accept();
    forksServer_.send("mill fork\n");
    for (int i = 0; i < 400 && filesIn(own).empty(); ++i) ::usleep(25'000);
    EXPECT_EQ(status()["outputs_off"], false);
    stopGracefully(*onFork);
    EXPECT_THAT(said(), Not(HasSubstr("outputs are OFF")));
    std::string lines;
    for (const auto& [name, text] : filesIn(own))
        if (name.ends_with(".jsonl")) lines += text;
    EXPECT_THAT(lines, HasSubstr("\"key\": \"fork\", \"value\": 1"));
    // Its own results it knows again.
    const auto again = startOnFork(own);
    forksServer_.accept();
    stopGracefully(*again);
}

TEST_F(Fork, HasTheDeadLettersOfTheOriginalAndWritesItsOwnBesideThem) {
    const auto withLetters = [&](const TextServer& server) {
        std::ofstream(rig_.path() / "job.toml")
            << "[job]\nname = \"letters\"\ninterval = \"50ms\"\non_error = \"dead_letter\"\n"
               "[[source]]\ntype = \"socket\"\nhost = \"127.0.0.1\"\nport = "
            << server.port()
            << "\n[[step]]\ndo = \"fields\"\nby = \"split\"\nseparator = \" \"\nname = \"parsed\"\n"
               "fields = {word = 1, n = {at = 2, type = \"int\"}}\n"
               "[[step]]\ndo = \"aggregate\"\nkey = \"word\"\ncompute = {total = \"sum(n)\"}\n"
               "running = true\nname = \"sums\"\n";
    };
    withLetters(server_);
    auto daemon = rig_.start();
    server_.accept();
    feed("good 1\nbad one\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(2));
    stopGracefully(*daemon);
    ASSERT_THAT(rig_.look({"dead_letters", "show"}).out, HasSubstr("bad one"));
    ASSERT_EQ(makeFork().code, 0);

    withLetters(forksServer_);
    ChildProcess onFork({.arguments = {TIDEMILL_PROGRAM_PATH, "run", rig_.path() / "job.toml",
                                       "--data-dir", fork()},
                         .environment = {},
                         .outputFile = "/dev/null",
                         .errorFile = rig_.path() / "fork.err"});
    forksServer_.accept();
    forksServer_.send("worse two\n");
    const auto letters = [&] {
        return rig_.tidemill({"dead_letters", "show", "--data-dir", fork()}).out;
    };
    for (int i = 0; i < 400 && letters().find("worse two") == std::string::npos; ++i)
        ::usleep(25'000);
    stopGracefully(onFork);
    EXPECT_THAT(letters(), HasSubstr("bad one"));
    EXPECT_THAT(letters(), HasSubstr("worse two"));
    EXPECT_THAT(rig_.look({"dead_letters", "show"}).out, Not(HasSubstr("worse two")));
}

TEST_F(Fork, RefusesWhatIsThereAndWhatIsNoDataDirectory) {
    const auto daemon = startAndCount();
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.tidemill({"fork", rig_.path() / "nothing", fork()}).code, 1);
    fs::create_directory(fork());
    EXPECT_EQ(makeFork().code, 4);
    EXPECT_TRUE(fs::is_empty(fork()));
    fs::remove(fork());
    // A fork of a fork is none of either.
    ASSERT_EQ(makeFork().code, 0);
    const auto second = rig_.path() / "second";
    const auto made = rig_.tidemill({"fork", fork(), second, "--with-outputs", "--json"});
    ASSERT_EQ(made.code, 0) << made.err;
    const auto identity = [](const fs::path& directory, const std::string& key) {
        const auto format = contentOf(directory / "FORMAT");
        return format.substr(format.find("\n" + key + " ") + key.size() + 2, 32);
    };
    EXPECT_EQ(identity(second, "fork-of"), identity(fork(), "identity"));
    EXPECT_EQ(identity(fork(), "fork-of"), identity(rig_.data(), "log"));
    EXPECT_EQ(identity(second, "identity"), Json::parse(made.out)["identity"]);
    EXPECT_EQ(std::set<std::string>({identity(second, "identity"), identity(fork(), "identity"),
                                     identity(rig_.data(), "log")})
                  .size(),
              3u);
}

}  // namespace
}  // namespace tidemill::test
