// Commands that look and check, and what a wrong command line, job file or place gives.
#include "tests/tools/program_fixture.h"

namespace tidemill::test {
namespace {

TEST_F(Program, AScanIsBoundedByPrefixRangeAndLimit) {
    rig_.writeDialingJob(server_);
    const auto daemon = rig_.start();
    server_.accept();
    feed("a b1 b2 b3 c d\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    stopGracefully(*daemon);
    const auto scan = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"state", "scan", "totals"});
        return rig_.look(more).out;
    };
    EXPECT_EQ(scan({"--prefix", "b"}), "b1\t1\nb2\t1\nb3\t1\n");
    EXPECT_EQ(scan({"--prefix", "b", "--limit", "2"}), "b1\t1\nb2\t1\n");
    EXPECT_EQ(scan({"--from", "b3", "--to", "d"}), "b3\t1\nc\t1\n");
    const auto unknown = rig_.look({"state", "get", "total", "a"});
    EXPECT_EQ(unknown.code, 1);
    EXPECT_THAT(unknown.err, HasSubstr("no state table \"total\"; there are: totals"));
    const auto missing = rig_.look({"state", "get", "totals", "nobody"});
    EXPECT_EQ(missing.code, 1);
    EXPECT_THAT(missing.err, HasSubstr("no key \"nobody\" in table totals"));
}

TEST_F(Program, AnExportWhoseReaderLeavesEndsQuietly) {
    rig_.writeDialingJob(server_);
    const auto daemon = rig_.start();
    server_.accept();
    feed(someLines(10000, 30000));
    ASSERT_TRUE(rig_.awaitLoggedLines(lines_));
    stopGracefully(*daemon);
    int code = 0;
    const auto piped = outputOf(
        {"/bin/sh", "-c",
         std::string(TIDEMILL_PROGRAM_PATH) + " state export totals --data-dir " +
             rig_.data().string() + " 2>" + (rig_.path() / "said").string() + " | head -n 1"},
        code);
    EXPECT_EQ(code, 0);
    EXPECT_EQ(piped, "mill\t20001\n");
    const auto said = contentOf(rig_.path() / "said");
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    EXPECT_THAT(said, StartsWith("state of batch "));

    // But what cannot be written on a full disk is not done.
    outputOf({"/bin/sh", "-c",
              std::string(TIDEMILL_PROGRAM_PATH) + " state export totals --data-dir " +
                  rig_.data().string() + " 2>" + (rig_.path() / "said").string() + " >/dev/full"},
             code);
    EXPECT_EQ(code, 1);
    EXPECT_THAT(contentOf(rig_.path() / "said"), HasSubstr("writing to standard output failed"));
}

TEST_F(Program, ShowsNoSecretOfTheJobFile) {
    ::setenv("TIDEMILL_TEST_HOST", "127.0.0.1", 1);
    rig_.writeJob("type = \"socket\"\nhost = \"${env:TIDEMILL_TEST_HOST}\"\nport = " +
                      std::to_string(server_.port()) + "\n",
                  "[[output]]\nto = \"print\"\n");
    const auto good =
        rig_.tidemill({"run", "--check", rig_.path() / "job.toml", "--data-dir", rig_.data()});
    EXPECT_EQ(good.code, 0) << good.err;
    EXPECT_THAT(good.out, HasSubstr("${env:TIDEMILL_TEST_HOST}"));
    EXPECT_THAT(good.out, ::testing::Not(HasSubstr("127.0.0.1")));
    const auto daemon = rig_.start();
    server_.accept();
    feed("a b\n");
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    stopGracefully(*daemon);
    EXPECT_THAT(rig_.daemonErrors(), ::testing::Not(HasSubstr("127.0.0.1")));
    std::ofstream(rig_.path() / "job.toml", std::ios::app)
        << "[[output]]\nto = \"${env:TIDEMILL_TEST_NOT_SET}\"\n";
    const auto missing = rig_.tidemill({"run", "--check", rig_.path() / "job.toml"});
    EXPECT_THAT(missing.err,
                HasSubstr("to names the environment variable \"TIDEMILL_TEST_NOT_SET\""));
}

