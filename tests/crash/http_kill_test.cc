// SIGKILL of the real program at random moments while HTTP clients send small requests within
// sessions and send each again until it is answered. In the end every line is counted once, and is
// in the outputs once and in the order of its session.
//
//   TIDEMILL_KILLS=200 TIDEMILL_REQUESTS=100000 http_kill_test     a longer run (default 10, 20000)
//   TIDEMILL_SEED=17 http_kill_test                                another one (default 1)
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <thread>

#include "tests/support/environment_number.h"
#include "tests/support/http_client.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

// A client with a session, and the ledger of what it was told is durable. It sends words of its own
// in requests of one to three lines, plain, in chunks or as gzip; some answers it does not wait
// for, and some of its lives it forgets, and asks how far the session is. Thread safety: externally
// synchronized.
class Feed {
public:
    Feed(std::string session, std::uint64_t requests, unsigned seed)
        : session_(std::move(session)), requests_(requests), random_(seed) {}
    ~Feed() { stop(); }

    void start(std::uint16_t port) {
        thread_ = std::thread([this, port] { run(port); });
    }
    void stop() {
        stopping_ = true;
        if (thread_.joinable()) thread_.join();
    }
    // Until then it goes on beyond its number of requests.
    void mayEnd() { mayEnd_ = true; }
    bool isDone() const { return done_; }
    // All of them are durable when it is done.
    std::uint64_t lines() const { return acknowledged_; }
    std::uint64_t requests() const { return sentRequests_; }
    std::uint64_t repeated() const { return repeated_; }
    std::string word(std::uint64_t line) const { return session_ + "-" + std::to_string(line); }
    const std::string& session() const { return session_; }

private:
    void run(std::uint16_t port) {
        while (!stopping_ && !done_) {
            HttpClient client(port);
            if (!client.connected()) sleepMillis(3);
            else life(client);
        }
    }

    void life(HttpClient& client) {
        if (random_() % 3 == 0) {
            const auto answer = client.get("/in", {{"Tidemill-Session", session_}});
            if (!answer || answer->code != 200) return;
            note(std::stoull(answer->headers.at("tidemill-durable")));
        }
        // The last answer covers all that was ever sent: a request that nobody waited for may still
        // arrive.
        while (!stopping_ &&
               (sentRequests_ < requests_ || !mayEnd_ || acknowledged_ < sentLines_)) {
            if (!oneRequest(client)) return;
        }
        done_ = !stopping_;
    }

    // False: the connection is of no more use.
    bool oneRequest(HttpClient& client) {
        const auto first = acknowledged_ + 1;
        auto count = std::uint64_t{1} + random_() % 3;
        if (mayEnd_) count = std::max(count, sentLines_ - acknowledged_);
        std::string body;
        for (auto line = first; line < first + count; ++line) body += word(line) + " common\n";
        sentLines_ = std::max(sentLines_, first + count - 1);
        HttpHeaders headers{{"Tidemill-Session", session_},
                            {"Tidemill-First-Line", std::to_string(first)}};
        const auto kind = random_() % 4;
        if (kind == 0) headers["Content-Encoding"] = "gzip";
        if (kind == 0) body = gzipped(body);
        const auto request = kind == 1 ? chunkedRequest("/in", headers, body, 7)
                                       : httpRequest("POST", "/in", headers, body);
        if (!client.send(request)) return false;
        if (random_() % 200 == 0) return false;  // nobody hears the answer
        auto answer = client.answer();
        if (!answer) return false;
        if (answer->code == 503) {
            sleepMillis(2);
            return answer->headers["connection"] != "close";
        }
        EXPECT_EQ(answer->code, 200) << answer->body;
        if (answer->code != 200) return stopping_ = true, false;
        ++sentRequests_;
        if (answer->body.starts_with("{\"taken\": 0,")) ++repeated_;
        note(std::stoull(answer->headers.at("tidemill-durable")));
        return true;
    }

    void note(std::uint64_t durable) {
        EXPECT_GE(durable, acknowledged_) << "acknowledged lines of " << session_ << " are lost";
        EXPECT_LE(durable, sentLines_) << "lines of " << session_ << " that were never sent";
        acknowledged_ = durable;
    }

    const std::string session_;
    const std::uint64_t requests_;
    std::mt19937 random_;
    std::uint64_t sentRequests_ = 0;
    std::uint64_t sentLines_ = 0;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t repeated_ = 0;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> mayEnd_{false};
    std::atomic<bool> done_{false};
    std::thread thread_;
};

class HttpKills : public ::testing::Test {
protected:
    void writeJob() {
        rig_.writeJob(
            "type = \"http\"\nname = \"in\"\nlisten = \"127.0.0.1:" + std::to_string(port_) + "\"",
            "[[output]]\nto = \"text_files\"\nfrom = \"in\"\nprefix = \"" +
                (rig_.path() / "lines").string() + "\"\nsuffix = \"d\"\n");
    }

