// Rows of one key range that are found by the time they belong to, not by a key: what a batch
// brought into a window, which keys it touched. Oldest first, each time's in the order in which
// they were added.
//
// A row's key is its time and number, big-endian, and two bytes chosen so that the key falls into
// the first key group of the range: the order of rows is then the order of time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "state/state_table.h"

namespace tidemill::state {

// Times are whatever the operator counts in; only their order matters. Bytes are whatever it
// stores. Thread safety: worker-confined, with its range. Errors of all members: kIo, kNoSpace,
// kCorrupt.
class TimeRows {
public:
    // `range` belongs to a table of bytes that holds nothing else.
    explicit TimeRows(StateRange& range) : range_(range) {}

    core::Result<> append(std::uint64_t time, std::string_view bytes);

    // Sets a row by its number, for times that append() is never used for. Numbers need not follow
    // each other.
    core::Result<> put(std::uint64_t time, std::string_view bytes, std::uint32_t number = 0);
    core::Result<> remove(std::uint64_t time, std::uint32_t number);

    // Calls visit(time, bytes) for every row with first <= time < end; the bytes hold until it
    // returns or adds or removes a row. The walk shows the rows of its beginning.
    using Visit = std::function<core::Result<>(std::uint64_t time, std::string_view bytes)>;
    core::Result<> visit(std::uint64_t first, std::uint64_t end, const Visit& visit);

    // The same as long as it answers true.
    using VisitWhile =
        std::function<core::Result<bool>(std::uint64_t time, std::string_view bytes)>;
    core::Result<> visitWhile(std::uint64_t first, std::uint64_t end, const VisitWhile& visit);

    // Removes the rows with time < end.
    core::Result<> removeBefore(std::uint64_t end);

    StateLimits limits() const { return range_.limits(); }

    // The lowest time there is.
    core::Result<std::optional<std::uint64_t>> oldest();

private:
    std::string keyOf(std::uint64_t time, std::uint32_t number) const;
    core::Result<std::uint32_t> countAt(std::uint64_t time);
    Walker walkFrom(std::uint64_t time);

    StateRange& range_;
    // Where the next row of the time that was added to last goes.
    std::optional<std::uint64_t> lastTime_;
    std::uint32_t nextNumber_ = 0;
    // Nothing lies before it: walks need not pass what was removed.
    std::uint64_t removedBefore_ = 0;
};

}  // namespace tidemill::state