TEST_F(Program, CheckSaysThePlanAndMakesNothing) {
    rig_.writeDialingJob(server_, "[[output]]\nto = \"print\"\n");
    const auto checked =
        rig_.tidemill({"run", "--check", rig_.path() / "job.toml", "--data-dir", rig_.data()});
    EXPECT_EQ(checked.code, 0) << checked.err;
    EXPECT_EQ(checked.out,
              "job         program, a batch every 50 ms\n"
              "source      socket dials 127.0.0.1:" +
                  std::to_string(server_.port()) +
                  "\n"
                  "step        split \"words\"\n"
                  "  gives     text\n"
                  "step        count \"counts\"\n"
                  "  gives     value text, count int\n"
                  "step        running_totals \"totals\"\n"
                  "  gives     value text, count int\n"
                  "state       totals (runningTotals key=string value=i64)\n"
                  "output      print\n"
                  "data        " +
                  rig_.data().string() +
                  ", which is made at the first start\n"
                  "limits      256 MiB a batch, 1 MiB a record, 256 MiB of changed state\n"
                  "checkpoint  every 300 ms or 256 MiB of log\n");
    EXPECT_FALSE(fs::exists(rig_.data()));
}

TEST_F(Program, AWrongJobFileIsRefusedWithEverythingThatIsWrong) {
    const auto missing = rig_.tidemill({"run", rig_.path() / "no.toml"});
    EXPECT_EQ(missing.code, 3);
    EXPECT_THAT(missing.err, HasSubstr("no.toml"));
    std::ofstream(rig_.path() / "job.toml") << "[job]\nnam = 1\n";
    for (const std::string option : {"--check", "--workers=1"}) {
        const auto wrong =
            rig_.tidemill({"run", rig_.path() / "job.toml", option, "--data-dir", rig_.data()});
        EXPECT_EQ(wrong.code, 3);
        EXPECT_THAT(wrong.err, HasSubstr("job.toml:2:1: unknown key \"nam\" in [job], did you "
                                         "mean \"name\"?\n"));
        EXPECT_THAT(wrong.err, HasSubstr("job.toml:1:1: no [[source]]"));
    }
    EXPECT_FALSE(fs::exists(rig_.data()));
}

TEST_F(Program, AJobFileMayComeFromAPipe) {
    rig_.writeDialingJob(server_);
    int code = 0;
    const auto checked =
        outputOf({"/bin/sh", "-c",
                  "cat " + (rig_.path() / "job.toml").string() + " | " +
                      std::string(TIDEMILL_PROGRAM_PATH) + " run --check /dev/stdin"},
                 code);
    EXPECT_EQ(code, 0);
    EXPECT_THAT(checked, StartsWith("job         program"));
}

TEST_F(Program, ADataDirectoryWithoutParentSaysWhatIsMissing) {
    rig_.writeDialingJob(server_);
    const auto refused = rig_.tidemill(
        {"run", rig_.path() / "job.toml", "--data-dir", rig_.path() / "no" / "where" / "data"});
    EXPECT_EQ(refused.code, 1);
    EXPECT_THAT(refused.err, HasSubstr("is missing: " + (rig_.path() / "no" / "where").string()));
}

