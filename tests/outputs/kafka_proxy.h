// A proxy between clients and a Kafka broker. It can hold a request back which ends a transaction:
// the client's connection is cut, so that it asks again, and the broker meets the request later. And
// it can drop, cut and hold the answers to fetches.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
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

    enum class Fate {
        kPass,
        kDrop,   // it never comes; the connection goes on
        kCut,    // half of it comes, and the connection ends
        kHold,   // it comes later, with what is behind it
        kClose,  // the connection ends instead
    };
    // Asked for each answer to a fetch, by one thread of the proxy at a time.
    void treatFetches(std::function<Fate()> fate);
    // So many answers did not pass at once.
    std::uint64_t faults() const { return faults_; }

private:
    void listen();
    void serve(int client);
    struct Connection;
    // Whole requests and answers, until one says that it ends.
    void relay(Connection& both);
    bool takeRequests(Connection& both);
    bool takeAnswers(Connection& both);
    Fate fateOf(int kind);

    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<std::uint16_t> brokerPort_ = 0;
    std::atomic<bool> hold_ = false;
    std::atomic<bool> ends_ = false;
    std::atomic<std::uint64_t> faults_ = 0;
    std::mutex fateMutex_;
    std::function<Fate()> fate_;
    mutable std::mutex mutex_;
    std::string held_;
    int heldBroker_ = -1;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

}  // namespace tidemill::test
