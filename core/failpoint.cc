#include "core/failpoint.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "core/check.h"

namespace tidemill::core {
namespace {

// clang-format off
constexpr std::array kNames = std::to_array<std::string_view>({
    "recv.afterRead",         "recv.midLine",          "wal.beforeAppend",
    "wal.midAppend",          "wal.afterAppend",       "wal.afterFsync",
    "ack.beforeSend",         "ack.afterSend",         "wal.rotate.afterCreate",
    "wal.rotate.beforeDirSync", "batch.beforeRecord",  "batch.afterRecordSync",
    "batch.midRun",           "sink.afterPrepare",     "sink.beforeRename",
    "sink.afterCommit",       "ckpt.afterFreeze",      "ckpt.afterSst",
    "ckpt.afterIngest",       "ckpt.midLink",          "ckpt.afterManifest",
    "ckpt.beforeRename",      "ckpt.beforeDirSync",    "trim.beforeUnlink",
    "trim.mid",               "recover.afterScan",     "recover.afterCopy",
    "recover.afterRename",    "recover.afterDirSync",  "recover.afterCut",
    "recover.clone",          "recover.midReplay",     "delta.afterIngest",
    "session.afterTakeover",  "generation.midRemove",  "shutdown.mid",
    "savepoint.midLink",      "savepoint.beforeRename", "savepoint.beforeDirSync",
    "kafka.afterInit",        "kafka.afterMark",       "kafka.afterRead",
    "kafka.afterDecide",      "kafka.afterBegin",      "kafka.afterSend",
    "kafka.beforeCommit",     "kafka.afterCommit",     "sql.afterConnect",
    "sql.afterBegin",         "sql.afterRows",         "sql.beforeCommit",
    "sql.afterCommit",
});
// clang-format on

struct Armed {
    enum class Action { kKill, kError, kNoSpace, kDelay } action = Action::kKill;
    long atPassing = 1;
    int delayMillis = 0;
    long passed = 0;
};

class Registry {
public:
    Registry() {
        if (const char* text = std::getenv("TIDEMILL_FAILPOINT")) parse(text);
    }

    bool empty() const { return armed_.empty(); }

    Result<> reach(std::string_view name) {
        std::unique_lock lock(mutex_);
        const auto found = armed_.find(name);
        if (found == armed_.end()) return {};
        Armed& point = found->second;
        ++point.passed;
        if (point.action == Armed::Action::kDelay) {
            const auto pause = std::chrono::milliseconds(point.delayMillis);
            lock.unlock();
            std::this_thread::sleep_for(pause);
            return {};
        }
        if (point.passed != point.atPassing) return {};
        switch (point.action) {
            case Armed::Action::kKill:
                ::kill(::getpid(), SIGKILL);
                ::pause();
                break;
            case Armed::Action::kNoSpace:
                return failErrno(ENOSPC, "failpoint " + std::string(name));
            default: break;
        }
        return failErrno(EIO, "failpoint " + std::string(name));
    }

private:
    [[noreturn]] static void refuse(std::string_view entry, const char* why) {
        std::fprintf(stderr, "tidemill: TIDEMILL_FAILPOINT: %s: \"%.*s\"\n", why,
                     static_cast<int>(entry.size()), entry.data());
        std::exit(64);
    }

    void parse(std::string_view text) {
        while (!text.empty()) {
            const auto comma = text.find(',');
            parseEntry(text.substr(0, comma));
            text = comma == text.npos ? std::string_view() : text.substr(comma + 1);
        }
    }

    void parseEntry(std::string_view entry) {
        const auto first = entry.find(':');
        if (first == entry.npos) refuse(entry, "no action");
        const std::string_view name = entry.substr(0, first);
        bool known = false;
        for (auto candidate : kNames) known = known || candidate == name;
        if (!known) refuse(entry, "no such point");
        std::string_view action = entry.substr(first + 1);
        Armed point;
        if (const auto second = action.find(':'); second != action.npos) {
            const auto number = action.substr(second + 1);
            std::from_chars(number.data(), number.data() + number.size(), point.atPassing);
            action = action.substr(0, second);
        }
        if (action == "kill") {
            point.action = Armed::Action::kKill;
        } else if (action == "error") {
            point.action = Armed::Action::kError;
        } else if (action == "nospace") {
            point.action = Armed::Action::kNoSpace;
        } else if (action.starts_with("delay=")) {
            point.action = Armed::Action::kDelay;
            const auto number = action.substr(6);
            std::from_chars(number.data(), number.data() + number.size(), point.delayMillis);
        } else {
            refuse(entry, "no such action");
        }
        armed_[std::string(name)] = point;
    }

    std::mutex mutex_;
    std::map<std::string, Armed, std::less<>> armed_;
};

Registry& registry() {
    static Registry instance;
    return instance;
}

// One counter per Activity, shared with whoever maps the same file.
std::atomic<unsigned char>* activityCounters() {
    static std::atomic<unsigned char>* counters = []() -> std::atomic<unsigned char>* {
        const char* path = std::getenv("TIDEMILL_ACTIVITY_FILE");
        if (path == nullptr) return nullptr;
        const int fd = ::open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || ::ftruncate(fd, 4096) != 0) return nullptr;
        void* mapped = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ::close(fd);
        return mapped == MAP_FAILED ? nullptr : static_cast<std::atomic<unsigned char>*>(mapped);
    }();
    return counters;
}

}  // namespace

std::span<const std::string_view> failpointNames() { return kNames; }

namespace failpoint {

std::atomic<bool> armed{std::getenv("TIDEMILL_FAILPOINT") != nullptr};

Result<> reachArmed(std::string_view name) {
    bool known = false;
    for (auto candidate : kNames) known = known || candidate == name;
    TM_CHECK(known, "a failpoint is not in the list of failpoints");
    return registry().reach(name);
}

}  // namespace failpoint

std::string_view activityName(Activity activity) {
    constexpr std::array names = std::to_array<std::string_view>(
        {"receive", "log", "batch", "ingest", "checkpoint", "trim", "recovery"});
    return names.at(static_cast<std::size_t>(activity));
}

ActivityScope::ActivityScope(Activity activity) noexcept : activity_(activity) {
    if (auto* counters = activityCounters()) counters[static_cast<int>(activity_)]++;
}

ActivityScope::~ActivityScope() {
    if (auto* counters = activityCounters()) counters[static_cast<int>(activity_)]--;
}

}  // namespace tidemill::core
