#include "tidemill/stop_signals.h"

#include <semaphore.h>
#include <signal.h>

#include <atomic>
#include <cerrno>
#include <ctime>
#include <stdexcept>

#include "core/logging.h"

namespace tidemill {
namespace {

constexpr int kSignals[] = {SIGTERM, SIGINT, SIGHUP};
// The same signal again is one request for so long.
constexpr std::int64_t kOneRequestMillis = 1000;

// What the handler and the readers share. The handler may run in any thread at any time, also
// while an object is destroyed, so nothing here ever is.
sem_t came;
std::atomic<bool> exists{false};
std::atomic<int> asked{0};           // Request
std::atomic<int> firstSignal{0};
std::atomic<std::int64_t> firstAt{0};  // behind firstSignal
std::atomic<bool> hungUp{false};
struct sigaction before[3];

std::int64_t nowMillis() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// Async-signal-safe: atomics that never lock, clock_gettime and sem_post.
void onSignal(int number) {
    const int error = errno;
    if (number == SIGHUP) {
        hungUp = true;
    } else {
        int none = 0;
        const auto now = nowMillis();
        if (firstSignal.compare_exchange_strong(none, number)) {
            firstAt = now;
            none = 0;
            asked.compare_exchange_strong(none, 1);  // the other one may have come in between
        } else if (firstSignal != number || (firstAt != 0 && now - firstAt >= kOneRequestMillis)) {
            asked = 2;
        }
    }
    ::sem_post(&came);
    errno = error;
}

sigset_t signalSet() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : kSignals) sigaddset(&set, number);
    return set;
}

}  // namespace

StopSignals::StopSignals() {
    if (exists.exchange(true)) throw std::logic_error("StopSignals: there is one already");
    ::sem_init(&came, 0, 0);
    asked = 0;
    firstSignal = 0;
    firstAt = 0;
    hungUp = false;
    struct sigaction action {};
    action.sa_handler = onSignal;
    action.sa_flags = SA_RESTART;
    action.sa_mask = signalSet();
    for (std::size_t i = 0; i < std::size(kSignals); ++i) ::sigaction(kSignals[i], &action, &before[i]);
    letThrough();
}

StopSignals::~StopSignals() {
    for (std::size_t i = 0; i < std::size(kSignals); ++i) ::sigaction(kSignals[i], &before[i], nullptr);
    exists = false;
}

StopSignals::Request StopSignals::wait(std::chrono::milliseconds longest, Request than) {
    timespec until{};
    ::clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += static_cast<time_t>(longest.count() / 1000);
    until.tv_nsec += static_cast<long>(longest.count() % 1000) * 1'000'000;
    if (until.tv_nsec >= 1'000'000'000) {
        ++until.tv_sec;
        until.tv_nsec -= 1'000'000'000;
    }
    for (;;) {
        if (hungUp.exchange(false))
            core::logInfo("SIGHUP: goes on; SIGTERM or SIGINT stops it");
        const auto request = static_cast<Request>(asked.load());
        if (request > than) return request;
        if (::sem_clockwait(&came, CLOCK_MONOTONIC, &until) != 0 && errno != EINTR) {
            return static_cast<Request>(asked.load());
        }
    }
}

void StopSignals::holdBack() {
    const auto set = signalSet();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void StopSignals::letThrough() {
    const auto set = signalSet();
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace tidemill
