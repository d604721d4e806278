#include "sources/acceptor.h"

#include <asio/ip/tcp.hpp>
#include <utility>

#include "sources/endpoint.h"
#include "sources/unix_acceptor.h"
#include "sources/unix_path.h"

namespace tidemill::sources {
namespace {

using core::ErrorKind;
using core::Result;
using Tcp = asio::ip::tcp;

// An IPv4 peer of an IPv6 socket is that IPv4 peer.
asio::ip::address unmapped(const asio::ip::address& address) {
    if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
}

class TcpAcceptor final : public Acceptor {
public:
    TcpAcceptor(asio::io_context& io, std::string host) : host_(std::move(host)), acceptor_(io) {}

    Result<> listen(const Tcp::endpoint& endpoint) {
        asio::error_code error;
        acceptor_.open(endpoint.protocol(), error);
        if (!error) acceptor_.set_option(Tcp::acceptor::reuse_address(true), error);
        if (!error) acceptor_.bind(endpoint, error);
        if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
        if (!error) acceptor_.non_blocking(true, error);
        if (!error) port_ = acceptor_.local_endpoint(error).port();
        if (!error) return {};
        close();
        return core::fail(
            ErrorKind::kIo,
            "cannot listen on " + hostAndPort(host_, endpoint.port()) + ": " + error.message());
    }

    void accept(Accepted accepted) override {
        acceptor_.async_accept(
            [accepted = std::move(accepted)](const asio::error_code& error, Tcp::socket socket) {
                accepted(error, error ? std::nullopt : client(std::move(socket)));
            });
    }

    std::optional<Client> acceptNow() override {
        asio::error_code error;
        Tcp::socket socket(acceptor_.get_executor());
        acceptor_.accept(socket, error);
        return error ? std::nullopt : client(std::move(socket));
    }

    bool isOpen() const override { return acceptor_.is_open(); }
    void close() override {
        asio::error_code ignored;
        acceptor_.close(ignored);
    }
    std::uint16_t port() const override { return port_; }
    std::string where() const override { return hostAndPort(host_, port_); }

private:
    static std::optional<Client> client(Tcp::socket socket) {
        asio::error_code error;
        const auto peer = unmapped(socket.remote_endpoint(error).address());
        if (error) return std::nullopt;  // gone already
        return Client{std::move(socket), peer.is_loopback() ? std::string() : peer.to_string()};
    }

    const std::string host_;
    Tcp::acceptor acceptor_;
    std::uint16_t port_ = 0;
};

}  // namespace

Result<std::unique_ptr<Acceptor>> makeAcceptor(asio::io_context& io, const std::string& address,
                                               std::uint16_t port, bool allowRemote) {
    if (const auto path = unixPathOf(address)) return makeUnixAcceptor(io, *path);
    asio::error_code error;
    const std::string text = address == "localhost" ? "127.0.0.1" : withoutBrackets(address);
    auto parsed = asio::ip::make_address(text, error);
    if (error) return core::fail(ErrorKind::kInvalid, "not an address to listen on: " + address);
    parsed = unmapped(parsed);
    if (!parsed.is_loopback() && !allowRemote)
        return core::fail(ErrorKind::kInvalid,
                          "refusing to listen on " + address +
                              ", which other machines can reach, without encryption and a token; "
                              "give both, or allow it in so many words if that is meant");
    auto acceptor = std::make_unique<TcpAcceptor>(io, text);
    TM_TRY(acceptor->listen({parsed, port}));
    return std::unique_ptr<Acceptor>(std::move(acceptor));
}

}  // namespace tidemill::sources
