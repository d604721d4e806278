// The events of a request as blocks of the log hold them. Format: docs/formats/flume_blocks.md.
// Private to sources/flume/, but for the node that reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "sources/flume/flume_event.h"

namespace tidemill::sources::flume {

inline constexpr std::size_t kHeaderTextBytesMax = 65'535;

struct EventLimits {
    std::size_t requestBytesMax = 8 << 20;
    std::size_t eventsMax = 100'000;
    std::size_t headerBytesMax = 64 << 10;
    // Events with a longer body are left out and counted.
    std::size_t bodyBytesMax = 1 << 20;
};

// What the events of a request take in the log at most.
std::size_t encodedBytesMost(const EventLimits& limits);

// Thread safety: externally synchronized.
class EventBatch {
public:
    explicit EventBatch(const EventLimits& limits) : limits_(limits) {}

    void clear();

    // For one event after another: begin(), its headers, end(). Errors (kInvalid): a limit.
    core::Result<> begin();
    core::Result<> header(std::string_view name, std::string_view value);
    void end(std::string_view body);

    // With the length of each event in front.
    std::string_view bytes() const { return bytes_; }
    std::uint32_t events() const { return events_; }
    std::uint32_t oversize() const { return oversize_; }

private:
    const EventLimits limits_;
    std::string bytes_;
    std::size_t eventBegin_ = 0;
    std::size_t headerTextBytes_ = 0;  // of the event at hand
    std::uint32_t events_ = 0, oversize_ = 0;
};

// Views into `bytes`, which are those of one event without the length in front. Nothing when they
// do not parse.
std::optional<FlumeEvent> decodeEvent(std::string_view bytes);

}  // namespace tidemill::sources::flume
