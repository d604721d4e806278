// What systemd listens on, for tests of what a daemon tells it.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace tidemill::test {

// Thread safety: externally synchronized.
class NotifySocket {
public:
    explicit NotifySocket(std::string path) : path_(std::move(path)) {
        fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
        EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    ~NotifySocket() { ::close(fd_); }
    const std::string& path() const { return path_; }

    // The next message; empty when none comes in time.
    std::string next(std::chrono::milliseconds longest = std::chrono::seconds(30)) {
        pollfd ready{fd_, POLLIN, 0};
        if (::poll(&ready, 1, static_cast<int>(longest.count())) != 1) return "";
        char text[4096];
        const auto size = ::recv(fd_, text, sizeof text, 0);
        return std::string(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    }
    // All messages up to the one that begins with `first`, which comes last.
    std::vector<std::string> until(const std::string& first) {
        std::vector<std::string> all;
        do all.push_back(next());
        while (!all.back().empty() && !all.back().starts_with(first));
        return all;
    }

private:
    std::string path_;
    int fd_ = -1;
};

}  // namespace tidemill::test
