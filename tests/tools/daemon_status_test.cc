// How a daemon judges itself from its numbers.
#include "tools/control/daemon_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

namespace tidemill::tools {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

StreamingOptions everySecond() {
    StreamingOptions options;
    options.name = "job";
    options.directory = "job.data";
    options.interval = Duration(1000);
    options.checkpointInterval = Duration(10'000);
    return options;
}

// A job that has run for a while and keeps up.
EngineStatus well() {
    EngineStatus status;
    status.batches.batches = 100;
    status.batches.schedulingDelay = 3ms;
    status.batches.processing = 100ms;
    status.receiveBudgetBytes = 1000;
    status.checkpointAge = 4s;
    status.sources.push_back(
        {.description = "socket dials a:1", .statistics = {}, .lastError = {}});
    return status;
}

HealthReport judged(const EngineStatus& then, const EngineStatus& now) {
    const auto at = std::chrono::steady_clock::time_point(100s);
    return judge(Phase::kRunning, "", everySecond(), {at - 30s, then}, {at, now});
}
HealthReport judged(const EngineStatus& now) { return judged(well(), now); }

TEST(DaemonStatus, AJobWithoutTroubleKeepsUp) {
    const auto report = judged(well());
    EXPECT_EQ(report.health, Health::kWell);
    EXPECT_THAT(report.words, ElementsAre("keeps up"));
}

TEST(DaemonStatus, BatchesThatBeginLaterAndLaterFallBehind) {
    auto late = well();
    late.batches.schedulingDelay = 2500ms;
    late.batches.processing = 1400ms;
    const auto report = judged(late);
    EXPECT_EQ(report.health, Health::kBehind);
    EXPECT_THAT(report.words,
                ElementsAre("falls behind: the last batch began 2.5 s late, and it was 0.0 s "
                            "before; a batch takes 1400 ms and comes every 1000 ms"));
    // One batch that waited for the one before is nothing to speak of.
    late.batches.schedulingDelay = 1900ms;
    EXPECT_EQ(judged(late).health, Health::kWell);
}

TEST(DaemonStatus, ADelayThatShrinksCatchesUp) {
    auto then = well();
    then.batches.schedulingDelay = 9s;
    auto now = well();
    now.batches.schedulingDelay = 4s;
    EXPECT_THAT(judged(then, now).words,
                ElementsAre("catches up: the last batch began 4.0 s late, after 9.0 s"));
}

TEST(DaemonStatus, ThePeerThatIsAwayComesFirst) {
    auto status = well();
    status.batches.schedulingDelay = 5s;
    status.receiveBytes = 990;
    status.sources[0].retrying = true;
    status.sources[0].lastError = "Connection refused";
    const auto report = judged(status);
    EXPECT_EQ(report.health, Health::kTrouble);
    EXPECT_THAT(report.words,
                ElementsAre("source 1 (socket dials a:1) has lost its peer and tries again: "
                            "Connection refused",
                            HasSubstr("falls behind"), HasSubstr("senders are held back")));
}

TEST(DaemonStatus, AnOutputThatWaitsIsTroubleInEveryPhase) {
    auto status = well();
    status.outputs.push_back({.description = "print 10"});
    EXPECT_EQ(judged(status).health, Health::kWell);
    status.outputs.push_back({.description = "kafka topic=words brokers=a:1",
                              .waiting = true,
                              .lastError = "Connection refused",
                              .attempts = 3,
                              .waits = 12s});
    const auto words =
        "output 2 (kafka topic=words brokers=a:1) waits for its peer for 12 s now, and batches "
        "wait "
        "for it: Connection refused";
    EXPECT_EQ(judged(status).health, Health::kTrouble);
    EXPECT_THAT(judged(status).words, ElementsAre(words));
    const StatusSample sample{{}, status};
    EXPECT_THAT(judge(Phase::kStarting, "", everySecond(), sample, sample).words,
                ElementsAre(words, "starts"));
    DaemonStatus daemon(everySecond(), [&] { return status; });
    const auto report = daemon.report();
    EXPECT_EQ(report["outputs"][0]["waits"], false);
    EXPECT_EQ(report["outputs"][1]["waits_s"], 12.0);
    EXPECT_EQ(report["outputs"][1]["attempts"], 3);
}

TEST(DaemonStatus, DiskClockAndCheckpointsAreLookedAt) {
    auto status = well();
    status.spaceLow = true;
    status.batches.clockBehind = Duration(7500);
    status.checkpointAge = 120s;
    const auto report = judged(status);
    EXPECT_EQ(report.health, Health::kTrouble);
    EXPECT_THAT(report.words,
                ElementsAre(HasSubstr("the disk is nearly full"),
                            HasSubstr("the clock is 7.5 s behind the last batch"),
                            "the last checkpoint is 120.0 s old, and one is due every 10 s"));
}

TEST(DaemonStatus, AStartAndAStopSayHowFarTheyAre) {
    const StatusSample sample{};
    EXPECT_THAT(
        judge(Phase::kStarting, "replayed batch 4 of 9", everySecond(), sample, sample).words,
        ElementsAre("starts: replayed batch 4 of 9"));
    EXPECT_THAT(judge(Phase::kStopping, "", everySecond(), sample, sample).words,
                ElementsAre("stops: what was received is processed first"));
    EXPECT_THAT(judge(Phase::kRunning, "", everySecond(), sample, sample).words,
                ElementsAre("runs; no batch has come to its end so far"));
}

TEST(DaemonStatus, AReportHoldsTextThatIsNoUtf8AsJson) {
    auto status = well();
    status.sources[0].retrying = true;
    status.sources[0].lastError = "no such host: \xff\"\n";
    DaemonStatus daemon(everySecond(), [&] { return status; });
    daemon.phase(Phase::kRunning);
    daemon.sample();
    const auto text = daemon.report().dump();
    EXPECT_EQ(text.find('\n'), text.npos);
    const auto report = nlohmann::json::parse(text);
    EXPECT_EQ(report["sources"][0]["last_error"], "no such host: \uFFFD\"\n");
    EXPECT_EQ(report["health"], "trouble");
}

TEST(DaemonStatus, RatesAreThoseOfTheLastSeconds) {
    auto status = well();
    status.batches.records = 1000;
    status.sources[0].statistics.records = 1000;
    DaemonStatus daemon(everySecond(), [&] { return status; });
    daemon.sample();
    std::this_thread::sleep_for(50ms);
    status.batches.records = 1500;
    status.sources[0].statistics.records = 1700;
    const auto report = daemon.report();
    const double over = report["rates"]["over_s"];
    EXPECT_NEAR(report["rates"]["records_per_s"].get<double>() * over, 500, 1e-6);
    EXPECT_NEAR(report["sources"][0]["records_per_s"].get<double>() * over, 700, 1e-6);
}

}  // namespace
}  // namespace tidemill::tools
