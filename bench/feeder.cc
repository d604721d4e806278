// feeder PORT FILE [LINES_PER_SECOND=0 (as fast as it is read)] [REPEAT=1]
//
// Listens on 127.0.0.1:PORT, sends FILE, REPEAT times, to the first connection and ends it. Prints
// a line of JSON: bytes sent, wall clock of the first and the last byte the kernel took.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kWriteBytes = 256 << 10;

double wallSeconds() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

std::string_view mapFile(const char* path) {
    const int file = open(path, O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0) fail(path);
    const auto size = static_cast<std::size_t>(status.st_size);
    void* memory = mmap(nullptr, size, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
    if (memory == MAP_FAILED) fail(path);
    return {static_cast<const char*>(memory), size};
}

int acceptOne(int port) {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind");
    if (listen(listener, 8) != 0) fail("listen");
    const int peer = accept(listener, nullptr, nullptr);
    if (peer < 0) fail("accept");
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return peer;
}

// Sends each line at its due time when there is a rate.
class Feed {
public:
    Feed(int peer, double linesPerSecond) : peer_(peer), linesPerSecond_(linesPerSecond) {}

    // False when the peer is gone.
    bool send(std::string_view text) {
        while (!text.empty()) {
            const std::size_t size =
                linesPerSecond_ > 0 ? nextLine(text) : std::min(kWriteBytes, text.size());
            const ssize_t written = write(peer_, text.data(), size);
            if (written < 0) return false;
            text.remove_prefix(static_cast<std::size_t>(written));
            sentBytes_ += static_cast<std::size_t>(written);
        }
        return true;
    }
    std::size_t sentBytes() const { return sentBytes_; }

private:
    std::size_t nextLine(std::string_view text) {
        const std::chrono::duration<double> due(static_cast<double>(lines_++) / linesPerSecond_);
        std::this_thread::sleep_until(start_ + std::chrono::duration_cast<Clock::duration>(due));
        const auto newline = text.find('\n');
        return newline == text.npos ? text.size() : newline + 1;
    }

    int peer_;
    double linesPerSecond_;
    Clock::time_point start_ = Clock::now();
    std::size_t lines_ = 0;
    std::size_t sentBytes_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
    if (count < 3) {
        std::fprintf(stderr, "usage: feeder PORT FILE [LINES_PER_SECOND] [REPEAT]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    const std::string_view text = mapFile(arguments[2]);
    const int repeats = count > 4 ? std::atoi(arguments[4]) : 1;
    const int peer = acceptOne(std::atoi(arguments[1]));

    const double first = wallSeconds();
    Feed feed(peer, count > 3 ? std::atof(arguments[3]) : 0);
    for (int i = 0; i < repeats; ++i)
        if (!feed.send(text)) {
            std::perror("write");
            break;
        }
    const double last = wallSeconds();
    shutdown(peer, SHUT_WR);
    char ignored[4096];
    while (read(peer, ignored, sizeof ignored) > 0) {
    }
    std::printf("{\"bytes\":%zu,\"first\":%.3f,\"last\":%.3f,\"seconds\":%.3f}\n", feed.sentBytes(),
                first, last, last - first);
}
