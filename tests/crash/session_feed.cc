#include "tests/crash/session_feed.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace tidemill::test {
namespace {

// Lines on their way at most.
constexpr std::uint64_t kWindowLines = 1000;

std::uint64_t numberIn(const std::string& answer) {
    return std::strtoull(answer.c_str() + answer.find(' '), nullptr, 10);
}

}  // namespace

SessionFeed::SessionFeed(std::string session, const std::filesystem::path& file, unsigned seed)
    : session_(std::move(session)), random_(seed) {
    std::ifstream text(file);
    for (std::string line; std::getline(text, line);) lines_.push_back(line + "\n");
}

void SessionFeed::start(std::uint16_t port) {
    stop();
    stopping_ = false;
    thread_ = std::thread([this, port] { run(port); });
}

void SessionFeed::stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    ghosts_.clear();
}

void SessionFeed::run(std::uint16_t port) {
    while (!stopping_ && acknowledged_ < lines_.size()) {
        TestClient client(port);
        if (client.connected()) connection(std::move(client));
        else sleepMillis(5);
    }
}

void SessionFeed::connection(TestClient client) {
    if (!client.send("session " + session_ + "\n")) return;
    const auto answer = client.line();
    if (!answer || !answer->starts_with("resume ")) return;
    const std::uint64_t resumed = numberIn(*answer);
    EXPECT_GE(resumed, acknowledged_)
        << "acknowledged lines of session " << session_ << " are lost";
    EXPECT_LE(resumed, sent_) << "lines of session " << session_ << " that were never sent";
    acknowledged_ = std::max(acknowledged_.load(), resumed);

    // How this connection ends, and behind how many lines.
    const auto ending = static_cast<Ending>(random_() % 4);
    const std::uint64_t last = resumed + random_() % 600;
    std::uint64_t next = resumed;
    while (!stopping_ && next < lines_.size() && (ending == Ending::kServers || next < last)) {
        std::string text;
        for (unsigned i = 1 + random_() % 40; i != 0 && next < lines_.size(); --i)
            text += lines_[next++];
        sent_ = std::max(sent_, next);
        if (!client.send(text) || !readAnswers(client, next)) return;
    }
    if (next == lines_.size()) {
        while (acknowledged_ < next && !stopping_) {
            const auto line = client.line();
            if (!line) return;
            note(*line);
        }
        return;
    }
    // The first half of the next line never counts.
    client.send(std::string_view(lines_[next]).substr(0, lines_[next].size() / 2));
    if (ending == Ending::kResetMidLine) client.reset();
    if (ending == Ending::kTakenOver) {
        for (auto& ghost : ghosts_) ghost.send("g-" + session_ + " of a ghost\n");
        if (ghosts_.size() > 3) ghosts_.clear();
        ghosts_.push_back(std::move(client));
    }
}

bool SessionFeed::readAnswers(TestClient& client, std::uint64_t sent) {
    while (!stopping_ && (sent - acknowledged_ > kWindowLines || !client.silent(0))) {
        const auto line = client.line();
        if (!line) return false;
        note(*line);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random_() % 3000));
    return true;
}

void SessionFeed::note(const std::string& answer) {
    if (!answer.starts_with("durable ")) return;
    const auto durable = numberIn(answer);
    EXPECT_LE(durable, sent_) << "lines of session " << session_ << " that were never sent";
    acknowledged_ = std::max(acknowledged_.load(), durable);
}

}  // namespace tidemill::test
