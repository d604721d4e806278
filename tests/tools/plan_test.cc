// `tidemill plan`: what a changed job would do with the state that is there.
#include "tests/tools/program_fixture.h"

namespace tidemill::test {
namespace {

using Json = nlohmann::json;
using ::testing::AllOf;

class Plan : public Program {
protected:
    // A job with totals, which has run and stopped, or was killed with batches behind a checkpoint.
    void live(bool killed) {
        rig_.writeDialingJob(server_);
        const auto daemon = rig_.start();
        server_.accept();
        feed("mill tide mill\n");
        for (int i = 0; i < 400 && rig_.look({"state", "list"}).code != 0; ++i) ::usleep(25'000);
        if (killed) daemon->kill();
        else stopGracefully(*daemon);
    }

    void change(const std::string& from, const std::string& to) {
        auto job = contentOf(rig_.path() / "job.toml");
        const auto at = job.find(from);
        ASSERT_NE(at, job.npos) << from;
        std::ofstream(rig_.path() / "job.toml") << job.replace(at, from.size(), to);
    }

    Outcome plan(std::vector<std::string> more = {}) {
        more.insert(more.begin(), {"plan", rig_.path() / "job.toml"});
        return rig_.look(more);
    }
};

TEST_F(Plan, TheSameJobKeepsItsStateAlsoBehindAKill) {
    for (const bool killed : {false, true}) {
        live(killed);
        const auto said = plan();
        EXPECT_EQ(said.code, 0) << said.out << said.err;
        EXPECT_THAT(said.out, AllOf(HasSubstr("kept          totals (runningTotals "),
                                    HasSubstr("starts        ")));
    }
}

TEST_F(Plan, NewAndOrphanedStatesAreSaidAndNothingIsTouched) {
    live(false);
    change("name = \"totals\"", "name = \"sums\"");
    const auto said = plan();
    EXPECT_EQ(said.code, 0) << said.out << said.err;
    EXPECT_THAT(said.out, AllOf(HasSubstr("new           sums (runningTotals "),
                                HasSubstr("orphaned      totals (runningTotals ")));
    EXPECT_EQ(rig_.totals(), (Counts{{"mill", 2}, {"tide", 1}}));
    for (const auto& entry : fs::directory_iterator(rig_.path()))
        EXPECT_EQ(entry.path().string().find(".plan."), std::string::npos) << entry.path();
}

TEST_F(Plan, WhatIsIncompatibleIsRefusedWithTheDifferenceUnlessItIsDropped) {
    live(false);
    change("do = \"running_totals\"\nname = \"totals\"",
           "do = \"aggregate\"\nkey = \"value\"\ncompute = {n = \"sum(count)\"}\nrunning = true\n"
           "name = \"totals\"");
    const auto refused = plan();
    EXPECT_EQ(refused.code, 4) << refused.out << refused.err;
    EXPECT_THAT(refused.out,
                AllOf(HasSubstr("incompatible  totals the directory holds ("),
                      HasSubstr("the difference: "),
                      HasSubstr("REFUSED       what is incompatible or unclear above")));
    const auto json = plan({"--json"});
    EXPECT_EQ(json.code, 4);
    std::istringstream lines(json.out);
    std::string first, last;
    std::getline(lines, first);
    while (std::getline(lines, last) && lines.peek() != EOF) {
    }
    EXPECT_EQ(Json::parse(first)["fate"], "incompatible");
    EXPECT_EQ(Json::parse(last)["starts"], false);
    const auto dropped = plan({"--drop-mismatched-state"});
    EXPECT_EQ(dropped.code, 0) << dropped.out << dropped.err;
    EXPECT_THAT(dropped.out, HasSubstr("begins EMPTY"));
    EXPECT_EQ(rig_.totals(), (Counts{{"mill", 2}, {"tide", 1}}));
}

TEST_F(Plan, WhileTheJobRunsItIsSaidWhatAStopWouldChangeAndNothingIsLeftBehind) {
    rig_.writeDialingJob(server_);
    const auto daemon = rig_.start();
    server_.accept();
    feed("mill tide mill\n");
    for (int i = 0; i < 400 && rig_.look({"state", "list"}).code != 0; ++i) ::usleep(25'000);
    change("do = \"split\"", "do = \"split\"\n[[step]]\ndo = \"lower_case\"");
    const auto said =
        rig_.tidemill({"plan", rig_.path() / "job.toml", "--data-dir", rig_.data().string() + "/"});
    // Batches may or may not wait behind the checkpoint at that moment.
    if (said.code == 4) {
        EXPECT_THAT(said.out, AllOf(HasSubstr("A job runs on the directory"),
                                    ::testing::Not(HasSubstr(".plan."))));
    } else {
        EXPECT_EQ(said.code, 0) << said.out << said.err;
    }
    stopGracefully(*daemon);
    for (const auto& entry : fs::recursive_directory_iterator(rig_.path()))
        EXPECT_EQ(entry.path().string().find(".plan."), std::string::npos) << entry.path();
}

TEST_F(Plan, ADirectoryThatIsNotThereIsSaid) {
    rig_.writeDialingJob(server_);
    const auto none = plan();
    EXPECT_EQ(none.code, 1) << none.out << none.err;
}

}  // namespace
}  // namespace tidemill::test
