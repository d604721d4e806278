#include "sources/unix_acceptor.h"

#include <sys/stat.h>
#include <unistd.h>

#include <asio/local/stream_protocol.hpp>
#include <cerrno>
#include <utility>

#include "core/logging.h"
#include "sources/unix_path.h"

namespace tidemill::sources {
namespace {

using core::ErrorKind;
using core::Result;
using Local = asio::local::stream_protocol;

constexpr mode_t kMode = 0660;

// Which file stands there; none: no file does.
std::optional<struct stat> fileAt(const std::string& path) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0) return std::nullopt;
    return found;
}

class UnixAcceptor final : public Acceptor {
public:
    UnixAcceptor(asio::io_context& io, std::string path) : path_(std::move(path)), acceptor_(io) {}
    ~UnixAcceptor() override { close(); }

    Result<> listen() {
        auto error = bind();
        if (error == asio::error::address_in_use) {
            TM_TRY(removeStale());
            error = bind();
        }
        if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
        if (!error) acceptor_.non_blocking(true, error);
        if (!error) return {};
        close();
        return core::fail(ErrorKind::kIo, "cannot listen on " + where() + ": " + error.message());
    }

    void accept(Accepted accepted) override {
        acceptor_.async_accept([accepted = std::move(accepted)](const asio::error_code& error,
                                                                Local::socket socket) {
            accepted(error, error ? std::nullopt : std::optional(Client{std::move(socket), {}}));
        });
    }

    std::optional<Client> acceptNow() override {
        asio::error_code error;
        Local::socket socket(acceptor_.get_executor());
        acceptor_.accept(socket, error);
        if (error) return std::nullopt;
        return Client{std::move(socket), {}};
    }

    bool isOpen() const override { return acceptor_.is_open(); }
    void close() override {
        asio::error_code ignored;
        acceptor_.close(ignored);
        if (!std::exchange(bound_, false)) return;
        const auto now = fileAt(path_);
        if (now && now->st_ino == file_.st_ino && now->st_dev == file_.st_dev)
            ::unlink(path_.c_str());
    }
    std::uint16_t port() const override { return 0; }
    std::string where() const override { return std::string(kUnixPrefix) + path_; }

private:
    asio::error_code bind() {
        asio::error_code error, ignored;
        acceptor_.close(ignored);
        acceptor_.open(Local(), error);
        // On Linux the file is made with this mode: nobody else can connect before chmod() either.
        if (!error) ::fchmod(acceptor_.native_handle(), kMode);
        if (!error) acceptor_.bind(Local::endpoint(path_), error);
        if (error) return error;
        const auto made = fileAt(path_);
        if (!made || ::chmod(path_.c_str(), kMode) != 0)
            return {errno, asio::error::get_system_category()};
        file_ = *made;
        bound_ = true;
        return {};
    }

    Result<> removeStale() {
        const auto found = fileAt(path_);
        if (!found) return {};  // gone again
        if (!S_ISSOCK(found->st_mode))
            return core::fail(
                ErrorKind::kInvalid,
                "cannot listen on " + where() + ": there is a file already, which is no socket");
        asio::error_code error;
        Local::socket socket(acceptor_.get_executor());
        socket.open(Local(), error);
        if (!error) socket.non_blocking(true, error);
        if (!error) socket.connect(Local::endpoint(path_), error);
        if (!error || error == asio::error::would_block)
            return core::fail(ErrorKind::kIo,
                              "cannot listen on " + where() + ": another process listens there");
        if (error != asio::error::connection_refused &&
            error != std::errc::no_such_file_or_directory)
            return core::fail(ErrorKind::kIo, "cannot listen on " + where() +
                                                  ": there is a socket already, and whether "
                                                  "anybody listens there cannot be told: " +
                                                  error.message());
        core::logInfo(where() + ": replacing a socket that nobody listens on any more");
        if (::unlink(path_.c_str()) != 0 && errno != ENOENT)
            return core::failErrno(errno,
                                   "the socket that nobody listens on any more cannot be "
                                   "removed: " +
                                       where());
        return {};
    }

    const std::string path_;
    Local::acceptor acceptor_;
    bool bound_ = false;
    struct stat file_ {};
};

}  // namespace

Result<std::unique_ptr<Acceptor>> makeUnixAcceptor(asio::io_context& io, const std::string& path) {
    TM_TRY(checkUnixPath(path));
    auto acceptor = std::make_unique<UnixAcceptor>(io, path);
    TM_TRY(acceptor->listen());
    return std::unique_ptr<Acceptor>(std::move(acceptor));
}

}  // namespace tidemill::sources