    // What the outputs hold, batch by batch, of each session.
    std::map<std::string, std::vector<std::uint64_t>> shown() const {
        std::map<std::uint64_t, fs::path> batches;
        for (const auto& entry : fs::directory_iterator(rig_.path())) {
            const auto name = entry.path().filename().string();
            if (name.starts_with("lines-") && name.ends_with(".d"))
                batches[std::stoull(name.substr(6))] = entry.path();
        }
        std::map<std::string, std::vector<std::uint64_t>> lines;
        for (const auto& [time, batch] : batches) {
            std::vector<fs::path> parts;
            for (const auto& part : fs::directory_iterator(batch))
                if (part.path().filename().string().starts_with("part-"))
                    parts.push_back(part.path());
            std::sort(parts.begin(), parts.end());
            for (const auto& part : parts) {
                std::ifstream file(part);
                for (std::string line; std::getline(file, line);) {
                    const auto dash = line.find('-');
                    lines[line.substr(0, dash)].push_back(std::stoull(line.substr(dash + 1)));
                }
            }
        }
        return lines;
    }

    ProgramRig rig_;
    const std::uint16_t port_ = freePort();
};

TEST_F(HttpKills, NoRequestIsLostOrDoubledAndOrderIsKept) {
    const auto kills = environmentNumber("TIDEMILL_KILLS", 10);
    const auto requests =
        static_cast<std::uint64_t>(environmentNumber("TIDEMILL_REQUESTS", 20'000));
    const auto seed = static_cast<unsigned>(environmentNumber("TIDEMILL_SEED", 1));
    std::mt19937 random(seed);
    writeJob();
    std::vector<std::unique_ptr<Feed>> feeds;
    constexpr unsigned kFeeds = 8;
    for (unsigned i = 0; i < kFeeds; ++i) {
        feeds.push_back(
            std::make_unique<Feed>("s" + std::to_string(i), requests / kFeeds, seed * 100 + i));
        feeds.back()->start(port_);
    }
    const auto allDone = [&] {
        return std::all_of(feeds.begin(), feeds.end(),
                           [](const auto& feed) { return feed->isDone(); });
    };
    long killed = 0;
    const auto begun = std::chrono::steady_clock::now();
    for (; killed < kills && !HasFailure(); ++killed) {
        const auto daemon = rig_.start();
        // A fifth of the kills fall into the start.
        const auto life = random() % 5 == 0 ? random() % 60 : 100 + random() % 900;
        daemon->wait(milliseconds(life));
        ASSERT_FALSE(daemon->poll()) << rig_.daemonErrors();
        daemon->kill();
    }
    const auto daemon = rig_.start();
    ASSERT_TRUE(eventually([&] { return TestClient(port_).connected(); })) << rig_.daemonErrors();
    for (auto& feed : feeds) feed->mayEnd();
    const auto longest = std::chrono::seconds(60 + kills * 2 + requests / 500);
    while (!allDone() && !HasFailure() && std::chrono::steady_clock::now() - begun < longest)
        sleepMillis(20);
    EXPECT_TRUE(allDone()) << rig_.daemonErrors();
    for (auto& feed : feeds) feed->stop();
    daemon->signal(SIGTERM);
    ASSERT_EQ(daemon->wait(std::chrono::seconds(30)), 0) << rig_.daemonErrors();

    Counts expected;
    std::uint64_t lines = 0;
    std::uint64_t sent = 0;
    std::uint64_t repeated = 0;
    const auto found = shown();
    for (const auto& feed : feeds) {
        std::vector<std::uint64_t> inOrder;
        for (std::uint64_t line = 1; line <= feed->lines(); ++line) {
            inOrder.push_back(line);
            expected[feed->word(line)] = 1;
        }
        lines += feed->lines();
        sent += feed->requests();
        repeated += feed->repeated();
        const auto of = found.find(feed->session());
        ASSERT_NE(of, found.end());
        EXPECT_TRUE(of->second == inOrder)
            << "the outputs of " << feed->session() << " have " << of->second.size()
            << " lines instead of " << inOrder.size() << ", or another order";
    }
    expected["common"] = static_cast<std::int64_t>(lines);
    EXPECT_TRUE(rig_.totals() == expected) << "the totals are not those of the ledger";
    std::cout << "kills: " << killed << ", requests: " << sent << ", lines: " << lines
              << ", requests that were there already: " << repeated << "\n";
    EXPECT_GT(repeated, 0u) << "no request had to be sent twice";
    if (HasFailure()) std::cerr << "failed: TIDEMILL_SEED=" << seed << "\n";
}

}  // namespace
}  // namespace tidemill::test
