// flume.ingest: batches of events as Flume's Avro sinks send them, each answered once its events
// are durable, next to a server by hand that walks through the same events, counts them and keeps
// nothing, by turns.
//
// flume_ingest [--seconds=N] [--connections=N] [--batch=N] [--runs=N] [--json]
#include <poll.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/arguments.h"
#include "bench/forked.h"
#include "bench/loopback.h"
#include "bench/report.h"
#include "bench/request_load.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"

namespace {

namespace fs = std::filesystem;
using namespace tidemill;
using namespace tidemill::bench;

constexpr std::size_t kBodyBytes = 100;
constexpr std::size_t kHandshakeBytes = 16 + 1 + 16 + 1;
constexpr std::size_t kAnswerBytes = 15;  // of all requests but the first, which has 19

[[noreturn]] void forEver() {
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

// Durable: a job that counts the events.
int runEngine(std::uint16_t port, const fs::path& directory) {
    core::setLogLevel(core::LogLevel::kWarning);
    StreamingOptions options;
    options.directory = directory;
    options.interval = std::chrono::milliseconds(250);
    StreamingContext context(options);
    context.flumeStream({.port = port}).count().forEachBatch([](const auto&) {});
    context.start();
    forEver();
}

std::uint32_t bigEndian(const char* at) {
    std::uint32_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return ntohl(value);
}

void append(std::string& bytes, std::uint32_t value) {
    value = htonl(value);
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void appendCount(std::string& bytes, std::size_t count) {
    for (count *= 2; count > 0x7f; count >>= 7) bytes += static_cast<char>((count & 0x7f) | 0x80);
    bytes += static_cast<char>(count);
}

// The server by hand: trusts its peers.
class Plain {
public:
    [[noreturn]] void run(std::uint16_t port) {
        const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
        const int on = 1;
        ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        const auto address = loopback(port);
        if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listener, SOMAXCONN) != 0)
            die("the server by hand could not start");
        std::vector<pollfd> waiting{{listener, POLLIN, 0}};
        std::string piece(64 << 10, '\0');
        for (;;) {
            ::poll(waiting.data(), waiting.size(), -1);
            for (std::size_t i = 1; i < waiting.size(); ++i) {
                if (waiting[i].revents == 0) continue;
                const auto size = ::recv(waiting[i].fd, piece.data(), piece.size(), 0);
                if (size > 0) {
                    auto& peer = peers_[waiting[i].fd];
                    peer.bytes.append(piece.data(), static_cast<std::size_t>(size));
                    serve(waiting[i].fd, peer);
                } else {
                    ::close(waiting[i].fd);
                    peers_.erase(waiting[i].fd);
                    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(i--));
                }
            }
            if (waiting[0].revents == 0) continue;
            const int fd = ::accept(listener, nullptr, nullptr);
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            waiting.push_back({fd, POLLIN, 0});
        }
    }

private:
    struct Peer {
        std::string bytes;
        bool isFirst = true;
    };

    // Requests here have one piece.
    void serve(int fd, Peer& peer) {
        while (peer.bytes.size() >= 12) {
            const std::size_t size = bigEndian(peer.bytes.data() + 8);
            if (peer.bytes.size() < 12 + size) return;
            std::string_view message(peer.bytes);
            message = message.substr(12, size);
            if (peer.isFirst) message.remove_prefix(kHandshakeBytes);
            count(message);
            std::string answer = peer.bytes.substr(0, 4);
            append(answer, 1);
            append(answer, peer.isFirst ? 7 : 3);
            answer += std::string(peer.isFirst ? 7 : 3, '\0');
            peer.isFirst = false;
            sendAll(fd, answer);
            peer.bytes.erase(0, 12 + size);
        }
    }

    void count(std::string_view message) {
        message.remove_prefix(1);
        skipText(message);
        while (const auto block = number(message)) {
            for (std::size_t event = 0; event < block; ++event) {
                while (auto headers = number(message))
                    for (headers *= 2; headers != 0; --headers) skipText(message);
                skipText(message);
                ++events_;
            }
        }
    }
    static std::size_t number(std::string_view& bytes) {
        std::size_t value = 0;
        for (unsigned shift = 0;; shift += 7) {
            const auto next = static_cast<unsigned char>(bytes.front());
            bytes.remove_prefix(1);
            value |= std::size_t{next & 0x7fU} << shift;
            if (next < 0x80) return value >> 1;
        }
    }
    static void skipText(std::string_view& bytes) { bytes.remove_prefix(number(bytes)); }

    std::map<int, Peer> peers_;
    std::uint64_t events_ = 0;
};

std::string requestOf(int events, bool isFirst) {
    std::string message = isFirst ? std::string(kHandshakeBytes, '\0') : std::string();
    message += '\0';
    const std::string name = "appendBatch";
    appendCount(message, name.size());
    message += name;
    appendCount(message, static_cast<std::size_t>(events));
    for (int event = 0; event < events; ++event) {
        appendCount(message, 1);
        for (const std::string_view text : {"host", "web-17"}) {
            appendCount(message, text.size());
            message += text;
        }
        message += '\0';
        appendCount(message, kBodyBytes);
        message += std::string(kBodyBytes, 'x');
    }
    message += '\0';
    std::string frame(4, '\0');
    append(frame, 1);
    append(frame, static_cast<std::uint32_t>(message.size()));
    return frame + message;
}

// Events a second that were answered OK.
double rate(std::uint16_t port, int connections, int batch, double seconds) {
    auto senders = dialSenders(port, connections);
    for (const auto& sender : senders) {
        sendAll(sender.fd, requestOf(1, true));
        for (std::size_t got = 0; got < kAnswerBytes + 4;) {
            char piece[32];
            const auto size = ::recv(sender.fd, piece, sizeof piece, 0);
            if (size <= 0) die("the server ended a connection");
            got += static_cast<std::size_t>(size);
        }
    }
    const auto requests =
        answersPerSecond(senders, requestOf(batch, false), seconds, [](const std::string& answer) {
            if (answer.size() < kAnswerBytes) return false;
            if (answer.back() != '\0') die("a batch was answered FAILED");
            return true;
        });
    return requests * batch;
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 3);
    const double seconds = arguments.number("--seconds", 4);
    const int connections = arguments.number("--connections", 8);
    const int batch = arguments.number("--batch", 100);
    const fs::path work =
        fs::temp_directory_path() / ("flume-ingest-" + std::to_string(::getpid()));
    std::vector<double> events, byHand, ratios;
    const auto measured = [&](const char* what, auto serve) {
        const auto port = freePort();
        const Forked<int> server(what, [&] { return serve(port); });
        const auto result = rate(port, connections, batch, seconds);
        server.kill();
        return result;
    };
    for (int run = 0; run < arguments.runs; ++run) {
        byHand.push_back(
            measured("the server by hand", [](std::uint16_t port) -> int { Plain().run(port); }));
        events.push_back(
            measured("the job", [&](std::uint16_t port) { return runEngine(port, work); }));
        fs::remove_all(work);
        ratios.push_back(events.back() / byHand.back());
    }
    Figure{"flume.ingest", median(events), "events/s",
           median(ratios), median(byHand), {{"connections", connections}, {"batch", batch}},
           ratios}
        .print(arguments.json);
}
