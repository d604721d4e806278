// Text from a server we connect to, again and again.
#include <asio/connect.hpp>
#include <asio/steady_timer.hpp>
#include <utility>

#include "core/logging.h"
#include "sources/text_receiver.h"

namespace tidemill::sources {
namespace {

// Thread safety: as TextReceiver.
class DialingReceiver final : public TextReceiver {
public:
    DialingReceiver(std::shared_ptr<Network> network, core::SourceId source, DialOptions options,
                    core::ReceiverObserver* observer)
        : TextReceiver(std::move(network), source, observer),
          options_(std::move(options)),
          where_(options_.host + ":" + std::to_string(options_.port)),
          resolver_(network_->io()),
          timer_(network_->io()) {}

private:
    using Tcp = asio::ip::tcp;

    core::Result<> open(std::string& where) override {
        if (options_.host.empty() || options_.port == 0)
            return core::fail(core::ErrorKind::kInvalid,
                              "a text source needs a host and a port to dial: " + where_);
        where = "reads text from " + where_;
        dial();
        return {};
    }

    void shut() override {
        resolver_.cancel();
        timer_.cancel();
        if (dialling_) {
            asio::error_code ignored;
            dialling_->close(ignored);
        }
    }

    void ended(TextConnection&, const std::string& why) override {
        if (!stopping()) tryAgain("connection to " + where_ + " ended: " + why);
    }

    std::shared_ptr<DialingReceiver> self() {
        return std::static_pointer_cast<DialingReceiver>(shared_from_this());
    }

    void dial() {
        // Looking up a name cannot be cancelled once begun, so it must not keep us.
        resolver_.async_resolve(
            options_.host, std::to_string(options_.port),
            [weak = std::weak_ptr(self())](const asio::error_code& error,
                                           const Tcp::resolver::results_type& found) {
                const auto receiver = weak.lock();
                if (!receiver || receiver->stopping()) return;
                receiver->network_->sealIfWanted();
                if (error) return receiver->failed(error);
                receiver->connect(found);
            });
    }

    void connect(const Tcp::resolver::results_type& found) {
        dialling_ = std::make_shared<Tcp::socket>(network_->io());
        asio::async_connect(*dialling_, found,
                            [me = self(), socket = dialling_](const asio::error_code& error,
                                                              const Tcp::endpoint&) {
                                me->network_->sealIfWanted();
                                me->dialling_.reset();
                                if (me->stopping()) return;
                                if (error) return me->failed(error);
                                me->connected(std::move(*socket));
                            });
    }

    void connected(Tcp::socket socket) {
        failing_ = false;
        core::logInfo("receiver " + core::toString(source()) + ": connected to " + where_);
        asio::error_code ignored;
        socket.set_option(asio::socket_base::keep_alive(true), ignored);
        add(std::make_shared<TextConnection>(*network_, *this, std::move(socket),
                                             TextConnection::Limits::kDoNotHold));
    }

    void failed(const asio::error_code& error) {
        tryAgain("cannot connect to " + where_ + ": " + error.message());
    }

    // Says so once until there is a connection again.
    void tryAgain(const std::string& why) {
        if (!std::exchange(failing_, true))
            report(why + "; trying again every " + std::to_string(options_.retryPeriod.count()) +
                   " ms");
        timer_.expires_after(options_.retryPeriod);
        timer_.async_wait([me = self()](const asio::error_code& error) {
            me->network_->sealIfWanted();
            if (!error && !me->stopping()) me->dial();
        });
    }

    const DialOptions options_;
    const std::string where_;
    Tcp::resolver resolver_;
    asio::steady_timer timer_;
    std::shared_ptr<Tcp::socket> dialling_;
    bool failing_ = false;
};

}  // namespace

std::unique_ptr<core::Receiver> makeDialingReceiver(std::shared_ptr<Network> network,
                                                    core::SourceId source, DialOptions options,
                                                    core::ReceiverObserver* observer) {
    return std::make_unique<ReceiverHandle<core::Receiver, DialingReceiver>>(
        std::make_shared<DialingReceiver>(std::move(network), source, std::move(options),
                                          observer));
}

}  // namespace tidemill::sources