TEST_F(Program, AWrongCommandLineIsSaid) {
    const auto unknown = rig_.tidemill({"rum", "job.toml"});
    EXPECT_EQ(unknown.code, 2);
    EXPECT_THAT(unknown.err,
                StartsWith("tidemill: unknown command \"rum\", did you mean \"run\"?\n"));
    EXPECT_THAT(rig_.tidemill({"state", "lsit"}).err,
                StartsWith("tidemill: unknown command \"lsit\", did you mean \"list\"?\n"));
    EXPECT_THAT(rig_.tidemill({"start", "job.toml"}).err,
                StartsWith("tidemill: unknown command \"start\", did you mean \"run\"?\n"));
    EXPECT_THAT(rig_.tidemill({"state", "lits", "--data-dir", "d"}).err,
                StartsWith("tidemill: unknown command \"lits\", did you mean \"list\"?\n"));
    EXPECT_THAT(
        rig_.tidemill({"run", "--chek", "--dat-dir=d", "job.toml"}).err,
        StartsWith("tidemill: unknown option \"--chek\", did you mean \"--check\"?\n"
                   "tidemill: unknown option \"--dat-dir\", did you mean \"--data-dir\"?\n"));
    // Whatever is wrong, every line says who speaks, and the last one where to read on.
    for (const auto& wrong : std::vector<std::vector<std::string>>{
             {"state"},
             {"run"},
             {"state", "export", "totals"},
             {"send", "9998"},
             {"run", "job.toml", "--workers", "many"},
             {"run", "job.toml", "--workers", "-1"},
             {"run", "job.toml", "--data-dir"},
             {"send", "--session"},
             {"send", "--session", "me", "9998", "f", "--rate", "fast"},
             {"send", "--session", "me", "9998", "f", "--rate", "-5"},
             {"wal", "dump", "--data-dir", "d", "--after", "x"}}) {
        const auto said = rig_.tidemill(wrong);
        EXPECT_EQ(said.code, 2) << said.err;
        EXPECT_EQ(said.out, "");
        std::istringstream lines(said.err);
        std::string line, last;
        while (std::getline(lines, line)) {
            EXPECT_THAT(line, StartsWith("tidemill")) << said.err;
            last = line;
        }
        EXPECT_THAT(last, ::testing::EndsWith(" --help says more"));
    }
    for (const auto& command : std::vector<std::vector<std::string>>{{"run"},
                                                                     {"send"},
                                                                     {"state"},
                                                                     {"state", "list"},
                                                                     {"state", "get"},
                                                                     {"state", "scan"},
                                                                     {"state", "export"},
                                                                     {"wal"},
                                                                     {"wal", "list"},
                                                                     {"wal", "dump"},
                                                                     {"wal", "verify"},
                                                                     {"checkpoint"},
                                                                     {"checkpoint", "list"},
                                                                     {"checkpoint", "verify"}}) {
        auto asked = command;
        asked.push_back("--help");
        const auto help = rig_.tidemill(asked);
        EXPECT_EQ(help.code, 0);
        EXPECT_THAT(help.out, HasSubstr("Example"));
        EXPECT_THAT(help.out, HasSubstr("tidemill " + command[0] + " "));
    }
    EXPECT_THAT(rig_.tidemill({}).err,
                HasSubstr("tidemill run examples/wordcount_acknowledged.toml"));
    EXPECT_EQ(rig_.tidemill({}).code, 2);
    EXPECT_EQ(rig_.tidemill({"state", "export", "totals"}).code, 2);
    EXPECT_EQ(rig_.tidemill({"run", "job.toml", "--frob"}).code, 2);
    EXPECT_EQ(rig_.tidemill({"run", "job.toml", "--workers", "many"}).code, 2);
    EXPECT_EQ(rig_.tidemill({"send", "--session", "me", "nowhere"}).code, 2);
    EXPECT_EQ(rig_.tidemill({"send", "--session", "you and me", "9998"}).code, 2);
    EXPECT_EQ(rig_.tidemill({"--help"}).code, 0);
    EXPECT_EQ(rig_.tidemill({"help"}).out, rig_.tidemill({"--help"}).out);
    EXPECT_EQ(rig_.tidemill({"help", "wal"}).out, rig_.tidemill({"wal", "--help"}).out);
    EXPECT_EQ(rig_.tidemill({"--version"}).code, 0);
}

TEST_F(Program, LookingWhereNothingIsFails) {
    fs::create_directory(rig_.data());
    for (const auto& command : std::vector<std::vector<std::string>>{
             {"state", "list"}, {"wal", "verify"}, {"checkpoint", "list"}}) {
        const auto result = rig_.look(command);
        EXPECT_EQ(result.code, 1) << command[0];
        EXPECT_THAT(result.err, HasSubstr("no data directory"));
    }
    EXPECT_TRUE(fs::is_empty(rig_.data()));
}

}  // namespace
}  // namespace tidemill::test
