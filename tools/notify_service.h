// What the service manager that started the process (systemd) is told of its start, its end and
// its life between. Protocol: sd_notify(3).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace tidemill::tools {

// Does nothing without $NOTIFY_SOCKET. Thread safety: status() is thread-safe, the rest confined to
// the thread that starts and stops the job.
class ServiceManager {
public:
    ServiceManager();
    ~ServiceManager();
    ServiceManager(const ServiceManager&) = delete;
    ServiceManager& operator=(const ServiceManager&) = delete;

    // The start, or the stop, has begun and may take longer than the unit allows: from the first
    // second until ready(), or until the end, the time limit is extended every 5 s; a start's only
    // while getsOn(), which is called then, says so. A stop's length is for the time limit to judge:
    // the watchdog gets its sign meanwhile.
    void starting(std::function<bool()> getsOn);
    void ready();
    // The start has failed: getsOn() is not called any more when it returns.
    void failed() { stopExtending(); }
    void stopping();

    // What `systemctl status` shows.
    void status(std::string_view line);

    // Whether alive() should be called now: a watchdog is set (WatchdogSec=) and wants a sign.
    bool wantsSign();
    // `progress` grows as long as the job gets on, by a batch every `interval` at least. The
    // watchdog gets its sign as long as the last change of `progress` is younger than `interval`
    // and the watchdog's own time together: a job that is stuck is restarted. While the job is
    // `atPeer`, nothing is expected of it.
    void alive(std::uint64_t progress, std::chrono::milliseconds interval, bool atPeer = false);

private:
    using Clock = std::chrono::steady_clock;
    void extend(const char* what, std::function<bool()> getsOn,
                std::optional<std::chrono::microseconds> signsEvery);
    void stopExtending();

    std::optional<std::chrono::microseconds> watchdog_;
    std::uint64_t progress_ = 0;
    Clock::time_point progressChanged_{};
    Clock::time_point signSent_{};

    std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    std::string status_;
    bool extending_ = false;
    std::thread thread_;
};

}  // namespace tidemill::tools
