// A job that listens on Unix sockets, killed while senders send to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/test_client.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

TEST(UnixJob, ASenderLosesAndDoublesNothingThoughTheJobIsKilled) {
    ProgramRig rig;
    const auto socket = rig.path() / "lines.sock";
    rig.writeJob("type = \"listen_acknowledged\"\nhost = \"unix:" + socket.string() + "\"");
    constexpr int kLines = 20'000;
    Counts expected;
    {
        std::ofstream file(rig.path() / "lines");
        for (int i = 0; i < kLines; ++i) file << "w" << i << "\n";
    }
    for (int i = 0; i < kLines; ++i) expected["w" + std::to_string(i)] = 1;
    ChildProcess sender(
        {.arguments = {TIDEMILL_PROGRAM_PATH, "send", "--session", "s", "--rate", "60000",
                       "unix:" + socket.string(), (rig.path() / "lines").string()}});
    for (int life = 0; life < 4; ++life) {
        const auto daemon = rig.start();
        ASSERT_TRUE(eventually([&] { return TestClient(socket).connected(); }))
            << rig.daemonErrors();
        daemon->wait(milliseconds(300));
        daemon->kill();
        EXPECT_TRUE(fs::exists(socket)) << "nobody removed it";
    }
    const auto daemon = rig.start();
    EXPECT_EQ(sender.wait(std::chrono::seconds(30)), 0) << rig.daemonErrors();
    daemon->signal(SIGTERM);
    ASSERT_EQ(daemon->wait(std::chrono::seconds(30)), 0) << rig.daemonErrors();
    EXPECT_FALSE(fs::exists(socket));
    EXPECT_TRUE(rig.totals() == expected) << rig.totals().size();
}

// examples/journal_lines, with a journal that a test writes.
TEST(UnixJob, TheJournalComesThroughAPipeThoughTheJobIsKilled) {
    ProgramRig rig;
    const auto socket = rig.path() / "lines.sock";
    rig.writeJob("type = \"listen_acknowledged\"\nhost = \"unix:" + socket.string() + "\"");
    const auto bin = rig.path() / "bin";
    fs::create_directory(bin);
    fs::create_symlink(TIDEMILL_PROGRAM_PATH, bin / "tidemill");
    constexpr int kLines = 3'000;
    std::ofstream(bin / "journalctl")
        << "#!/bin/sh\n[ \"$*\" = \"--follow --lines=0 --output=cat\" ] || exit 9\n"
        << "i=0\nwhile [ $i -lt " << kLines << " ]; do echo w$i; i=$((i+1));"
        << " [ $((i % 10)) -ne 0 ] || sleep 0.005; done\n";
    fs::permissions(bin / "journalctl", fs::perms::owner_all);
    Counts expected;
    for (int i = 0; i < kLines; ++i) expected["w" + std::to_string(i)] = 1;
    ChildProcess pipe(
        {.arguments = {"/usr/bin/env", "PATH=" + bin.string() + ":/usr/bin:/bin",
                       TIDEMILL_EXAMPLES_DIR "/journal_lines", "host-3", "unix:" + socket.string()},
         .environment = {},
         .outputFile = rig.path() / "pipe.out",
         .errorFile = rig.path() / "pipe.err"});
    for (int life = 0; life < 3; ++life) {
        const auto daemon = rig.start();
        ASSERT_TRUE(eventually([&] { return TestClient(socket).connected(); }))
            << rig.daemonErrors();
        daemon->wait(milliseconds(400));
        daemon->kill();
    }
    const auto daemon = rig.start();
    EXPECT_EQ(pipe.wait(std::chrono::seconds(30)), 0) << contentOf(rig.path() / "pipe.err");
    daemon->signal(SIGTERM);
    ASSERT_EQ(daemon->wait(std::chrono::seconds(30)), 0) << rig.daemonErrors();
    EXPECT_TRUE(rig.totals() == expected) << rig.totals().size();
}

TEST(UnixJob, ASecondJobOnTheSameSocketIsRefused) {
    ProgramRig rig, other;
    const auto socket = rig.path() / "lines.sock";
    const auto source = "type = \"listen\"\nhost = \"unix:" + socket.string() + "\"";
    rig.writeJob(source);
    other.writeJob(source);
    const auto daemon = rig.start();
    ASSERT_TRUE(eventually([&] { return TestClient(socket).connected(); })) << rig.daemonErrors();
    const auto second = other.start();
    EXPECT_EQ(second->wait(std::chrono::seconds(10)), 1);
    EXPECT_THAT(other.daemonErrors(), HasSubstr("another process listens there"));
    EXPECT_TRUE(TestClient(socket).connected());
}

}  // namespace
}  // namespace tidemill::test
