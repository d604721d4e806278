#include "core/handled_signals.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <system_error>

namespace tidemill::core {
namespace {

// Signals that come closer together are one wish.
constexpr std::int64_t kMomentNanos = 300'000'000;
constexpr int kPlaces = 16;
constexpr int kBySignal = -1;

// What the handler reads and writes: lock-free atomics only.
std::array<std::atomic<int>, kPlaces> wakeDescriptors;  // 0: free
std::atomic<std::int64_t> firstNanos = 0;               // 0: none has come
std::atomic<int> exitCodeOfSecond = kBySignal;

std::mutex mutex;  // guards what follows
int living = 0;
struct sigaction before[2];

std::int64_t nowNanos() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Async-signal-safe.
void noteSignal(int signal) {
    const int errnoBefore = errno;
    const std::int64_t now = nowNanos();
    std::int64_t first = 0;
    if (!firstNanos.compare_exchange_strong(first, now) && now - first > kMomentNanos) {
        if (const int code = exitCodeOfSecond; code != kBySignal) ::_exit(code);
        struct sigaction byDefault {};
        byDefault.sa_handler = SIG_DFL;
        ::sigaction(signal, &byDefault, nullptr);
        ::raise(signal);  // delivered as soon as this handler returns
    }
    const std::uint64_t one = 1;
    for (const auto& descriptor : wakeDescriptors)
        if (const int fd = descriptor; fd > 0) (void)!::write(fd, &one, sizeof one);
    errno = errnoBefore;
}

}  // namespace

HandledSignals::HandledSignals(std::optional<int> exitCode) {
    std::lock_guard lock(mutex);
    while (place_ < kPlaces && wakeDescriptors[place_] != 0) ++place_;
    if (place_ == kPlaces) throw std::logic_error("more than 16 at a time wait for stop signals");
    const int made = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    // Never 0, 1 or 2: those may be closed, and what is written to them is somebody's.
    if (made >= 0) descriptor_ = ::fcntl(made, F_DUPFD_CLOEXEC, 3);
    const int error = errno;
    if (made >= 0) ::close(made);
    if (descriptor_ < 0)
        throw std::system_error(error, std::generic_category(), "waiting for stop signals: eventfd");
    wakeDescriptors[place_] = descriptor_;
    exitCodeOfSecond = exitCode.value_or(kBySignal);
    if (living++ != 0) return;
    firstNanos = 0;
    struct sigaction noted {};
    noted.sa_handler = noteSignal;
    noted.sa_flags = SA_RESTART;
    ::sigaction(SIGINT, &noted, &before[0]);
    ::sigaction(SIGTERM, &noted, &before[1]);
}

HandledSignals::~HandledSignals() {
    std::lock_guard lock(mutex);
    if (--living == 0) {
        ::sigaction(SIGINT, &before[0], nullptr);
        ::sigaction(SIGTERM, &before[1], nullptr);
    }
    wakeDescriptors[place_] = 0;
    ::close(descriptor_);
}

bool HandledSignals::wait(int millis) {
    if (requested()) return true;
    pollfd ready{descriptor_, POLLIN, 0};
    if (::poll(&ready, 1, millis) == 1) {
        std::uint64_t count = 0;
        (void)!::read(descriptor_, &count, sizeof count);
    }
    return requested();
}

void HandledSignals::interrupt() {
    const std::uint64_t one = 1;
    (void)!::write(descriptor_, &one, sizeof one);
}

bool HandledSignals::requested() { return firstNanos != 0; }

}  // namespace tidemill::core
