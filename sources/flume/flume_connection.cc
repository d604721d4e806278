#include "sources/flume/flume_connection.h"

#include <asio/error.hpp>
#include <utility>

#include "core/failpoint.h"
#include "sources/connect_socket.h"
#include "sources/flume/flume_intake.h"

namespace tidemill::sources::flume {
namespace {

// Then others have their turn.
constexpr std::size_t kBytesAtOnce = 1 << 20;

}  // namespace

FlumeConnection::FlumeConnection(std::shared_ptr<FlumeIntake> intake,
                                 std::unique_ptr<Channel> channel,
                                 std::unique_ptr<Protocol> protocol, std::string address,
                                 std::uint64_t number)
    : intake_(std::move(intake)),
      channel_(std::move(channel)),
      protocol_(std::move(protocol)),
      address_(std::move(address)),
      number_(number) {}

void FlumeConnection::enters(Stage stage) {
    stage_ = stage;
    since_ = Clock::now();
}

void FlumeConnection::close() {
    if (stage_ == Stage::kClosed) return;
    enters(Stage::kClosed);
    channel_->close();
    intake_->forget(*this);
}

void FlumeConnection::channelReadable(const asio::error_code& error) {
    intake_->flushIfRequested();
    if (stage_ == Stage::kClosed) return;
    if (error) return close();
    readMore();
}

void FlumeConnection::channelWritable() {
    intake_->flushIfRequested();
    if (stage_ != Stage::kAnswering) return;
    writeMore();
    if (stage_ == Stage::kReading) readMore();
}

void FlumeConnection::readMore() {
    const auto self = shared_from_this();  // the intake may forget it
    asio::error_code agreed;
    if (!channel_->isOpen(agreed)) {
        if (wouldBlock(agreed)) return channel_->waitReadable(self);
        return intake_->refuse(*this, channel_->trouble());
    }
    isReading_ = true;
    takeBytes(std::exchange(rest_, {}));
    std::size_t taken = 0;
    while (stage_ == Stage::kReading && taken < kBytesAtOnce) {
        asio::error_code error;
        const auto into = intake_->readBuffer();
        const auto size = channel_->read(into, error);
        if (size != 0) {
            taken += size;
            takeBytes({into.data(), size});
        } else if (wouldBlock(error)) {
            break;
        } else {
            if (error != asio::error::eof) intake_->wasReset();
            close();
        }
    }
    isReading_ = false;
    if (stage_ == Stage::kReading) channel_->waitReadable(self);
}

void FlumeConnection::takeBytes(std::string_view bytes) {
    while (stage_ == Stage::kReading && !bytes.empty()) {
        if (!protocol_->isWithin()) since_ = Clock::now();
        const auto whole = protocol_->take(bytes);
        if (!whole) return intake_->refuse(*this, whole.error().message);
        if (*whole) {
            enters(Stage::kHeld);
            ++request_;
        }
        intake_->holds(*this);
        if (stage_ == Stage::kHeld) intake_->requested(*this);
    }
    if (stage_ != Stage::kClosed) rest_ = bytes;
}

void FlumeConnection::hasLogged(std::uint32_t records) {
    nextLine_ += records;
    protocol_->forget();
    stage_ = Stage::kWaiting;
    intake_->holds(*this);
}

void FlumeConnection::answer(bool ok) {
    neededBytes = 0;
    out_ = protocol_->answer(ok);
    enters(Stage::kAnswering);
    intake_->holds(*this);
    if (ok && !core::reachFailpoint("ack.beforeSend")) return close();
    writeMore();
    if (ok && !core::reachFailpoint("ack.afterSend")) return close();
    // Else it goes on where it was called from. Not here: others may be in the middle of theirs.
    if (stage_ != Stage::kReading || isReading_) return;
    if (rest_.empty()) return channel_->waitReadable(shared_from_this());
    intake_->post([self = shared_from_this()] {
        if (self->stage_ == Stage::kReading) self->readMore();
    });
}

void FlumeConnection::writeMore() {
    while (!out_.empty()) {
        asio::error_code error;
        const auto size = channel_->write(out_, error);
        out_.erase(0, size);
        if (wouldBlock(error)) return channel_->waitWritable(shared_from_this());
        if (error) {
            intake_->wasReset();
            return close();
        }
    }
    enters(Stage::kReading);
}

}  // namespace tidemill::sources::flume
