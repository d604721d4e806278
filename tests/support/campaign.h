// What a test tells the campaign that runs it (tools/campaign): how far it is, what it met, what it
// found. Lines on standard output that begin with "campaign: ", only where a campaign listens.
#pragma once

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

namespace tidemill::test {

// Thread safety: externally synchronized.
class CampaignProgress {
public:
    // `total` steps of one `unit`, such as "kills", will be done.
    CampaignProgress(std::string unit, long total) : unit_(std::move(unit)), total_(total) {}

    // So many are done by now. Said once a second, and when it is the last one.
    void done(long steps) {
        const auto now = std::chrono::steady_clock::now();
        if (steps < total_ && now - said_ < std::chrono::seconds(1)) return;
        said_ = now;
        say("step " + std::to_string(steps) + " " + std::to_string(total_) + " " + unit_);
    }

    // Something that the campaign is about came up so often.
    static void fired(const std::string& what, long times) {
        say("fired " + std::to_string(times) + " " + what);
    }
    // What must not be; the test fails too.
    static void violation(const std::string& what) { say("violation " + what); }
    // It did not start although nothing that it needs was hit. No violation, but nothing to be
    // proud of.
    static void falseRefusal(const std::string& what) { say("false-refusal " + what); }
    // A figure that belongs into the report.
    static void figure(const std::string& what) { say("figure " + what); }

private:
    static void say(const std::string& line) {
        if (std::getenv("TIDEMILL_CAMPAIGN") == nullptr) return;
        std::string text = line.substr(0, line.find('\n'));
        std::cout << "campaign: " + text + "\n" << std::flush;
    }

    const std::string unit_;
    const long total_;
    std::chrono::steady_clock::time_point said_{};
};

}  // namespace tidemill::test
