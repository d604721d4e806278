// Tells that something has changed in directories, where the system can (inotify). Only a hint: who
// waits looks at the files anyway.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace tidemill::sources::follow {

// Thread safety: confined to one thread, but for wake().
class DirectoryWakes {
public:
    DirectoryWakes();
    ~DirectoryWakes();
    DirectoryWakes(const DirectoryWakes&) = delete;
    DirectoryWakes& operator=(const DirectoryWakes&) = delete;

    static constexpr std::size_t kDirectoriesMax = 1'000;

    // Those that are watched from now on, and no others.
    void watch(const std::vector<std::string>& directories);
    // Until something changes in one of them, wake() is called, or `longest` is over.
    void wait(std::chrono::milliseconds longest);
    void wake();

private:
    int inotify_ = -1;
    int wake_ = -1;
    std::map<std::string, int> watched_;
};

}  // namespace tidemill::sources::follow
