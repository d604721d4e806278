// Text from clients that connect to us, plain or acknowledged.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "sources/acceptor.h"
#include "sources/descriptor_reserve.h"
#include "sources/session_connection.h"
#include "sources/session_errors.h"
#include "sources/socket_channel.h"
#include "sources/text_receiver.h"
#include "sources/tls_channel.h"

namespace tidemill::sources {
namespace {

// Refusals are reported this often at most.
constexpr std::chrono::seconds kRefusedEvery{10};

// Thread safety: as TextReceiver; port() is thread-safe.
class ListeningTextReceiver final : public TextReceiver {
public:
    ListeningTextReceiver(std::shared_ptr<Network> network, core::SourceId source,
                          ListenOptions options, core::SourceObserver* observer)
        : TextReceiver(std::move(network), source, options.label, observer),
          options_(std::move(options)),
          timer_(network_->loop().io()) {}
    ~ListeningTextReceiver() override { releaseReserve(); }

    std::uint16_t port() const { return port_; }

private:
    core::Result<> open(std::string& where) override {
        const auto& security = options_.security;
        if (security.encrypts()) {
            TM_ASSIGN(tls_, makeServerContext(security));
        }
        TM_ASSIGN(token_, readTokenFile(security.token));
        TM_ASSIGN(acceptor_, makeAcceptor(network_->loop().io(), options_.address, options_.port,
                                          options_.allowRemote || security.isComplete()));
        port_ = acceptor_->port();
        reserveDescriptor();
        where = std::string("listens for ") + (options_.acknowledged ? "acknowledged " : "") +
                "text on " + acceptor_->where() + (tls_ ? ", by TLS" : "") +
                (token_.empty() ? "" : ", of who brings the token");
        accept();
        return {};
    }

    void shut() override {
        if (acceptor_) acceptor_->close();
        timer_.cancel();
        releaseReserve();
    }

    void turnedAway(TextConnection& connection, const std::string& why) override {
        ++counters.connectionsRefused;
        const auto found = addressOf_.find(&connection);
        sayRefused("a client " +
                   (found == addressOf_.end() ? "of this machine" : "at " + found->second) +
                   " was turned away: " + why);
    }

    void ended(TextConnection& connection, const std::string&) override {
        const auto found = addressOf_.find(&connection);
        if (found == addressOf_.end()) return;
        const auto count = perAddress_.find(found->second);
        if (--count->second == 0) perAddress_.erase(count);
        addressOf_.erase(found);
    }

    std::shared_ptr<ListeningTextReceiver> self() {
        return std::static_pointer_cast<ListeningTextReceiver>(shared_from_this());
    }

    void accept() {
        acceptor_->accept(
            [me = self()](const asio::error_code& error, std::optional<Acceptor::Client> client) {
                me->network_->loop().flushIfRequested();
                if (me->stopping() || !me->acceptor_->isOpen()) return;
                if (client) me->accepted(std::move(*client));
                if (error == asio::error::no_descriptors ||
                    error == std::errc::too_many_files_open_in_system ||
                    error == asio::error::no_buffer_space || error == asio::error::no_memory)
                    return me->outOfDescriptors(error);
                me->accept();
            });
    }

    void accepted(Acceptor::Client client) {
        auto& socket = client.socket;
        const std::string& address = client.host;
        if (openConnections() >= options_.connectionsMax)
            return refuse(std::move(socket),
                          "too many connections: " + std::to_string(options_.connectionsMax) +
                              " are open; new ones are refused until one ends");
        if (leavesTooFewDescriptors(socket.native_handle()))
            return refuse(std::move(socket),
                          "too many connections: the limit of open files "
                          "(RLIMIT_NOFILE) leaves no more for clients");
        if (!address.empty()) {
            const auto count = perAddress_.find(address);
            if (count != perAddress_.end() && count->second >= options_.connectionsPerAddressMax)
                return refuse(std::move(socket),
                              "too many connections from " + address + ": " +
                                  std::to_string(options_.connectionsPerAddressMax) +
                                  " are open; new ones from there are refused until one ends");
        }
        auto channel =
            tls_ ? makeTlsChannel(std::move(socket), tls_) : makeSocketChannel(std::move(socket));
        std::shared_ptr<TextConnection> connection;
        if (options_.acknowledged) {
            connection = std::make_shared<SessionConnection>(*network_, *this, std::move(channel));
        } else {
            connection = std::make_shared<TextConnection>(
                *network_, *this, std::move(channel), TextConnection::Limits::kHold, options_.csv);
        }
        if (!address.empty()) {
            ++perAddress_[address];
            addressOf_[connection.get()] = address;
        }
        add(std::move(connection),
            tls_ || !token_.empty() ? std::make_unique<Gate>(token_) : nullptr);
    }

    // `why` is for our own log, which a flood of clients must not fill.
    void refuse(StreamSocket socket, const std::string& why) {
        ++counters.connectionsRefused;
        asio::error_code ignored;
        socket.non_blocking(true, ignored);
        socket.write_some(asio::buffer("error " + std::string(kErrorTooManyConnections) + "\n"),
                          ignored);
        socket.shutdown(StreamSocket::shutdown_send, ignored);
        // Read what the client has sent already: closing a socket with unread input resets the
        // connection, and the client would not see the answer.
        char nowhere[4096];
        socket.read_some(asio::buffer(nowhere), ignored);
        sayRefused(why);
    }

    void sayRefused(const std::string& why) {
        const auto now = std::chrono::steady_clock::now();
        if (refusedSaid_ && now - *refusedSaid_ < kRefusedEvery) return;
        refusedSaid_ = now;
        report(why, core::SourceObserver::Trouble::kOver);
    }

    // To refuse a client it must be accepted first, which takes a descriptor: the reserve is given
    // up for that moment.
    void outOfDescriptors(const asio::error_code& error) {
        const std::string why = "cannot accept: " + error.message();
        sayRefused(why);
        if (reserve_ >= 0) {
            releaseReserve();
            if (auto client = acceptor_->acceptNow()) refuse(std::move(client->socket), why);
            reserveDescriptor();
        }
        timer_.expires_after(std::chrono::milliseconds(20));
        timer_.async_wait([me = self()](const asio::error_code& cancelled) {
            me->network_->loop().flushIfRequested();
            if (cancelled || me->stopping()) return;
            if (me->reserve_ < 0) me->reserveDescriptor();
            me->accept();
        });
    }

    void reserveDescriptor() { reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
    void releaseReserve() {
        if (reserve_ >= 0) ::close(std::exchange(reserve_, -1));
    }

    const ListenOptions options_;
    TlsContext tls_;  // null: none
    std::string token_;
    std::unique_ptr<Acceptor> acceptor_;
    asio::steady_timer timer_;
    std::atomic<std::uint16_t> port_{0};
    int reserve_ = -1;
    std::optional<std::chrono::steady_clock::time_point> refusedSaid_;
    std::unordered_map<std::string, std::size_t> perAddress_;
    std::unordered_map<TextConnection*, std::string> addressOf_;
};

class Handle final : public ReceiverHandle<ListeningReceiver, ListeningTextReceiver> {
public:
    using ReceiverHandle::ReceiverHandle;
    std::uint16_t port() const override { return receiver_->port(); }
};

}  // namespace

std::unique_ptr<ListeningReceiver> makeListeningReceiver(std::shared_ptr<Network> network,
                                                         core::SourceId source,
                                                         ListenOptions options,
                                                         core::SourceObserver* observer) {
    return std::make_unique<Handle>(std::make_shared<ListeningTextReceiver>(
        std::move(network), source, std::move(options), observer));
}

}  // namespace tidemill::sources
