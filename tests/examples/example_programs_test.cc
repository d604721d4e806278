// The example programs, run as their first lines say.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

constexpr std::chrono::seconds kLongest{30};

class ExamplePrograms : public ::testing::Test {
protected:
    void run(std::vector<std::string> arguments) {
        program_ =
            std::make_unique<ChildProcess>(ChildProcess::Options{.arguments = std::move(arguments),
                                                                 .environment = {},
                                                                 .outputFile = rig_.path() / "out",
                                                                 .errorFile = rig_.path() / "err"});
    }

    // Waits until `text` has been printed so often.
    bool printed(const std::string& text, int times = 1) const {
        const auto until = std::chrono::steady_clock::now() + kLongest;
        const auto found = [&] {
            int count = 0;
            const auto output = rig_.daemonOutput();
            for (std::size_t begin = 0; (begin = output.find(text, begin)) != output.npos;
                 begin += text.size())
                ++count;
            return count;
        };
        while (found() < times) {
            if (std::chrono::steady_clock::now() > until) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        return true;
    }

    // Ctrl-C ends every example gracefully.
    void stop() {
        program_->signal(SIGINT);
        EXPECT_EQ(program_->wait(kLongest), 0) << rig_.daemonErrors();
        EXPECT_NE(rig_.daemonErrors().find("stopped"), std::string::npos) << rig_.daemonErrors();
    }

    static std::string text(std::uint16_t port) { return std::to_string(port); }

    ProgramRig rig_;
    TextServer server_, other_;
    std::unique_ptr<ChildProcess> program_;
};

// As its first lines say: nc listens on port 9999, and the data directory is the one at hand.
TEST_F(ExamplePrograms, NetworkWordCountCountsWhatIsTypedAndSurvivesAKill) {
    TextServer nc(9999);
    if (nc.port() == 0) GTEST_SKIP() << "somebody else listens on port 9999";
    const auto start = [&] {
        run({"/bin/sh", "-c",
             "cd '" + rig_.path().string() + "' && exec '" + TIDEMILL_NETWORK_WORD_COUNT_PATH "'"});
    };
    start();
    nc.accept();
    nc.send("tide mill tide\n");
    // Of the batch, and since the beginning.
    EXPECT_TRUE(printed("(tide,2)\n(mill,1)\n", 2)) << rig_.daemonErrors();
    program_->kill();
    start();
    nc.accept();
    nc.send("tide\n");
    EXPECT_TRUE(printed("(tide,1)\n")) << rig_.daemonErrors();
    EXPECT_TRUE(printed("(tide,3)\n")) << rig_.daemonErrors();
    stop();
    EXPECT_TRUE(std::filesystem::is_directory(rig_.path() / "wordcount.data"));
}

TEST_F(ExamplePrograms, WindowedWordCountSurvivesAKill) {
    run({TIDEMILL_WINDOWED_WORD_COUNT_PATH, text(server_.port()), rig_.data()});
    server_.accept();
    server_.send("tide mill tide\n");
    EXPECT_TRUE(printed("(tide,2)\n")) << rig_.daemonErrors();
    program_->kill();
    run({TIDEMILL_WINDOWED_WORD_COUNT_PATH, text(server_.port()), rig_.data()});
    server_.accept();
    server_.send("tide\n");
    EXPECT_TRUE(printed("(tide,3)\n")) << rig_.daemonErrors();
    stop();
}

TEST_F(ExamplePrograms, UserSessionsEndWhenAUserIsGone) {
    run({TIDEMILL_USER_SESSIONS_PATH, text(server_.port()), rig_.data(), "1000"});
    server_.accept();
    server_.send("ann /home\nbob /home\nann /basket\n");
    EXPECT_TRUE(printed("ann left after 2 pages, the last was /basket\n")) << rig_.daemonErrors();
    EXPECT_TRUE(printed("bob left after 1 pages, the last was /home\n"));
    stop();
}

TEST_F(ExamplePrograms, JoinTwoSockets) {
    run({TIDEMILL_JOIN_TWO_SOCKETS_PATH, text(server_.port()), text(other_.port())});
    server_.accept();
    other_.accept();
    server_.send("7 apples\n8 pears\n");
    other_.send("7 4.50\n");
    EXPECT_TRUE(printed("(7,(apples,Some(4.50)))\n")) << rig_.daemonOutput();
    EXPECT_TRUE(printed("(8,(pears,None))\n")) << rig_.daemonOutput();
    stop();
}

TEST_F(ExamplePrograms, WatchDirectoryCountsFilesThatAreMovedIn) {
    const auto watched = rig_.path() / "watched";
    std::filesystem::create_directory(watched);
    run({TIDEMILL_WATCH_DIRECTORY_PATH, watched, rig_.data()});
    std::ofstream(watched / ".unfinished") << "tide mill tide\n";
    std::filesystem::rename(watched / ".unfinished", watched / "words");
    EXPECT_TRUE(printed("(tide,2)\n(mill,1)\n")) << rig_.daemonErrors();
    stop();
}

TEST_F(ExamplePrograms, AStartThatFailsIsAMessageAndAnExitCode) {
    run({TIDEMILL_WINDOWED_WORD_COUNT_PATH, text(server_.port()), rig_.path() / "no" / "parent"});
    EXPECT_EQ(program_->wait(kLongest), 1);
    EXPECT_NE(rig_.daemonErrors().find("is missing: "), std::string::npos) << rig_.daemonErrors();
}

}  // namespace
}  // namespace tidemill::test
