#include "tools/control/control_socket.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/read_until.hpp>
#include <asio/steady_timer.hpp>
#include <asio/streambuf.hpp>
#include <asio/write.hpp>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>
#include <utility>

#include "core/logging.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;
using Protocol = asio::local::stream_protocol;

namespace {

constexpr std::size_t kRequestBytesMax = 4096;
constexpr std::size_t kAnswerBytesMax = 16 << 20;
constexpr std::size_t kClientsMax = 64;
constexpr std::chrono::seconds kClientTime{5};
constexpr std::chrono::milliseconds kLookEvery{100};
// While the data directory is not this process's yet.
constexpr std::chrono::milliseconds kLookEveryAtFirst{10};

// Closed at the end of its life.
class Descriptor {
public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

private:
    int fd_;
};

// A path to DIR/CONTROL of any length fits into an address by way of the open directory.
std::string addressIn(int directory) {
    return "/proc/self/fd/" + std::to_string(directory) + "/" + kControlName;
}

Descriptor openDirectory(const std::string& path) {
    return Descriptor(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

// The process that LOCK names.
std::optional<pid_t> holderOf(const std::string& directory) {
    std::ifstream file(std::filesystem::path(directory) / "LOCK");
    pid_t holder = 0;
    if (!(file >> holder) || holder <= 0) return std::nullopt;
    return holder;
}

}  // namespace

class ControlServer::Impl {
public:
    Impl(std::string directory, Answers answers, std::function<void()> everySecond)
        : directory_(std::move(directory)),
          answers_(std::move(answers)),
          everySecond_(std::move(everySecond)),
          timer_(io_) {
        look();
        thread_ = std::thread([this] { io_.run(); });
        pthread_setname_np(thread_.native_handle(), "tm-control");
    }

    ~Impl() {
        io_.stop();
        thread_.join();
        if (acceptor_ && isOurs()) ::unlinkat(opened_.get(), kControlName, 0);
    }

private:
    struct Client {
        explicit Client(asio::io_context& io) : socket(io), timer(io) {}
        Protocol::socket socket;
        asio::steady_timer timer;
        asio::streambuf request{kRequestBytesMax};
        std::string answer;
    };

    void look() {
        if (const auto now = std::chrono::steady_clock::now(); now >= nextSecond_) {
            nextSecond_ = now + std::chrono::seconds(1);
            everySecond_();
            if (acceptor_ && !isOurs()) acceptor_.reset();
        }
        if (!acceptor_ && holderOf(directory_) == ::getpid()) listen();
        timer_.expires_after(acceptor_ ? kLookEvery : kLookEveryAtFirst);
        timer_.async_wait([this](const asio::error_code& error) {
            if (!error) look();
        });
    }

    // Whether the name still leads to the socket that was made here.
    bool isOurs() const {
        struct stat there {};
        return ::fstatat(opened_.get(), kControlName, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
               there.st_ino == inode_;
    }

    void listen() {
        opened_ = openDirectory(directory_);
        if (!opened_) return sayOnce("opening the data directory", errno);
        // What an earlier process left; this one has the lock.
        ::unlinkat(opened_.get(), kControlName, 0);
        acceptor_.emplace(io_);
        asio::error_code error;
        acceptor_->open(Protocol(), error);
        // The mode of the file that bind makes is that of the socket.
        if (!error) ::fchmod(acceptor_->native_handle(), S_IRUSR | S_IWUSR);
        if (!error) acceptor_->bind(Protocol::endpoint(addressIn(opened_.get())), error);
        if (!error) acceptor_->listen(kClientsMax, error);
        struct stat made {};
        if (!error && ::fstatat(opened_.get(), kControlName, &made, AT_SYMLINK_NOFOLLOW) != 0)
            error.assign(errno, asio::system_category());
        if (error) {
            acceptor_.reset();
            return sayOnce("making the control socket", error.value());
        }
        inode_ = made.st_ino;
        said_ = false;
        accept();
    }

    void sayOnce(const char* what, int error) {
        if (std::exchange(said_, true)) return;
        core::logWarning(std::string(what) + " failed, so that `tidemill status` cannot ask: " +
                         directory_ + "/" + kControlName + ": " + std::strerror(error));
    }

    void accept() {
        acceptor_->async_accept([this](const asio::error_code& error, Protocol::socket socket) {
            if (error == asio::error::operation_aborted || !acceptor_) return;
            if (!error && clients_ < kClientsMax) serve(std::move(socket));
            // Without descriptors: once more when some may be free.
            if (!error) return accept();
            auto later = std::make_shared<asio::steady_timer>(io_, kLookEvery);
            later->async_wait([this, later](const asio::error_code&) {
                if (acceptor_) accept();
            });
        });
    }

    void serve(Protocol::socket socket) {
        auto client = std::make_shared<Client>(io_);
        client->socket = std::move(socket);
        ++clients_;
        client->timer.expires_after(kClientTime);
        client->timer.async_wait([client](const asio::error_code& error) {
            asio::error_code ignored;
            if (!error) client->socket.close(ignored);
        });
        asio::async_read_until(
            client->socket, client->request, '\n',
            [this, client](const asio::error_code& error, std::size_t lineBytes) {
                if (error) return done(*client);
                std::string line(lineBytes - 1, '\0');
                client->request.sgetn(line.data(), static_cast<std::streamsize>(line.size()));
                auto answer = answers_(line);
                client->answer = std::move(answer.line) + "\n";
                asio::async_write(client->socket, asio::buffer(client->answer),
                                  [this, client, then = std::move(answer.then)](
                                      const asio::error_code&, std::size_t) {
                                      done(*client);
                                      if (then) then();
                                  });
            });
    }

    void done(Client& client) {
        --clients_;
        client.timer.cancel();
        asio::error_code ignored;
        client.socket.close(ignored);
    }

    const std::string directory_;
    const Answers answers_;
    const std::function<void()> everySecond_;
    asio::io_context io_;
    asio::steady_timer timer_;
    Descriptor opened_;
    std::optional<Protocol::acceptor> acceptor_;
    ino_t inode_ = 0;
    std::size_t clients_ = 0;
    std::chrono::steady_clock::time_point nextSecond_;
    bool said_ = false;
    std::thread thread_;
};

ControlServer::ControlServer(std::string directory, Answers answers,
                             std::function<void()> everySecond)
    : impl_(std::make_unique<Impl>(std::move(directory), std::move(answers),
                                   std::move(everySecond))) {}

ControlServer::~ControlServer() = default;

namespace {

core::Error noDaemon(const std::string& directory) {
    std::error_code unknown;
    if (!std::filesystem::exists(std::filesystem::path(directory) / "FORMAT", unknown))
        return {ErrorKind::kNotFound, "no data directory: directory=" + directory};
    return {ErrorKind::kNotFound,
            "no job runs in this data directory (or it has only begun to start): directory=" +
                directory};
}

core::Error noAnswer(const std::string& directory, const std::string& why) {
    return {ErrorKind::kConflict, "the job does not answer: " + why + ": directory=" + directory +
                                      " socket=" + kControlName};
}

}  // namespace

Result<std::string> askDaemon(const std::string& directory, std::string_view request) {
    const auto opened = openDirectory(directory);
    if (!opened) return core::fail(noDaemon(directory));
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return core::failErrno(errno, "socket failed");
    // More than the daemon gives a client, which then ends the connection.
    const struct timeval time { .tv_sec = 2 * kClientTime.count(), .tv_usec = 0 };
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    struct sockaddr_un address {};
    address.sun_family = AF_UNIX;
    const auto path = addressIn(opened.get());
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (::connect(socket.get(), reinterpret_cast<const struct sockaddr*>(&address),
                  sizeof address) != 0) {
        if (errno == ENOENT || errno == ECONNREFUSED) return core::fail(noDaemon(directory));
        return core::fail(noAnswer(directory, std::strerror(errno)));
    }
    std::string line = std::string(request) + "\n";
    for (std::size_t sent = 0; sent < line.size();) {
        const auto bytes =
            ::send(socket.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
        if (bytes < 0 && errno == EINTR) continue;
        if (bytes < 0) return core::fail(noAnswer(directory, std::strerror(errno)));
        sent += static_cast<std::size_t>(bytes);
    }
    std::string answer;
    std::array<char, 64 << 10> piece;
    while (!answer.ends_with('\n')) {
        const auto bytes = ::recv(socket.get(), piece.data(), piece.size(), 0);
        if (bytes < 0 && errno == EINTR) continue;
        if (bytes < 0) return core::fail(noAnswer(directory, std::strerror(errno)));
        if (bytes == 0) return core::fail(noAnswer(directory, "it ended the connection"));
        answer.append(piece.data(), static_cast<std::size_t>(bytes));
        if (answer.size() > kAnswerBytesMax)
            return core::fail(noAnswer(directory, "its answer has no end"));
    }
    answer.pop_back();
    return answer;
}

}  // namespace tidemill::tools
