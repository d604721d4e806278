// A part of a benchmark in a process of its own, so that its CPU time is its own, and so that it
// can be killed. What the benchmark itself holds in memory at the fork is in the child's memory
// too.
#pragma once

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <type_traits>

#include "bench/process.h"

namespace tidemill::bench {

// A fork copies one thread and the locks of all: a child of a process with threads may wait for
// ever (RocksDB's outlive their database). So a benchmark does in children whatever starts threads.
inline void requireNoThreads(const std::string& what) {
    using Tasks = std::filesystem::directory_iterator;
    if (std::distance(Tasks("/proc/self/task"), Tasks()) != 1)
        die("this process has threads, so it must not fork " + what);
}

// Runs a function in a child of this process and hands its result over. Fork before there are
// threads. Thread safety: externally synchronized.
template <class R>
class Forked {
    static_assert(std::is_trivially_copyable_v<R>, "the result goes through a pipe");

public:
    template <class F>
    Forked(std::string what, F run) : what_(std::move(what)) {
        requireNoThreads(what_);
        int ends[2];
        if (::pipe(ends) != 0) die("no pipe");
        pid_ = ::fork();
        if (pid_ < 0) die("no process for " + what_);
        if (pid_ == 0) {
            ::close(ends[0]);
            const R result = run();
            if (::write(ends[1], &result, sizeof result) != sizeof result) ::_exit(1);
            std::cout.flush();
            ::_exit(0);
        }
        ::close(ends[1]);
        result_ = ends[0];
    }
    ~Forked() { ::close(result_); }
    Forked(const Forked&) = delete;
    Forked& operator=(const Forked&) = delete;

    pid_t pid() const { return pid_; }

    // Waits for its end; one that failed ends the benchmark.
    R await() {
        R result{};
        if (::read(result_, &result, sizeof result) != sizeof result)
            die(what_ + " gave no result");
        usage_ = awaitChild(pid_, what_);
        return result;
    }
    // What it used, once it was awaited.
    const Usage& usage() const { return usage_; }

    // SIGKILL, and waits until it is gone.
    void kill() const {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

private:
    const std::string what_;
    pid_t pid_ = -1;
    int result_ = -1;
    Usage usage_;
};

}  // namespace tidemill::bench
