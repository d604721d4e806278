#include "tests/crash/plain_feed.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tidemill::test {

std::string makeLine(const std::string& feed, std::size_t number, std::mt19937& random) {
    std::string line = feed + "-" + std::to_string(number);
    for (unsigned i = random() % 6; i != 0; --i)
        // Small numbers far more often than large ones.
        line += " w" + std::to_string(random() % (1 + random() % (1 + random() % 300)));
    if (random() % 50 == 0)
        line += " a-word-of-more-than-fifteen-bytes" + std::to_string(random() % 9);
    return line;
}

PlainFeed::PlainFeed(std::string name, int fd, std::filesystem::path ledger, std::size_t lines,
                     unsigned seed)
    : name_(std::move(name)), fd_(fd), ledger_(std::move(ledger)), lines_(lines), random_(seed) {
    thread_ = std::thread([this] { run(); });
}

PlainFeed::~PlainFeed() {
    stopping_ = true;
    // It may be waiting for a reader that does not read.
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
}

void PlainFeed::run() {
    const int ledger = ::open(ledger_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    std::size_t sent = 0;
    while (!stopping_ && sent < lines_) {
        std::string text;
        for (unsigned i = 1 + random_() % 40; i != 0 && sent < lines_; --i)
            text += makeLine(name_, ++sent, random_) + "\n";
        // In the ledger before anybody can have counted it.
        if (::write(ledger, text.data(), text.size()) < 0 || ::fdatasync(ledger) != 0) break;
        const char* at = text.data();
        std::size_t left = text.size();
        while (left != 0) {
            // Pieces that end anywhere, in the middle of lines too.
            const std::size_t piece = std::min<std::size_t>(left, 1 + random_() % 700);
            const ssize_t count = ::send(fd_, at, piece, MSG_NOSIGNAL);
            if (count <= 0) {
                stopping_ = true;
                break;
            }
            at += count;
            left -= static_cast<std::size_t>(count);
        }
        std::this_thread::sleep_for(std::chrono::microseconds(random_() % 3000));
    }
    ::close(ledger);
    ::shutdown(fd_, SHUT_WR);
}

void DialledFeeds::start(MakeFeed makeFeed) {
    makeFeed_ = std::move(makeFeed);
    thread_ = std::thread([this] {
        std::unique_ptr<PlainFeed> feed;
        while (!stopping_) {
            pollfd ready{server_.fd(), POLLIN, 0};
            if (::poll(&ready, 1, 20) != 1) continue;
            const int fd = ::accept4(server_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
            // The program dials again only when the connection before is gone.
            if (fd >= 0) feed = makeFeed_(fd);
        }
    });
}

void DialledFeeds::stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    server_.close();
}

}  // namespace tidemill::test
