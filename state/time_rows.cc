#include "state/time_rows.h"

#include <algorithm>

#include "core/big_endian.h"
#include "core/check.h"
#include "core/key_group.h"

namespace tidemill::state {

using core::Result;

namespace {

std::uint64_t timeOf(std::string_view key) {
    return core::loadBigEndian<std::uint64_t>(key.data());
}

}  // namespace

std::string TimeRows::keyOf(std::uint64_t time, std::uint32_t number) const {
    std::string key;
    core::appendBigEndian(time, key);
    core::appendBigEndian(number, key);
    const std::size_t fixed = key.size();
    for (std::uint32_t salt = 0; salt <= 0xFFFF; ++salt) {
        core::appendBigEndian(static_cast<std::uint16_t>(salt), key);
        if (core::keyGroup(key) == range_.firstGroup()) return key;
        key.resize(fixed);
    }
    TM_CHECK(false, "two bytes reach every key group");
}

Walker TimeRows::walkFrom(std::uint64_t time) {
    auto walker = range_.walk({.firstGroupOnly = true});
    std::string from;
    core::appendBigEndian(std::max(time, removedBefore_), from);
    walker.seek(range_.firstGroup(), from);
    return walker;
}

Result<> TimeRows::append(std::uint64_t time, std::string_view bytes) {
    if (lastTime_ != time) {
        TM_ASSIGN(nextNumber_, countAt(time));
        lastTime_ = time;
    }
    removedBefore_ = std::min(removedBefore_, time);
    return range_.put(keyOf(time, nextNumber_++), bytes);
}

Result<> TimeRows::put(std::uint64_t time, std::string_view bytes, std::uint32_t number) {
    removedBefore_ = std::min(removedBefore_, time);
    return range_.put(keyOf(time, number), bytes);
}

Result<> TimeRows::remove(std::uint64_t time, std::uint32_t number) {
    return range_.remove(keyOf(time, number));
}

Result<> TimeRows::visit(std::uint64_t first, std::uint64_t end, const Visit& visit) {
    return visitWhile(first, end, [&](std::uint64_t time, std::string_view bytes) -> Result<bool> {
        TM_TRY(visit(time, bytes));
        return true;
    });
}

Result<> TimeRows::visitWhile(std::uint64_t first, std::uint64_t end, const VisitWhile& visit) {
    auto walker = walkFrom(first);
    for (;;) {
        TM_ASSIGN(const bool more, walker.next());
        if (!more) return {};
        const auto time = timeOf(walker.key());
        if (time >= end) return {};
        TM_ASSIGN(const bool goesOn, visit(time, walker.value()));
        if (!goesOn) return {};
    }
}

Result<std::uint32_t> TimeRows::countAt(std::uint64_t time) {
    std::uint32_t count = 0;
    TM_TRY(visit(time, time + 1, [&](std::uint64_t, std::string_view) -> Result<> {
        ++count;
        return {};
    }));
    return count;
}

Result<> TimeRows::removeBefore(std::uint64_t end) {
    auto walker = walkFrom(0);
    for (;;) {
        TM_ASSIGN(const bool more, walker.next());
        if (!more || timeOf(walker.key()) >= end) break;
        TM_TRY(walker.remove());
    }
    removedBefore_ = std::max(removedBefore_, end);
    if (lastTime_ && *lastTime_ < end) lastTime_.reset();
    return {};
}

Result<std::optional<std::uint64_t>> TimeRows::oldest() {
    std::optional<std::uint64_t> found;
    auto walker = walkFrom(0);
    TM_ASSIGN(const bool more, walker.next());
    if (more) found = timeOf(walker.key());
    return found;
}

}  // namespace tidemill::state
