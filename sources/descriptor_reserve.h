// Descriptors that clients leave to the log, the state and the checkpoints. Private to sources/.
#pragma once

#include <sys/resource.h>

#include <algorithm>

namespace tidemill::sources {

// Files that connections leave to the others, where the process may have that many.
inline constexpr rlim_t kDescriptorsReservedMax = 256;

// Whether a socket that was just accepted is one too many. A new descriptor has the lowest free
// number, so the number says how many are in use.
inline bool leavesTooFewDescriptors(int fd) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
    const rlim_t reserve = std::min<rlim_t>(kDescriptorsReservedMax, limit.rlim_cur / 3);
    return static_cast<rlim_t>(fd) >= limit.rlim_cur - reserve;
}

}  // namespace tidemill::sources
