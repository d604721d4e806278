// The rig of the crash tests: the real program on a word count with tiny budgets, senders of every
// kind, an fsynced ledger of what was sent, and the comparison at the end.
//
// Fault model: SIGKILL of the daemon and of senders at any instruction, also inside recovery. Every
// line holds a word of its own beside common ones, so that a loss and a duplicate cannot cancel.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/crash/plain_feed.h"
#include "tests/support/child_process.h"

namespace tidemill::test {

// How often each word was seen.
using Counts = std::map<std::string, std::int64_t>;

struct RigOptions {
    unsigned seed = 1;
    int deltaKibibytes = 512;  // 24: state is written out inside every batch
    // Longer than what fits into 64 KiB of receive budget takes to come: then it waits in the log.
    int intervalMillis = 25;
    int batchKibibytes = 16;
    int checkpointMillis = 150;
    // Where the data directory and the outputs are; empty: beside the job.
    std::filesystem::path disk{};
};

// A directory with a job in it. The job has three channels: plain connections that are accepted,
// plain connections that are dialled, acknowledged sessions; each is counted into a state table of
// its own, and into one file for every batch. Thread safety: externally synchronized.
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

    // The file of a session with so many lines, one word each of its own; made when first asked
    // for. All of them are to be counted in the end.
    std::string sessionFile(const std::string& session, std::size_t lines);
    std::uint16_t sessionPort() const { return sessionPort_; }

    // A sender of a session's file with so many lines; made when first asked for. The sender is to
    // be restarted when it was killed.
    std::unique_ptr<ChildProcess> startSender(const std::string& session, std::size_t lines,
                                              std::uint64_t bytesPerSecond);

    // A plain connection to the listening source; null when nobody listens.
    std::unique_ptr<PlainFeed> connectPlain(std::size_t lines);

    // From now on the daemon dials in vain.
    void stopDialled() { dialled_.stop(); }

    // The same job on a copy of the data directory and the outputs, for a daemon without input.
    // None may be running; call stopDialled() before.
    std::unique_ptr<WordCountRig> copy() const;

    // Ends gracefully on a life without faults, with everything that is still in the sockets.
    void finish(unsigned workers = 2);

    // Compares what is counted, and what is in the outputs, with the ledgers; adds GoogleTest
    // failures. Of a plain connection a prefix must be counted, of a session every line; without
    // `sessionsComplete` a prefix of a session will do.
    void check(bool sessionsComplete = true) const;

    // The exported totals of all channels.
    Counts totals() const;
    // The outputs: channel and batch, and what its file holds.
    std::map<std::string, Counts> outputs() const;

    std::string lastWords() const { return tailOf(errorFile()); }
    std::string errorFile() const { return (path_ / "daemon.err").string(); }
    std::filesystem::path activityFile() const { return path_ / "activity"; }

    std::filesystem::path dataDirectory() const { return disk() / "data"; }

    // `tidemill savepoint make NAME`, while it goes on.
    std::unique_ptr<ChildProcess> makeSavepoint(const std::string& name) const;
    // The exit code of a fork of it, which reads every byte, and is removed again.
    int forkOf(const std::string& savepoint) const;

    // Which activities (core/failpoint.h) were going on when the last daemon was killed.
    std::set<std::string> activitiesAtKill() const;

private:
    struct Channel;
    static const std::vector<Channel>& channels();

    WordCountRig(const WordCountRig& other, std::string directory);
    static std::string makeDirectory(const std::filesystem::path& parent);
    void writeJob() const;
    std::filesystem::path disk() const { return options_.disk.empty() ? path_ : options_.disk; }
    std::filesystem::path ledger(const std::string& feed) const { return ledgers_ / feed; }
    std::unique_ptr<PlainFeed> feedPlain(char kind, int fd, std::size_t lines);
    Counts totals(const Channel& channel) const;
    void check(const Channel& channel, bool complete) const;
    std::string whereToLook() const;

    const RigOptions options_;
    std::filesystem::path path_;
    // On another file system where there is one.
    std::filesystem::path ledgers_;
    bool ownsLedgers_ = true;
    std::uint16_t plainPort_ = 0;
    std::uint16_t sessionPort_ = 0;
    std::uint16_t dialledPort_ = 0;
    std::map<std::string, std::size_t> sessions_;

    mutable std::mutex mutex_;  // the dialled feeds begin on a thread of their own
    std::mt19937 random_;
    std::map<char, std::vector<std::string>> feeds_;  // by kind: s session, p plain, d dialled

    DialledFeeds dialled_;
};

}  // namespace tidemill::test
