#include "core/stop_signals.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <system_error>

#include "core/log_target.h"
#include "core/logging.h"

namespace tidemill::core {
namespace {

constexpr int kSignals[] = {SIGTERM, SIGINT, SIGHUP};
constexpr std::size_t kStopping = 2;  // of them: always taken
// The same signal again is one request for so long.
constexpr std::int64_t kOneRequestNanos = 1'000'000'000;
constexpr int kPlaces = 16;

// What the handler reads and writes: lock-free atomics only, which are never destroyed. It may run
// in any thread at any time.
std::array<std::atomic<int>, kPlaces> wakeDescriptors;  // 0: free
std::atomic<int> asked = 0;                             // StopSignals::Request
std::atomic<int> firstSignal = 0;
std::atomic<std::int64_t> firstNanos = 0;  // behind firstSignal
std::atomic<int> reporting = 0;            // of those that live, who are told of a second request
std::atomic<bool> hungUp = false;

std::mutex mutex;  // guards what follows
int living = 0;
int takingHangUp = 0;
struct sigaction before[std::size(kSignals)];

std::int64_t nowNanos() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Async-signal-safe.
void noteSignal(int number) {
    const int errnoBefore = errno;
    const std::int64_t now = nowNanos();
    int none = 0;
    if (number == SIGHUP) {
        hungUp = true;
    } else if (firstSignal.compare_exchange_strong(none, number)) {
        firstNanos = now;
        none = 0;
        asked.compare_exchange_strong(none, 1);  // the other one may have come in between
    } else if (firstSignal != number || (firstNanos != 0 && now - firstNanos >= kOneRequestNanos)) {
        asked = 2;
        if (reporting == 0) {
            struct sigaction byDefault {};
            byDefault.sa_handler = SIG_DFL;
            ::sigaction(number, &byDefault, nullptr);
            ::raise(number);  // delivered as soon as this handler returns
        }
    }
    const std::uint64_t one = 1;
    for (const auto& descriptor : wakeDescriptors)
        if (const int fd = descriptor; fd > 0) (void)!::write(fd, &one, sizeof one);
    errno = errnoBefore;
}

sigset_t signalSet() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : kSignals) sigaddset(&set, number);
    return set;
}

void take(std::size_t signal) {
    struct sigaction noted {};
    noted.sa_handler = noteSignal;
    noted.sa_flags = SA_RESTART;
    noted.sa_mask = signalSet();
    ::sigaction(kSignals[signal], &noted, &before[signal]);
}

void giveBack(std::size_t signal) { ::sigaction(kSignals[signal], &before[signal], nullptr); }

}  // namespace

StopSignals::StopSignals(Options options) : options_(options) {
    std::lock_guard lock(mutex);
    while (place_ < kPlaces && wakeDescriptors[place_] != 0) ++place_;
    if (place_ == kPlaces) throw std::logic_error("more than 16 at a time wait for stop signals");
    const int made = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    // Never 0, 1 or 2: those may be closed, and what is written to them is somebody's.
    if (made >= 0) descriptor_ = ::fcntl(made, F_DUPFD_CLOEXEC, 3);
    const int error = errno;
    if (made >= 0) ::close(made);
    if (descriptor_ < 0)
        throw std::system_error(error, std::generic_category(),
                                "waiting for stop signals: eventfd");
    wakeDescriptors[place_] = descriptor_;
    if (options_.reportsSecond) ++reporting;
    if (living++ == 0) {
        asked = firstSignal = 0;
        firstNanos = 0;
        hungUp = false;
        for (std::size_t i = 0; i < kStopping; ++i) take(i);
    }
    if (options_.logsHangUp && takingHangUp++ == 0) take(kStopping);
    letThrough();
}

StopSignals::~StopSignals() {
    std::lock_guard lock(mutex);
    if (options_.logsHangUp && --takingHangUp == 0) giveBack(kStopping);
    if (--living == 0)
        for (std::size_t i = 0; i < kStopping; ++i) giveBack(i);
    if (options_.reportsSecond) --reporting;
    wakeDescriptors[place_] = 0;
    ::close(descriptor_);
}

// What rotates log files sends it.
void StopSignals::hangUp() {
    if (const auto reopened = reopenLog(); !reopened)
        logError("SIGHUP: " + reopened.error().message + "; lines go on into the old one");
    else if (logFile().empty()) logInfo("SIGHUP: goes on; SIGTERM or SIGINT stops it");
    else logInfo("SIGHUP: the log file is opened again; SIGTERM or SIGINT stops the job");
}

StopSignals::Request StopSignals::wait(std::chrono::milliseconds longest, Request than) {
    const auto until = std::chrono::steady_clock::now() + longest;
    for (;;) {
        if (options_.logsHangUp && hungUp.exchange(false)) hangUp();
        const auto request = static_cast<Request>(asked.load());
        if (request > than) return request;
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (longest.count() >= 0 && left.count() <= 0) return request;
        pollfd ready{descriptor_, POLLIN, 0};
        const int timeout = longest.count() < 0
                                ? -1
                                : static_cast<int>(std::min<std::int64_t>(left.count(), 1'000'000));
        if (::poll(&ready, 1, timeout) != 1) continue;
        std::uint64_t count = 0;
        (void)!::read(descriptor_, &count, sizeof count);
        // By interrupt(), unless a signal has come too.
        if (asked.load() <= static_cast<int>(than) && !hungUp)
            return static_cast<Request>(asked.load());
    }
}

void StopSignals::interrupt() {
    const std::uint64_t one = 1;
    (void)!::write(descriptor_, &one, sizeof one);
}

void StopSignals::holdBack() {
    const auto set = signalSet();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void StopSignals::letThrough() {
    const auto set = signalSet();
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace tidemill::core
