#include "tests/outputs/kafka_proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <stdexcept>
#include <utility>

namespace tidemill::test {
namespace {

// Numbers of requests.
constexpr int kFetch = 1;
constexpr int kEndTxn = 26;
constexpr std::chrono::milliseconds kHeld{700};
constexpr int kPollMillis = 50;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

bool sendAll(int socket, const char* data, std::size_t size) {
    while (size > 0) {
        const auto sent = ::send(socket, data, size, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        data += sent;
        size -= static_cast<std::size_t>(sent);
    }
    return true;
}

// What is there to be read now; "" with `open` false: the end.
std::string receive(int socket, bool& open) {
    char bytes[65536];
    const auto got = ::recv(socket, bytes, sizeof bytes, 0);
    open = got > 0;
    return open ? std::string(bytes, static_cast<std::size_t>(got)) : std::string();
}

bool readable(int socket) {
    pollfd one{socket, POLLIN, 0};
    return ::poll(&one, 1, kPollMillis) > 0;
}

// The first whole request or answer of `bytes`, which loses it; empty: there is none yet.
std::string takeFrame(std::string& bytes) {
    if (bytes.size() < 4) return {};
    std::uint32_t size = 0;
    for (int i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(bytes[i]);
    if (bytes.size() < 4 + std::size_t{size}) return {};
    auto frame = bytes.substr(0, 4 + std::size_t{size});
    bytes.erase(0, frame.size());
    return frame;
}

int kindOf(const std::string& request) {
    return request.size() < 6 ? -1
                              : static_cast<unsigned char>(request[4]) << 8 |
                                    static_cast<unsigned char>(request[5]);
}

}  // namespace

KafkaProxy::KafkaProxy() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    auto address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::runtime_error("the proxy cannot listen");
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { listen(); });
}

KafkaProxy::~KafkaProxy() {
    ends_ = true;
    acceptor_.join();
    for (auto& thread : threads_) thread.join();
    if (heldBroker_ >= 0) ::close(heldBroker_);
    ::close(listener_);
}

bool KafkaProxy::holds() const {
    const std::lock_guard lock(mutex_);
    return heldBroker_ >= 0;
}

void KafkaProxy::release() {
    const std::lock_guard lock(mutex_);
    (void)sendAll(heldBroker_, held_.data(), held_.size());
}

void KafkaProxy::listen() {
    while (!ends_) {
        if (!readable(listener_)) continue;
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client >= 0) threads_.emplace_back([this, client] { serve(client); });
    }
}

struct KafkaProxy::Connection {
    int client;
    int broker;
    std::string requests{}, answers{};  // not whole yet
    std::deque<int> kinds{};            // of requests whose answers are open, in their order
};

void KafkaProxy::serve(int client) {
    const int broker = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = loopback(brokerPort_);
    Connection both{client, broker};
    if (::connect(broker, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        relay(both);
    ::close(client);
    const std::lock_guard lock(mutex_);
    if (heldBroker_ != broker) ::close(broker);
}

void KafkaProxy::relay(Connection& both) {
    for (bool open = true; open && !ends_;) {
        pollfd ready[] = {{both.client, POLLIN, 0}, {both.broker, POLLIN, 0}};
        if (::poll(ready, 2, kPollMillis) <= 0) continue;
        if (ready[1].revents != 0) {
            both.answers += receive(both.broker, open);
            if (!takeAnswers(both) || !open) return;
        }
        if (ready[0].revents == 0) continue;
        both.requests += receive(both.client, open);
        if (!takeRequests(both)) return;
    }
}

bool KafkaProxy::takeRequests(Connection& both) {
    for (auto request = takeFrame(both.requests); !request.empty();
         request = takeFrame(both.requests)) {
        if (kindOf(request) == kEndTxn && hold_.exchange(false)) {
            const std::lock_guard lock(mutex_);
            held_ = std::move(request);
            heldBroker_ = both.broker;
            return false;
        }
        both.kinds.push_back(kindOf(request));
        if (!sendAll(both.broker, request.data(), request.size())) return false;
    }
    return true;
}

// The broker answers in the order of the requests.
bool KafkaProxy::takeAnswers(Connection& both) {
    for (auto answer = takeFrame(both.answers); !answer.empty(); answer = takeFrame(both.answers)) {
        const int kind = both.kinds.empty() ? -1 : both.kinds.front();
        if (!both.kinds.empty()) both.kinds.pop_front();
        switch (fateOf(kind)) {
            case Fate::kDrop: continue;
            case Fate::kClose: return false;
            case Fate::kCut:
                (void)sendAll(both.client, answer.data(), answer.size() / 2);
                return false;
            case Fate::kHold: std::this_thread::sleep_for(kHeld); break;
            case Fate::kPass: break;
        }
        if (!sendAll(both.client, answer.data(), answer.size())) return false;
    }
    return true;
}

KafkaProxy::Fate KafkaProxy::fateOf(int kind) {
    if (kind != kFetch) return Fate::kPass;
    const std::lock_guard lock(fateMutex_);
    const auto fate = fate_ ? fate_() : Fate::kPass;
    if (fate != Fate::kPass) ++faults_;
    return fate;
}

void KafkaProxy::treatFetches(std::function<Fate()> fate) {
    const std::lock_guard lock(fateMutex_);
    fate_ = std::move(fate);
}

}  // namespace tidemill::test
