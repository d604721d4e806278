// Requests over connections that stay open: each connection sends its next one when the one before
// was answered. What fails ends the benchmark.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/loopback.h"

namespace tidemill::bench {

struct RequestSender {
    int fd = -1;
    std::size_t sent = 0;
    std::string answer;

    // True when the request was answered. `isWhole(answer)`: all of the answer is there.
    template <class IsWhole>
    bool go(std::string_view request, const IsWhole& isWhole) {
        if (sent < request.size()) {
            const auto count = ::send(fd, request.data() + sent, request.size() - sent,
                                      MSG_NOSIGNAL | MSG_DONTWAIT);
            if (count > 0) sent += static_cast<std::size_t>(count);
            else if (errno != EAGAIN) die("the server does not take what is sent");
        }
        char piece[4096];
        const auto count = ::recv(fd, piece, sizeof piece, MSG_DONTWAIT);
        if (count == 0 || (count < 0 && errno != EAGAIN)) die("the server ended a connection");
        if (count > 0) answer.append(piece, static_cast<std::size_t>(count));
        if (!isWhole(answer)) return false;
        answer.clear();
        sent = 0;
        return true;
    }
};

// Connections to a server that may still be starting.
inline std::vector<RequestSender> dialSenders(std::uint16_t port, int connections) {
    for (int i = 0; i < 500; ++i) {
        if (const int fd = tryDial(port); fd >= 0) {
            ::close(fd);
            break;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    std::vector<RequestSender> senders(static_cast<std::size_t>(connections));
    for (auto& sender : senders) sender.fd = dial(port);
    return senders;
}

// Requests a second that were answered, after half a second that is not counted. Closes the
// connections.
template <class IsWhole>
double answersPerSecond(std::vector<RequestSender>& senders, std::string_view request,
                        double seconds, const IsWhole& isWhole) {
    using Clock = std::chrono::steady_clock;
    const auto since = [](Clock::time_point begin) {
        return std::chrono::duration<double>(Clock::now() - begin).count();
    };
    std::vector<pollfd> waiting;
    for (const auto& sender : senders) waiting.push_back({sender.fd, 0, 0});
    std::uint64_t answered = 0;
    auto begin = Clock::now();
    bool isWarm = false;
    for (;;) {
        const double passed = since(begin);
        if (!isWarm && passed >= 0.5) {
            isWarm = true;
            begin = Clock::now();
            answered = 0;
        } else if (isWarm && passed >= seconds) {
            break;
        }
        for (std::size_t i = 0; i < senders.size(); ++i) {
            if (waiting[i].revents != 0 || senders[i].sent == 0)
                while (senders[i].go(request, isWhole)) ++answered;
            waiting[i].events =
                static_cast<short>(POLLIN | (senders[i].sent < request.size() ? POLLOUT : 0));
        }
        ::poll(waiting.data(), waiting.size(), 100);
    }
    const double all = since(begin);
    for (const auto& sender : senders) ::close(sender.fd);
    return static_cast<double>(answered) / all;
}

}  // namespace tidemill::bench
