// A job that is fed while it is killed and started again, or while nothing disturbs it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/error.h"
#include "tools/kill_test/feed.h"
#include "tools/kill_test/process.h"

namespace tidemill::tools {

// How a job is run so that it can be tested.
struct TestedJob {
    std::vector<std::string> arguments;
    std::filesystem::path directory;  // the working directory; empty: this one
    std::filesystem::path data;       // its data directory
    std::filesystem::path log;        // where its messages go
    // A listen_acknowledged source of it for each feed, on this machine.
    std::vector<std::uint16_t> ports;
    std::chrono::milliseconds interval{1000};  // of its batches, about
};

struct KillCounts {
    std::uint64_t kills = 0;
    std::uint64_t whileRecovering = 0;                 // of them
    std::vector<std::chrono::milliseconds> recovered;  // from each start to its first connection
};

// Thread safety: externally synchronized.
class Lives {
public:
    using Progress = std::function<void(const std::string&)>;
    Lives(TestedJob job, std::string program, const std::vector<Feed>& feeds, Progress progress)
        : job_(std::move(job)),
          program_(std::move(program)),
          feeds_(feeds),
          progress_(std::move(progress)) {}

    // Takes all pieces, waiting `between` them, and stops gracefully. Errors: kIo, the job or a
    // sender has ended by itself; its last messages are said.
    core::Result<> undisturbed(std::chrono::milliseconds between);

    // A round for each piece: while it is sent, the job is killed at a random moment, within about
    // the time that it takes, and started again; sometimes while that is still under way. Stops
    // gracefully in the end.
    core::Result<KillCounts> killed(std::mt19937_64& random);

    // How long a piece took at most in undisturbed().
    std::chrono::milliseconds pieceTook() const { return pieceTook_; }
    void expectPieceTakes(std::chrono::milliseconds time) { pieceTook_ = time; }

private:
    using Senders = std::vector<std::unique_ptr<Process>>;
    core::Result<> start();
    core::Result<std::chrono::milliseconds> awaitListening();
    bool listens() const;
    core::Result<Senders> send(std::size_t piece);
    core::Result<> awaitSent(Senders& senders);
    core::Result<> kill();
    core::Result<> stop();
    core::Error endedByItself(const std::string& what, int how,
                              const std::filesystem::path& log) const;
    std::filesystem::path sendersLog() const { return job_.log.string() + ".send"; }

    const TestedJob job_;
    const std::string program_;  // tidemill itself
    const std::vector<Feed>& feeds_;
    const Progress progress_;
    std::unique_ptr<Process> process_;
    std::chrono::milliseconds pieceTook_{0};
};

}  // namespace tidemill::tools
