#include "tools/notify_service.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/secrets.h"

namespace tidemill::tools {
namespace {

// A start or stop of a second says nothing of itself.
constexpr std::chrono::seconds kExtendFirst{1};
constexpr std::chrono::seconds kExtendEvery{5};
// Far longer than kExtendEvery: a machine under load must not miss it.
constexpr const char* kExtension = "EXTEND_TIMEOUT_USEC=120000000";

bool hasManager() {
    const char* path = std::getenv("NOTIFY_SOCKET");
    return path != nullptr && *path != '\0';
}

void notify(std::string_view message) {
    const char* path = std::getenv("NOTIFY_SOCKET");
    if (path == nullptr) return;
    const std::size_t length = std::strlen(path);
    sockaddr_un address{};
    if (length == 0 || length >= sizeof address.sun_path) return;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path, length);
    // A name that begins with '@' is in the abstract namespace.
    if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
    // A manager that hangs must not stop the job.
    const timeval longest{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest);
    ::sendto(fd, message.data(), message.size(), MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&address), size);
    ::close(fd);
}

std::optional<std::int64_t> numberIn(const char* name) {
    const char* text = std::getenv(name);
    if (text == nullptr) return std::nullopt;
    std::int64_t number = 0;
    const char* end = text + std::strlen(text);
    const auto [at, error] = std::from_chars(text, end, number);
    if (error != std::errc() || at != end) return std::nullopt;
    return number;
}

// The variable may be inherited from somebody else's service: then WATCHDOG_PID is not us.
std::optional<std::chrono::microseconds> watchdogTime() {
    if (!hasManager()) return std::nullopt;
    const auto micros = numberIn("WATCHDOG_USEC");
    if (!micros || *micros <= 0) return std::nullopt;
    if (std::getenv("WATCHDOG_PID") != nullptr && numberIn("WATCHDOG_PID") != ::getpid())
        return std::nullopt;
    return std::chrono::microseconds(*micros);
}

}  // namespace

ServiceManager::ServiceManager() : watchdog_(watchdogTime()) {}

ServiceManager::~ServiceManager() { stopExtending(); }

void ServiceManager::starting(std::function<bool()> getsOn) {
    extend("starting", std::move(getsOn));
}

void ServiceManager::ready() {
    stopExtending();
    batchesChanged_ = Clock::now();
    notify("READY=1");
}

void ServiceManager::stopping() {
    notify("STOPPING=1");
    extend("stopping: processing what was received", [] { return true; });
}

void ServiceManager::status(std::string_view line) {
    std::lock_guard lock(mutex_);
    status_ = core::withoutSecrets(line);
    notify("STATUS=" + status_);
}

void ServiceManager::extend(const char* what, std::function<bool()> getsOn) {
    if (!hasManager()) return;
    stopExtending();
    std::lock_guard lock(mutex_);
    status_ = what;
    extending_ = true;
    thread_ = std::thread([this, getsOn = std::move(getsOn)] {
        std::unique_lock wait(mutex_);
        auto next = Clock::now() + kExtendFirst;
        while (!changed_.wait_until(wait, next, [this] { return !extending_; })) {
            wait.unlock();
            const bool extends = getsOn();
            wait.lock();
            if (extends) notify(std::string(kExtension) + "\nSTATUS=" + status_);
            next = Clock::now() + kExtendEvery;
        }
    });
}

void ServiceManager::stopExtending() {
    {
        std::lock_guard lock(mutex_);
        extending_ = false;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

bool ServiceManager::wantsSign() { return watchdog_ && Clock::now() - signSent_ >= *watchdog_ / 4; }

void ServiceManager::alive(std::uint64_t batches, std::chrono::milliseconds interval) {
    if (!watchdog_) return;
    const auto now = Clock::now();
    if (batches != batches_) batchesChanged_ = now;
    batches_ = batches;
    if (now - batchesChanged_ > interval + *watchdog_) return;
    signSent_ = now;
    notify("WATCHDOG=1");
}

}  // namespace tidemill::tools
