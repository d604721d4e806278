// The rig of the crash tests: the real program on a word count with tiny budgets, senders of every
// kind, an fsynced ledger of what was sent, and the comparison at the end.
//
// Fault model: SIGKILL of the daemon and of senders at any instruction, also inside recovery. Every
// line holds a word of its own beside common ones, so that a loss and a duplicate cannot cancel.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/child_process.h"

namespace tidemill::test {

// How often each word was seen.
using Counts = std::map<std::string, std::int64_t>;

// One plain connection: what was written to it, line by line. Lines are recorded in a synced file
// before they are sent.
class PlainFeed {
public:
    // Sends over `fd` until stopped, `lines` are sent or the peer is gone. Owns the descriptor.
    PlainFeed(std::string name, int fd, std::filesystem::path ledger, std::size_t lines,
              unsigned seed);
    ~PlainFeed();
    void stop() { stopping_ = true; }
    const std::string& name() const { return name_; }

private:
    void run();
    const std::string name_;
    const int fd_;
    const std::filesystem::path ledger_;
    const std::size_t lines_;
    std::mt19937 random_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

struct RigOptions {
    unsigned seed = 1;
    bool jsonLines = true;  // an output per batch whose files must be dense
    int deltaKibibytes = 512;  // 24: state is written out inside every batch
    int intervalMillis = 25;
    int checkpointMillis = 150;
};

// A directory with a job in it. Thread safety: externally synchronized.
class WordCountRig {
public:
    explicit WordCountRig(RigOptions options);
    ~WordCountRig();

    const std::filesystem::path& path() const { return path_; }

    // A life of the daemon; environment as for ChildProcess.
    std::unique_ptr<ChildProcess> startDaemon(std::map<std::string, std::string> environment = {},
                                              unsigned workers = 2);
    // Waits until the daemon listens; false when it ended before or did not in time.
    bool awaitListening(ChildProcess& daemon);

    // A sender of a session's file with so many lines; made when first asked for. The sender is to
    // be restarted when it was killed.
    std::unique_ptr<ChildProcess> startSender(const std::string& session, std::size_t lines,
                                              std::uint64_t bytesPerSecond);

    // A plain connection to the listening source; null when nobody listens.
    std::unique_ptr<PlainFeed> connectPlain(std::size_t lines);

    // Ends gracefully on a life without faults, with everything that is still in the sockets.
    void finish(unsigned workers = 2);

    // Compares what is counted with the ledgers; adds GoogleTest failures.
    void check();

    // The exported totals.
    Counts totals() const;
    std::string lastWords() const { return tailOf(errorFile()); }
    std::string errorFile() const { return (path_ / "daemon.err").string(); }
    std::filesystem::path activityFile() const { return path_ / "activity"; }

    // Which activities (core/failpoint.h) were going on when the last daemon was killed.
    std::set<std::string> activitiesAtKill() const;

private:
    void writeJob();
    std::string sessionFile(const std::string& session) const;
    void checkSessions(Counts& expected) const;
    void checkPlain(const Counts& counted, Counts& expected) const;
    void checkOutputs() const;

    const RigOptions options_;
    std::filesystem::path path_;
    std::uint16_t plainPort_ = 0;
    std::uint16_t sessionPort_ = 0;
    std::mt19937 random_;
    std::map<std::string, std::size_t> sessions_;
    int plainFeeds_ = 0;
};

}  // namespace tidemill::test
