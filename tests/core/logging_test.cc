// Where lines of the log go, and in which form.
#include "core/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "core/log_target.h"

namespace tidemill::core {
namespace {

using ::testing::MatchesRegex;
using ::testing::StartsWith;

class Logging : public ::testing::Test {
protected:
    Logging() {
        char path[] = "/tmp/logging_XXXXXX";
        directory_ = ::mkdtemp(path);
    }
    ~Logging() override {
        EXPECT_TRUE(setLogTarget("", LogFormat::kText));
        std::filesystem::remove_all(directory_);
    }
    static std::vector<std::string> linesOf(const std::filesystem::path& path) {
        std::ifstream file(path);
        std::vector<std::string> lines;
        for (std::string line; std::getline(file, line);) lines.push_back(line);
        return lines;
    }
    std::filesystem::path directory_;
};

TEST_F(Logging, GoesToTheEndOfAFileInEachForm) {
    const auto path = directory_ / "log";
    const std::string message = "a \"quoted\" one\x1b, and \xff with a\ttab";
    for (const auto format : {LogFormat::kText, LogFormat::kLogfmt, LogFormat::kJson}) {
        ASSERT_TRUE(setLogTarget(path, format));
        logWarning(message);
    }
    const auto lines = linesOf(path);
    ASSERT_EQ(lines.size(), 3u);
    const std::string time = "[0-9]+-[0-9]+-[0-9]+T[0-9:.]+[+-][0-9:]+";
    EXPECT_THAT(lines[0], MatchesRegex(time + " warning a \"quoted\" one.*"));
    EXPECT_THAT(lines[1], MatchesRegex("time=" + time + " level=warning msg=\"a .*\""));
    const auto json = nlohmann::json::parse(lines[2]);
    EXPECT_EQ(json["level"], "warning");
    EXPECT_EQ(json["message"], "a \"quoted\" one\x1b, and \xef\xbf\xbd with a\ttab");
    EXPECT_THAT(json["time"].get<std::string>(), MatchesRegex(time));
    struct stat made {};
    ASSERT_EQ(::stat(path.c_str(), &made), 0);
    EXPECT_EQ(made.st_mode & 0077, 0u) << "its user's alone";
}

TEST_F(Logging, IsOpenedAgainBehindARotation) {
    const auto path = directory_ / "log", old = directory_ / "log.1";
    ASSERT_TRUE(setLogTarget(path, LogFormat::kText));
    logInfo("first");
    std::filesystem::rename(path, old);
    logInfo("second");
    ASSERT_TRUE(reopenLog());
    logInfo("third");
    EXPECT_EQ(linesOf(old).size(), 2u);
    ASSERT_EQ(linesOf(path).size(), 1u);
    EXPECT_THAT(linesOf(path)[0], ::testing::HasSubstr("third"));

    // A directory that is gone: the old file is still there to take lines.
    std::filesystem::rename(directory_, directory_.string() + ".moved");
    const auto reopened = reopenLog();
    std::filesystem::rename(directory_.string() + ".moved", directory_);
    ASSERT_FALSE(reopened);
    EXPECT_THAT(reopened.error().message, StartsWith("the log file cannot be opened: "));
    logInfo("fourth");
    EXPECT_EQ(linesOf(path).size(), 2u);
}

TEST_F(Logging, AFileThatCannotBeOpenedChangesNothing) {
    const auto path = directory_ / "log";
    ASSERT_TRUE(setLogTarget(path, LogFormat::kText));
    EXPECT_FALSE(setLogTarget(directory_ / "none" / "log", LogFormat::kJson));
    logInfo("here");
    ASSERT_EQ(linesOf(path).size(), 1u);
    EXPECT_THAT(linesOf(path)[0], ::testing::EndsWith(" info here"));
    EXPECT_EQ(logFile(), path);
}

TEST_F(Logging, WhatAFullDiskDoesNotTakeGoesToStandardError) {
    ASSERT_TRUE(setLogTarget("/dev/full", LogFormat::kText));
    ::testing::internal::CaptureStderr();
    logInfo("said all the same");
    EXPECT_THAT(::testing::internal::GetCapturedStderr(),
                ::testing::HasSubstr("said all the same"));
}

TEST_F(Logging, LinesOfManyThreadsStayWhole) {
    const auto path = directory_ / "log";
    ASSERT_TRUE(setLogTarget(path, LogFormat::kJson));
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([t] {
            for (int i = 0; i < 200; ++i) logInfo(std::string(100, char('a' + t)));
        });
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(reopenLog());
    for (auto& thread : threads) thread.join();
    const auto lines = linesOf(path);
    EXPECT_EQ(lines.size(), 800u);
    for (const auto& line : lines)
        EXPECT_EQ(nlohmann::json::parse(line)["message"].get<std::string>().size(), 100u);
}

}  // namespace
}  // namespace tidemill::core
