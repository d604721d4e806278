#include "sources/follow/directory_wakes.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace tidemill::sources::follow {

DirectoryWakes::DirectoryWakes()
    : inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

DirectoryWakes::~DirectoryWakes() {
    if (inotify_ >= 0) ::close(inotify_);
    if (wake_ >= 0) ::close(wake_);
}

void DirectoryWakes::watch(const std::vector<std::string>& directories) {
    if (inotify_ < 0) return;
    std::erase_if(watched_, [&](const auto& watched) {
        if (std::find(directories.begin(), directories.end(), watched.first) != directories.end())
            return false;
        ::inotify_rm_watch(inotify_, watched.second);
        return true;
    });
    constexpr std::uint32_t kChanges =
        IN_MODIFY | IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR;
    // The same directory gives the same number again; a limit of the system is no error: looks go
    // on.
    for (const auto& directory : directories)
        if (const int added = ::inotify_add_watch(inotify_, directory.c_str(), kChanges);
            added >= 0)
            watched_[directory] = added;
}

void DirectoryWakes::wait(std::chrono::milliseconds longest) {
    std::array<pollfd, 2> waited{{{wake_, POLLIN, 0}, {inotify_, POLLIN, 0}}};
    const nfds_t count = inotify_ < 0 ? 1 : 2;
    if (::poll(waited.data(), count, static_cast<int>(longest.count())) <= 0) return;
    std::array<char, 64 << 10> events;
    if (inotify_ >= 0)
        while (::read(inotify_, events.data(), events.size()) > 0) continue;
    std::uint64_t wakes = 0;
    [[maybe_unused]] const auto read = ::read(wake_, &wakes, sizeof wakes);
}

void DirectoryWakes::wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

}  // namespace tidemill::sources::follow
