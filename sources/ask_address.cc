#include "sources/ask_address.h"

#include <sys/stat.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "sources/connect_socket.h"
#include "sources/endpoint.h"
#include "sources/unix_path.h"

namespace tidemill::sources {
namespace {

using core::PeerAnswer;
using Tcp = asio::ip::tcp;

PeerAnswer fact(std::string text) { return {{std::move(text)}, {}}; }
PeerAnswer trouble(std::string text) { return {{}, {std::move(text)}}; }

PeerAnswer askPath(const std::string& path) {
    const std::string where = std::string(kUnixPrefix) + path;
    const auto reason = [](int error) { return std::generic_category().message(error); };
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0) {
        if (errno != ENOENT) return trouble(where + ": " + reason(errno));
        const auto parent = std::filesystem::path(path).parent_path();
        const std::string directory = parent.empty() ? "." : parent.string();
        if (::access(directory.c_str(), W_OK | X_OK) == 0) return fact("can listen on " + where);
        return trouble("cannot listen on " + where + ": directory " + directory + ": " +
                       reason(errno));
    }
    if (!S_ISSOCK(found.st_mode))
        return trouble("cannot listen on " + where +
                       ": there is a file already, which is no socket");
    asio::io_context io;
    StreamSocket socket(io);
    const auto error = connectToPath(socket, path);
    if (error == asio::error::connection_refused)
        return fact("can listen on " + where + ", where a socket lies that nobody listens on");
    if (!error)
        return trouble("cannot listen on " + where +
                       ": another process listens there; is it this job that runs?");
    return trouble("cannot listen on " + where + ": " + error.message());
}

}  // namespace

PeerAnswer askToDial(const std::string& host, std::uint16_t port) {
    asio::io_context io;
    StreamSocket socket(io);
    const std::atomic<bool> stopped = false;
    const auto error = connectSocket(socket, host, port, stopped);
    const auto where = hostAndPort(host, port);
    if (error) return trouble("cannot connect to " + where + ": " + error.message());
    return fact("connected to " + where + ", and closed the connection");
}

PeerAnswer askToListen(const std::string& host, std::uint16_t port) {
    if (const auto path = unixPathOf(host)) return askPath(*path);
    if (port == 0) return fact("listens on any free port of " + host);
    const auto where = hostAndPort(host, port);
    asio::error_code error;
    const auto address =
        asio::ip::make_address(host == "localhost" ? "127.0.0.1" : withoutBrackets(host), error);
    if (error) return trouble("not an address to listen on: " + host);
    asio::io_context io;
    Tcp::acceptor acceptor(io);
    const Tcp::endpoint endpoint(address, port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) return fact("can listen on " + where);
    const bool isTaken = error == asio::error::address_in_use;
    return trouble("cannot listen on " + where + ": " + error.message() +
                   (isTaken ? "; is it this job that runs?" : ""));
}

}  // namespace tidemill::sources
