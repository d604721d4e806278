// Time as the engine counts it.
#pragma once

#include <chrono>
#include <cstdint>

namespace tidemill {

// Length of batch intervals, windows and slides.
using Duration = std::chrono::milliseconds;

// Longer spans than a century are refused: sums with them would overflow.
inline constexpr Duration kDurationMax = std::chrono::days(36525);

// A point of wall time, in milliseconds since the Unix epoch; batch times are of this type.
using BatchTime = std::chrono::sys_time<std::chrono::milliseconds>;

inline std::int64_t toMillis(BatchTime time) { return time.time_since_epoch().count(); }
inline BatchTime fromMillis(std::int64_t millis) { return BatchTime(Duration(millis)); }

}  // namespace tidemill
