// Text from a server we connect to, again and again.
#include <asio/steady_timer.hpp>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "core/backoff.h"
#include "core/logging.h"
#include "sources/connect_socket.h"
#include "sources/endpoint.h"
#include "sources/socket_channel.h"
#include "sources/text_receiver.h"
#include "sources/tls_channel.h"
#include "sources/unix_path.h"

namespace tidemill::sources {
namespace {

// Thread safety: as TextReceiver.
class DialingReceiver final : public TextReceiver {
public:
    DialingReceiver(std::shared_ptr<Network> network, core::SourceId source, DialOptions options,
                    core::SourceObserver* observer)
        : TextReceiver(std::move(network), source, options.label, observer),
          options_(std::move(options)),
          host_(withoutBrackets(options_.host)),
          path_(unixPathOf(host_)),
          where_(hostAndPort(host_, options_.port)),
          resolver_(network_->loop().io()),
          timer_(network_->loop().io()),
          attemptTimer_(network_->loop().io()),
          backoff_(options_.firstRetry, std::random_device{}()) {}

private:
    using Tcp = asio::ip::tcp;

    core::Result<> open(std::string& where) override {
        if (path_) TM_TRY(checkUnixPath(*path_));
        else if (host_.empty() || options_.port == 0)
            return core::fail(core::ErrorKind::kInvalid,
                              "a text source needs a host and a port to dial: " + where_);
        if (options_.tls) {
            TM_ASSIGN(tls_, makeClientContext(options_.caFile));
        }
        where = (options_.tls ? "reads text by TLS from " : "reads text from ") + where_;
        dial();
        return {};
    }

    void shut() override {
        resolver_.cancel();
        timer_.cancel();
        attemptTimer_.cancel();
        if (dialling_) {
            asio::error_code ignored;
            dialling_->close(ignored);
        }
    }

    void ended(TextConnection&, const std::string& why) override {
        const auto refusal = std::exchange(refusal_, {});
        if (stopping()) return;
        tryAgain(refusal.empty() ? "connection to " + where_ + " ended: " + why
                                 : cannotConnect(refusal));
    }
    void turnedAway(TextConnection&, const std::string& why) override { refusal_ = why; }
    void letIn(TextConnection&) override { reached(); }

    std::shared_ptr<DialingReceiver> self() {
        return std::static_pointer_cast<DialingReceiver>(shared_from_this());
    }

    void dial() {
        if (path_)
            return network_->loop().post([weak = std::weak_ptr(self())] {
                if (const auto receiver = weak.lock(); receiver && !receiver->stopping())
                    receiver->dialPath();
            });
        // Looking up a name cannot be cancelled once begun, so it must not keep us.
        resolver_.async_resolve(
            host_, std::to_string(options_.port),
            [weak = std::weak_ptr(self())](const asio::error_code& error,
                                           const Tcp::resolver::results_type& found) {
                const auto receiver = weak.lock();
                if (!receiver || receiver->stopping()) return;
                receiver->network_->loop().flushIfRequested();
                if (error) return receiver->tryAgain(receiver->cannotConnect(error.message()));
                receiver->addresses_.assign(found.begin(), found.end());
                receiver->failures_.clear();
                receiver->connectTo(0);
            });
    }

    void dialPath() {
        network_->loop().flushIfRequested();
        StreamSocket socket(network_->loop().io());
        if (const auto error = connectToPath(socket, *path_))
            return tryAgain(cannotConnect(error.message()));
        connected(std::move(socket));
    }

    // Tries the addresses of the name one after another.
    void connectTo(std::size_t place) {
        if (place >= addresses_.size())
            return tryAgain(cannotConnect(failures_.empty() ? "it has no address" : failures_));
        dialling_ = std::make_shared<Tcp::socket>(network_->loop().io());
        attemptTimer_.expires_after(kConnectMax);
        attemptTimer_.async_wait([me = self(), socket = dialling_](const asio::error_code& error) {
            me->network_->loop().flushIfRequested();
            asio::error_code ignored;
            if (!error && me->dialling_ == socket) socket->close(ignored);
        });
        dialling_->async_connect(addresses_[place],
                                 [me = self(), socket = dialling_, place](asio::error_code error) {
                                     me->network_->loop().flushIfRequested();
                                     me->attemptTimer_.cancel();
                                     me->dialling_.reset();
                                     if (me->stopping()) return;
                                     if (error == asio::error::operation_aborted)
                                         error = asio::error::timed_out;
                                     if (!error && closeIfConnectedToItself(*socket))
                                         error = asio::error::connection_refused;
                                     if (!error) return me->connected(std::move(*socket));
                                     asio::error_code ignored;
                                     socket->close(ignored);
                                     me->noteFailure(me->addresses_[place], error);
                                     me->connectTo(place + 1);
                                 });
    }

    void noteFailure(const Tcp::endpoint& address, const asio::error_code& error) {
        if (addresses_.size() == 1) {
            failures_ = error.message();
            return;
        }
        failures_ += (failures_.empty() ? "" : "; ") +
                     hostAndPort(address.address().to_string(), address.port()) + ": " +
                     error.message();
    }

    std::string cannotConnect(const std::string& why) const {
        return "cannot connect to " + where_ + ": " + why;
    }

    void reached() {
        if (std::exchange(failing_, false)) recovered();
        core::logInfo(label() + ": connected to " + where_);
    }

    void connected(StreamSocket socket) {
        if (!tls_) reached();
        auto channel = tls_ ? makeTlsChannel(std::move(socket), tls_, host_)
                            : makeSocketChannel(std::move(socket));
        add(std::make_shared<TextConnection>(*network_, *this, std::move(channel),
                                             TextConnection::Limits::kDoNotHold, options_.csv),
            tls_ ? std::make_unique<Gate>("") : nullptr);
    }

    // Reports the first failure only, until there is a connection again.
    void tryAgain(const std::string& why) {
        if (!std::exchange(failing_, true))
            report(why + "; trying again, soon at first, then every " +
                       std::to_string(core::Backoff::kMost.count() / 1000) + " s",
                   core::SourceObserver::Trouble::kUntilRecovered);
        timer_.expires_after(backoff_.next());
        timer_.async_wait([me = self()](const asio::error_code& error) {
            me->network_->loop().flushIfRequested();
            if (!error && !me->stopping()) me->dial();
        });
    }

    const DialOptions options_;
    const std::string host_;                 // without brackets
    const std::optional<std::string> path_;  // of a Unix socket
    const std::string where_;                // host and port, for messages
    TlsContext tls_;                         // null: no encryption
    Tcp::resolver resolver_;
    asio::steady_timer timer_;         // until the next round of attempts
    asio::steady_timer attemptTimer_;  // of one attempt
    std::vector<Tcp::endpoint> addresses_;
    std::string failures_;  // of this round
    std::string refusal_;   // why TLS was not agreed on
    std::shared_ptr<Tcp::socket> dialling_;
    core::Backoff backoff_;
    bool failing_ = false;
};

}  // namespace

std::unique_ptr<core::Source> makeDialingReceiver(std::shared_ptr<Network> network,
                                                  core::SourceId source, DialOptions options,
                                                  core::SourceObserver* observer) {
    return std::make_unique<ReceiverHandle<core::Source, DialingReceiver>>(
        std::make_shared<DialingReceiver>(std::move(network), source, std::move(options),
                                          observer));
}

}  // namespace tidemill::sources
