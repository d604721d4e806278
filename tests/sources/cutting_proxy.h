// A proxy that cuts connections.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <random>
#include <thread>

#include "tests/support/test_client.h"

namespace tidemill::test {

// Passes bytes between one client at a time and a server, and cuts the connection at random.
class CuttingProxy {
public:
    CuttingProxy(std::uint16_t serverPort, unsigned seed, std::size_t bytesMax)
        : serverPort_(serverPort), random_(seed), bytesMax_(bytesMax), thread_([this] { run(); }) {}
    ~CuttingProxy() {
        ending_ = true;
        thread_.join();
    }
    std::uint16_t port() const { return listener_.port(); }
    int cuts() const { return cuts_; }

private:
    void run() {
        while (!ending_) {
            pollfd ready{listener_.fd(), POLLIN, 0};
            if (::poll(&ready, 1, 10) == 1) serve(listener_.accept());
        }
    }
    void serve(int client) {
        TestClient server(serverPort_);
        std::size_t left = 1 + random_() % bytesMax_;
        bool clientEnded = false;
        while (!ending_ && left != 0) {
            pollfd ready[2] = {{clientEnded ? -1 : client, POLLIN, 0}, {server.fd(), POLLIN, 0}};
            if (::poll(ready, 2, 10) <= 0) continue;
            char bytes[16 << 10];
            if (ready[0].revents != 0) {
                const auto count = ::recv(client, bytes, std::min(sizeof bytes, left), 0);
                if (count < 0) break;
                if (count == 0) {
                    clientEnded = true;
                    server.finishSending();
                    continue;
                }
                left -= static_cast<std::size_t>(count);
                if (!server.send({bytes, static_cast<std::size_t>(count)})) break;
            }
            if (ready[1].revents != 0) {
                const auto count = ::recv(server.fd(), bytes, sizeof bytes, 0);
                if (count <= 0) break;
                if (random_() % 8 == 0) break;  // an answer is lost
                if (::send(client, bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL) < 0) break;
            }
        }
        if (left == 0 && random_() % 2 == 0) server.reset();
        ++cuts_;
        ::close(client);
    }

    const std::uint16_t serverPort_;
    std::mt19937 random_;
    const std::size_t bytesMax_;
    TestServer listener_;
    std::atomic<bool> ending_{false};
    std::atomic<int> cuts_{0};
    std::thread thread_;
};

}  // namespace tidemill::test
