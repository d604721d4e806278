// The tidemill program as its users meet it: counting, kills, signals.
#include "tests/tools/program_fixture.h"

namespace tidemill::test {
namespace {

TEST_F(Program, EverythingReceivedIsCountedBeforeItStops) {
    rig_.writeDialingJob(server_, "[[output]]\nto = \"print\"\nfrom = \"counts\"\n");
    const auto daemon = rig_.start();
    server_.accept();
    feed(someLines(1, 2000));
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), expected_);
    EXPECT_THAT(rig_.daemonOutput(), StartsWith(std::string(43, '-') + "\nTime: "));
    EXPECT_THAT(rig_.daemonOutput(), HasSubstr(" ms\n" + std::string(43, '-') + "\n"));
}

TEST_F(Program, AKillAndARestartKeepTheTotals) {
    rig_.writeDialingJob(server_);
    for (int life = 0; life < 4; ++life) {
        const auto daemon = rig_.start();
        server_.accept();
        feed(someLines(life * 500, life * 500 + 499));
        ASSERT_TRUE(rig_.awaitLoggedLines(1));
        // What is in the log counts; wait for the last word to be there before the kill.
        const std::string last = "w" + std::to_string(life * 500 + 499);
        const auto until = std::chrono::steady_clock::now() + kLongest;
        while (rig_.look({"state", "get", "totals", last}).code != 0)
            ASSERT_LT(std::chrono::steady_clock::now(), until) << rig_.daemonErrors();
        EXPECT_EQ(daemon->kill(), 128 + SIGKILL);
    }
    const auto daemon = rig_.start();
    server_.accept();
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), expected_);
    EXPECT_THAT(rig_.daemonErrors(), HasSubstr("resumed behind batch"));
}

TEST_F(Program, AKillBeforeTheFirstCheckpointKeepsTheTotals) {
    rig_.writeDialingJob(server_, "[limits]\nworkers = 1\n");
    auto text = contentOf(rig_.path() / "job.toml");
    text.replace(text.find("300ms"), 5, "1h");
    std::ofstream(rig_.path() / "job.toml") << text;
    auto daemon = rig_.start();
    server_.accept();
    feed(someLines(1, 300));
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    daemon->kill();
    const auto looked = rig_.look({"state", "list"});
    EXPECT_EQ(looked.code, 1);
    EXPECT_THAT(looked.err, HasSubstr("no checkpoint yet"));
    daemon = rig_.start();
    server_.accept();
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Program, AnExportIsSortedByKeyBytesAndShowsAnyBytes) {
    rig_.writeDialingJob(server_);
    const auto daemon = rig_.start();
    server_.accept();
    feed("b a \xff\xfe z \xc3\xbc aa \xc3 \"quoted\" back\\slash A b\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    stopGracefully(*daemon);
    const auto rows = rig_.exported();
    EXPECT_EQ(Counts(rows.begin(), rows.end()), expected_);
    EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
        return std::lexicographical_compare(
            a.first.begin(), a.first.end(), b.first.begin(), b.first.end(), [](char x, char y) {
                return static_cast<unsigned char>(x) < static_cast<unsigned char>(y);
            });
    }));
    const auto out = rig_.look({"state", "export", "totals", "--json"}).out;
    EXPECT_THAT(out, HasSubstr("{\"key_base64\": \"//4=\", \"value\": 1}\n"));
    EXPECT_THAT(out, HasSubstr("{\"key\": \"ü\", \"value\": 1}\n"));
    // Every key can be asked for as the export for people shows it.
    std::istringstream lines(rig_.look({"state", "export", "totals"}).out);
    int asked = 0;
    for (std::string line; std::getline(lines, line); ++asked) {
        const auto got = rig_.look({"state", "get", "totals", line.substr(0, line.find('\t'))});
        EXPECT_EQ(got.out, line + "\n") << got.err;
    }
    EXPECT_EQ(asked, static_cast<int>(expected_.size()));
}

