// Positions in a shard, and what to do when the service does not have what lies there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"

namespace tidemill::sources::kinesis {

// Of the service's.
inline constexpr std::size_t kSequenceDigitsMax = 129;
bool isSequenceNumber(std::string_view text);

// How far a shard was taken.
struct Position {
    enum class Kind : std::uint8_t {
        kBeginning = 0,  // at the oldest record that there is
        kTime = 1,       // at the first one that arrived at `timeMillis` or later
        kRecord = 2,     // behind `taken` records of the one at `sequence`
        kFinished = 3,   // the shard was read to its end
    };
    Kind kind = Kind::kBeginning;
    // By our clock: all that had arrived by then was taken. So as long as the stream keeps records
    // for longer than that is ago, none can have expired unread.
    std::int64_t readUntilMillis = 0;
    std::int64_t timeMillis = 0;
    // kRecord: the anchor, which is read again at a start.
    std::string sequence{};
    std::uint32_t taken = 0;  // of those that it holds: one, or those of an aggregate
    std::int64_t arrivalMillis = 0;
    std::uint64_t hash = 0;  // of partition key and data

    bool operator==(const Position&) const = default;
};

// As a lane's position (core/lanes.h); docs/formats/kinesis_blocks.md.
std::string encodePosition(const Position& position);
// Errors: kCorrupt.
core::Result<Position> decodePosition(std::string_view bytes);

// A record of the service, before it is unpacked: what tells it from another in its place.
std::uint64_t hashOfRecord(std::string_view partitionKey, std::string_view data);

// What the first record says that came when a shard was asked for at its position.
enum class FirstRecord {
    kAnchor,     // it is the anchor: what lies behind it is next
    kNext,       // the anchor is not there, but nothing that was not taken can have expired
    kExpired,    // records that were not taken may have expired
    kDifferent,  // another record has the anchor's number: the stream was made anew
};
struct FoundRecord {
    std::string_view sequence;
    std::uint64_t hash = 0;
};
// `found`: nothing when the shard's end was reached without one. `keptMillis`: how long the stream
// keeps records.
FirstRecord decideFirst(const Position& position, const std::optional<FoundRecord>& found,
                        std::int64_t nowMillis, std::int64_t keptMillis);

// Records may have expired before they were taken.
bool mayHaveExpired(const Position& position, std::int64_t nowMillis, std::int64_t keptMillis);

// The identity of the stream, and when its shards were listed last: the position of a lane of no
// shard, which is there once all shards of the first start have theirs.
struct StreamPosition {
    std::int64_t createdMillis = 0;
    std::int64_t listedMillis = 0;  // by our clock
    bool operator==(const StreamPosition&) const = default;
};
std::string encodeStreamPosition(const StreamPosition& position);
// Errors: kCorrupt.
core::Result<StreamPosition> decodeStreamPosition(std::string_view bytes);

}  // namespace tidemill::sources::kinesis
