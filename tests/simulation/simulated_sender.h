// An acknowledged sender without a network: it numbers its lines in a session, asks the log where
// to go on after a crash, and learns what is durable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "tidemill/streaming_context.h"

namespace tidemill::test {

// Lives as long as the world that the job runs in. Thread safety: for the scheduler's thread of one
// life at a time; acknowledgedLines() between lives.
class SimulatedSender : public std::enable_shared_from_this<SimulatedSender> {
public:
    // `lineOf(n)`: line n from 1, without its end; `linesUntil(time)`: how many lines it has sent
    // once the batch at `time` begins.
    SimulatedSender(std::function<std::string(std::uint64_t)> lineOf,
                    std::function<std::uint64_t(BatchTime)> linesUntil)
        : lineOf_(std::move(lineOf)), linesUntil_(std::move(linesUntil)) {}

    // The stream of its lines in a new context.
    DStream<std::string_view> stream(StreamingContext& context);

    // Lines the log has said are durable.
    std::uint64_t acknowledgedLines() const { return acknowledged_; }

private:
    class Connection;
    void send(core::BlockLog& log, core::SourceId source, BatchTime time);

    const std::function<std::string(std::uint64_t)> lineOf_;
    const std::function<std::uint64_t(BatchTime)> linesUntil_;
    std::uint64_t acknowledged_ = 0;
};

}  // namespace tidemill::test
