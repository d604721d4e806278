// A control group of the machine that limits a process's memory.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace tidemill::test {

// Of version 1 or 2, whichever the machine has; removed when destroyed, after its process has
// ended. Thread safety: externally synchronized.
class MemoryGroup {
public:
    explicit MemoryGroup(std::size_t bytes) {
        namespace fs = std::filesystem;
        const auto name = "tidemill-test-" + std::to_string(::getpid());
        const bool second = fs::exists("/sys/fs/cgroup/cgroup.controllers");
        path_ = fs::path(second ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory") / name;
        std::error_code error;
        fs::create_directory(path_, error);
        limits_ = !error && write(second ? "memory.max" : "memory.limit_in_bytes", bytes);
        // Without it pages go to the swap instead.
        if (second && limits_) write("memory.swap.max", 0);
        events_ = second ? "memory.events" : "memory.oom_control";
    }
    MemoryGroup(const MemoryGroup&) = delete;
    MemoryGroup& operator=(const MemoryGroup&) = delete;
    ~MemoryGroup() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }

    // False: this machine, or this user, has none.
    bool limits() const { return limits_; }
    bool add(pid_t process) { return write("cgroup.procs", static_cast<std::size_t>(process)); }
    // Processes that were killed because they wanted more.
    std::size_t kills() const {
        std::ifstream file(path_ / events_);
        std::string key;
        for (std::size_t value = 0; file >> key >> value;)
            if (key == "oom_kill") return value;
        return 0;
    }

private:
    bool write(const char* file, std::size_t value) const {
        std::ofstream out(path_ / file);
        out << value << std::flush;
        return out.good();
    }

    std::filesystem::path path_;
    std::string events_;
    bool limits_ = false;
};

}  // namespace tidemill::test
