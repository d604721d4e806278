// A file as its follower knows it. Private to sources/follow/.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "core/backoff.h"
#include "sources/follow/follow_position.h"

namespace tidemill::sources::follow {

using Clock = std::chrono::steady_clock;

struct FollowedFile {
    explicit FollowedFile(FileKey fileKey, std::string laneName)
        : key(fileKey), lane(std::move(laneName)) {}

    const FileKey key;
    const std::string lane;

    // Where the lane is, and as the log has that; empty: the log does not know it.
    FollowPosition position;
    std::string logged;
    // No line ends between the position and here.
    std::uint64_t scannedTo = 0;
    // It is still to be found out whether it is a copy of another.
    bool undecided = false;
    // What lies in it was read from that file, which it is a copy of; not read itself meanwhile.
    std::optional<FileKey> copyOf;

    std::string path;  // one of its names; the last one, when it has none
    std::set<std::string> names;
    std::string firstName;                      // in this life
    std::optional<Clock::time_point> lostName;  // since when that is another's or nobody's
    std::optional<Clock::time_point> gone;      // since when it has no name

    std::uint64_t sizeBytes = 0;     // as it was seen last
    std::uint64_t largestBytes = 0;  // since its generation began
    std::int64_t modifiedNanos = 0;
    Clock::time_point changed{};
    // The look at which it seemed to have begun anew; 0: it did not. It is believed at the next
    // one, which shows a copy that was made before.
    std::uint64_t doubtedAt = 0;
    bool endsLine = false;  // its unfinished last line is to be taken
    bool lossSaid = false;  // that it is gone with bytes that were not read
    bool troubled = false;  // it could not be read the last time
    core::Backoff backoff{std::chrono::seconds(1), 1};
    Clock::time_point retryAt{};
};

}  // namespace tidemill::sources::follow
