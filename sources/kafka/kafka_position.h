// Positions in a partition, and what to do when the broker does not have what lies there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"

namespace tidemill::sources::kafka {

// A record that is read again to see that a partition is still the one it was.
struct Anchor {
    std::int64_t offset = 0;
    std::int64_t timestampMillis = 0;
    std::uint64_t hash = 0;  // of the record as a block holds it
    bool operator==(const Anchor&) const = default;
};

// How far a partition was taken.
struct Position {
    std::int64_t next = 0;         // the offset to go on with; those below are done
    std::optional<Anchor> anchor;  // the last record taken; none before the first
    bool operator==(const Position&) const = default;
};

// As a lane's position (core/lanes.h); docs/formats/kafka_blocks.md.
std::string encodePosition(const Position& position);
// Errors: kCorrupt.
core::Result<Position> decodePosition(std::string_view bytes);

// The offsets that a partition has: low … high - 1.
struct Watermarks {
    std::int64_t low = 0;
    std::int64_t high = 0;
};

// What is to be done with a partition when the broker says that it does not have the offset that
// was asked for: the anchor's, else the next one.
enum class OutOfRange {
    kAskAgain,   // it has it by now
    kGoOn,       // only what was read already is gone: go on at `next`, unchecked
    kExpired,    // records between `next` and the partition's beginning are gone
    kShortened,  // the partition ends before `next`: it was made anew, or cut
};
OutOfRange decideOutOfRange(const Position& position, const Watermarks& has);

// What the first record that came, when it was asked for at the anchor, says.
enum class AnchorCheck {
    kSame,       // it is the anchor: the records behind it are those to go on with
    kGone,       // the anchor is not there, but a later record is
    kDifferent,  // another record is in its place: the partition was made anew
};
AnchorCheck checkAnchor(const Anchor& expected, const Anchor& found);

}  // namespace tidemill::sources::kafka
