// A proxy between clients and a Kafka broker that holds a request back which ends a transaction:
// the client's connection is cut, so that it asks again, and the broker meets the request later.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tidemill::test {

// Thread safety: thread-safe.
class KafkaProxy {
public:
    // Listens on a free port; `brokerPort` may be said later.
    KafkaProxy();
    ~KafkaProxy();
    std::uint16_t port() const { return port_; }
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    void leadTo(std::uint16_t brokerPort) { brokerPort_ = brokerPort; }

    // The next request to end a transaction is held.
    void holdNext() { hold_ = true; }
    bool holds() const;
    // The broker gets it now.
    void release();

private:
    void listen();
    void serve(int client);
    // Whole requests from client to broker; ends when one is held.
    void requests(int client, int broker);

    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<std::uint16_t> brokerPort_ = 0;
    std::atomic<bool> hold_ = false;
    std::atomic<bool> ends_ = false;
    mutable std::mutex mutex_;
    std::string held_;
    int heldBroker_ = -1;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

}  // namespace tidemill::test