TEST_F(Program, ASecondSignalStopsAtOnceAndSafely) {
    rig_.writeDialingJob(server_);
    auto daemon = rig_.start();
    server_.accept();
    feed(someLines(1, 500));
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    // Both are there when it looks.
    daemon->signal(SIGSTOP);
    daemon->signal(SIGTERM);
    daemon->signal(SIGINT);
    daemon->signal(SIGCONT);
    EXPECT_EQ(daemon->wait(kLongest), 130) << rig_.daemonErrors();
    daemon = rig_.start();
    server_.accept();
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Program, SignalsAreHeardDuringALongStart) {
    rig_.writeDialingJob(server_);
    auto daemon = rig_.start();
    server_.accept();
    feed(someLines(1, 500));
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    daemon->kill();
    const auto recovering = [&](const char* delay) {
        auto started =
            rig_.start({{"TIDEMILL_FAILPOINT", "recover.afterScan:delay=" + std::string(delay)}});
        const auto until = std::chrono::steady_clock::now() + kLongest;
        while (!catchesSigterm(started->pid()) && std::chrono::steady_clock::now() < until)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        started->signal(SIGTERM);
        return started;
    };
    daemon = recovering("60000");
    const auto until = std::chrono::steady_clock::now() + kLongest;
    while (rig_.daemonErrors().find("as soon as the start is done") == std::string::npos)
        ASSERT_LT(std::chrono::steady_clock::now(), until);
    daemon->signal(SIGINT);
    EXPECT_EQ(daemon->wait(kLongest), 130) << rig_.daemonErrors();
    // One alone: what was received is processed first.
    daemon = recovering("1500");
    EXPECT_EQ(daemon->wait(kLongest), 0) << rig_.daemonErrors();
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Program, WhenNobodyReadsTheResultsItStopsWithAMessageAndLosesNothing) {
    rig_.writeDialingJob(server_, "[[output]]\nto = \"print\"\n");
    int code = 0;
    const auto piped = outputOf(
        {"/bin/sh", "-c",
         "{ " + std::string(TIDEMILL_PROGRAM_PATH) + " run " + (rig_.path() / "job.toml").string() +
             " --data-dir " + rig_.data().string() + " 2>" + (rig_.path() / "said").string() +
             "; echo $? >" + (rig_.path() / "code").string() + "; } | head -n 1"},
        code);
    EXPECT_EQ(piped, std::string(43, '-') + "\n");
    EXPECT_EQ(contentOf(rig_.path() / "code"), "1\n");
    EXPECT_THAT(contentOf(rig_.path() / "said"), HasSubstr("writing results to the output stream"));
    const auto daemon = rig_.start();
    server_.accept();
    server_.accept();
    feed(someLines(1, 100));
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    stopGracefully(*daemon);
    EXPECT_EQ(rig_.totals(), expected_);
}

TEST_F(Program, ASenderWaitsForADaemonThatIsNotThereYet) {
    const auto port = freePort();
    rig_.writeJob("type = \"listen_acknowledged\"\nport = " + std::to_string(port));
    const auto text = someLines(1, 3000);
    std::ofstream(rig_.path() / "text") << text;
    ChildProcess sender({.arguments = {TIDEMILL_PROGRAM_PATH, "send", "--session", "me",
                                       std::to_string(port), rig_.path() / "text"},
                         .environment = {},
                         .errorFile = rig_.path() / "sender.err"});
    EXPECT_EQ(sender.wait(std::chrono::milliseconds(700)), std::nullopt);
    const auto daemon = rig_.start();
    EXPECT_EQ(sender.wait(kLongest), 0) << contentOf(rig_.path() / "sender.err");
    EXPECT_THAT(contentOf(rig_.path() / "sender.err"), HasSubstr("all 3000 lines are durable"));
    // The same again adds nothing: the session has these lines.
    const auto again =
        rig_.tidemill({"send", "--session", "me", std::to_string(port), rig_.path() / "text"});
    EXPECT_EQ(again.code, 0) << again.err;
    stopGracefully(*daemon);
    // The sessions are a table like others.
    EXPECT_EQ(rig_.look({"state", "export", "(sessions)"}).out, "me\t3000\n");
    EXPECT_EQ(rig_.look({"state", "get", "(sessions)", "me"}).out, "me\t3000\n");
    std::istringstream tables(rig_.look({"state", "list", "--json"}).out);
    for (std::string line; std::getline(tables, line);)
        EXPECT_GT(nlohmann::json::parse(line)["bytes"].get<int>(), 0) << line;
    countWords(expected_, text);
    EXPECT_EQ(rig_.totals(), expected_);
}

}  // namespace
}  // namespace tidemill::test
