// The numbers by which the log tells connections apart.
#pragma once

#include <cstdint>
#include <string>

#include "core/ids.h"

namespace tidemill::core {

// The upper 32 bits are the process start (log epoch) in which the connection was made, so that
// numbers never come twice in a data directory. Of the lower 32, sockets count up from 1; those
// with the highest bit set stand for what a program pushes into the queue of one source.
inline constexpr std::uint32_t kSocketConnectionsMax = 0x7fff'ffff;  // then they begin again at 1

inline std::uint64_t socketConnection(std::uint32_t epoch, std::uint32_t count) {
    return std::uint64_t{epoch} << 32 | count;
}
inline std::uint64_t queueConnection(std::uint32_t epoch, SourceId source) {
    return std::uint64_t{epoch} << 32 | 0x8000'0000U | source.value;
}

// For people: "connection 3 of start 2", or "what start 2 was given" of a queue.
inline std::string describeConnection(std::uint64_t connection) {
    const auto start = std::to_string(connection >> 32);
    const auto count = static_cast<std::uint32_t>(connection);
    if ((count & 0x8000'0000U) != 0) return "what start " + start + " was given";
    return "connection " + std::to_string(count) + " of start " + start;
}

}  // namespace tidemill::core
