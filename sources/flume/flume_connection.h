// A connection of an agent: one request after another, each answered once. Private to
// sources/flume/.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "sources/channel.h"
#include "sources/flume/protocol.h"

namespace tidemill::sources::flume {

class FlumeIntake;

// Thread safety: confined to the I/O thread.
class FlumeConnection final : public Channel::User,
                              public std::enable_shared_from_this<FlumeConnection> {
public:
    enum class Stage {
        kReading,    // until a request is whole; nothing of it may be there yet
        kHeld,       // a whole request waits for room
        kWaiting,    // its events are in the log, and not durable yet
        kAnswering,  // the answer is on its way
        kClosed,
    };
    using Clock = std::chrono::steady_clock;

    // `address` of the peer; empty: this machine. `number`: in the log.
    FlumeConnection(std::shared_ptr<FlumeIntake> intake, std::unique_ptr<Channel> channel,
                    std::unique_ptr<Protocol> protocol, std::string address, std::uint64_t number);

    void begin() { readMore(); }
    // To the request at hand; then the next one may come. Requires kHeld or kWaiting.
    void answer(bool ok);
    // The events of the request at hand are in the log.
    void hasLogged(std::uint32_t records);
    // Idempotent. The intake forgets it.
    void close();

    const Protocol& protocol() const { return *protocol_; }
    Stage stage() const { return stage_; }
    // Since when it is in its stage; of kReading, since the request began; of kWaiting, since it was
    // whole.
    Clock::time_point since() const { return since_; }
    // A request has begun to come.
    bool isWithin() const { return stage_ == Stage::kReading && protocol_->isWithin(); }
    // Of the requests, from 1.
    std::uint64_t request() const { return request_; }
    const std::string& address() const { return address_; }
    std::uint64_t number() const { return number_; }
    // Of the next event of the connection, in the log.
    std::uint64_t nextLine() const { return nextLine_; }

    // What the intake keeps with it.
    std::size_t heldBytes = 0;    // that are counted
    std::size_t neededBytes = 0;  // of its request in the log, once they are known

private:
    void channelReadable(const asio::error_code& error) override;
    void channelWritable() override;
    void readMore();
    void takeBytes(std::string_view bytes);
    void writeMore();
    void enters(Stage stage);

    const std::shared_ptr<FlumeIntake> intake_;
    const std::unique_ptr<Channel> channel_;
    const std::unique_ptr<Protocol> protocol_;
    const std::string address_;
    const std::uint64_t number_;
    std::uint64_t nextLine_ = 1;
    Stage stage_ = Stage::kReading;
    Clock::time_point since_ = Clock::now();
    std::uint64_t request_ = 0;
    std::string rest_;  // read behind a whole request
    std::string out_;   // of the answer, not written yet
    bool isReading_ = false;
};

}  // namespace tidemill::sources::flume
