#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>

#include "core/big_endian.h"
#include "core/check.h"
#include "state/delta.h"
#include "state/range_view.h"
#include "state/rocks_store.h"
#include "state/row_key.h"
#include "state/state_store.h"
#include "state/state_table.h"

namespace tidemill::state {
namespace {

// Where a row lies in the order of a range.
struct Place {
    std::uint8_t group;
    std::string_view key;
    auto operator<=>(const Place&) const = default;
};

std::uint64_t firstWord(std::string_view key) {
    char bytes[sizeof(std::uint64_t)] = {};
    std::memcpy(bytes, key.data(), std::min(key.size(), sizeof bytes));
    return core::loadBigEndian<std::uint64_t>(bytes);
}

Place placeOf(const RangeDelta& delta, const RangeDelta::Slot& slot) {
    return {slot.group, delta.keyOf(slot)};
}

}  // namespace

using core::Result;

// A merge of up to three sorted inputs: active delta, frozen delta, rows.
struct Walker::Impl {
    StateRange& range;
    std::string prefix;
    const std::uint64_t wordsBefore;
    std::uint64_t leastNotVisible = std::numeric_limits<std::uint64_t>::max();  // among the rows
    std::shared_ptr<const RangeDelta> active;
    std::shared_ptr<const RangeView> view;
    const std::uint8_t firstGroup;
    const std::uint8_t lastGroup;
    std::optional<SortedChanges> activeChanges, frozenChanges;
    std::optional<RowCursor> rows;
    bool atRow = false;

    std::uint8_t group = 0;
    std::string key;
    std::uint64_t number = 0;
    const char* data = nullptr;
    std::size_t size = 0;

    ValueKind kind() const { return range.table().kind(); }
    std::string prefixIn(std::uint8_t keyGroup) const {
        return rowPrefix(keyGroup, range.table().operatorId(), range.table().number());
    }

    Impl(StateRange& r, const WalkOptions& options)
        : range(r),
          prefix(options.prefix),
          wordsBefore(options.wordsBefore),
          firstGroup(r.firstGroup()),
          lastGroup(options.firstGroupOnly
                        ? firstGroup
                        : static_cast<std::uint8_t>(firstGroup +
                                                    core::kKeyGroups / core::kKeyRanges - 1)) {
        auto pinned = r.pin();
        active = std::move(pinned.active);
        view = std::move(pinned.view);
        if (active) activeChanges.emplace(*active, firstGroup, wordsBefore);
        // view->ingested is in the rows.
        if (view->frozen) frozenChanges.emplace(*view->frozen, firstGroup, wordsBefore);
        if (view->rows) {
            rows.emplace(view->rows, prefixIn(firstGroup), endOfPrefix(prefixIn(lastGroup)));
            skipOtherTables();
        }
    }

    Place rowPlace() const {
        const std::string_view row = rows->key();
        return {groupOfRow(row), keyOfRow(row)};
    }

    // Between the table's rows of one key group and of the next lie those of other tables.
    void skipOtherTables() {
        while (rows && rows->valid()) {
            const std::string_view row = rows->key();
            const std::uint8_t at = groupOfRow(row);
            const std::string own = prefixIn(at);
            if (row.starts_with(own)) return;
            if (row < own) rows->seek(own);
            else if (at < lastGroup) rows->seek(prefixIn(static_cast<std::uint8_t>(at + 1)));
            else rows.reset();
        }
    }

    void seek(std::uint8_t toGroup, std::string_view toKey) {
        atRow = false;
        if (activeChanges) activeChanges->seek(toGroup, toKey);
        if (frozenChanges) frozenChanges->seek(toGroup, toKey);
        if (rows) {
            rows->seek(prefixIn(toGroup) += toKey);
            skipOtherTables();
        }
    }

    // Rows that are left out, up to the next that is not.
    void scanRows() {
        while (rows && rows->valid()) {
            const auto place = rowPlace();
            const auto word = firstWord(place.key);
            if (word < wordsBefore) return;
            leastNotVisible = std::min(leastNotVisible, word);
            if (place.group >= lastGroup) return rows.reset();
            rows->seek(prefixIn(static_cast<std::uint8_t>(place.group + 1)));
            skipOtherTables();
        }
    }

    // The first place that any input stands on.
    std::optional<Place> least() const {
        std::optional<Place> least;
        const auto consider = [&](const Place& place) {
            if (!least || place < *least) least = place;
        };
        if (activeChanges)
            if (const auto* slot = activeChanges->current()) consider(placeOf(*active, *slot));
        if (frozenChanges)
            if (const auto* slot = frozenChanges->current())
                consider(placeOf(*view->frozen, *slot));
        if (rows && rows->valid()) consider(rowPlace());
        return least;
    }

    // Steps over everything that stands on the row at hand.
    void leaveRow() {
        const Place here{group, key};
        if (activeChanges)
            if (const auto* slot = activeChanges->current();
                slot && placeOf(*active, *slot) == here)
                activeChanges->next();
        if (frozenChanges)
            if (const auto* slot = frozenChanges->current();
                slot && placeOf(*view->frozen, *slot) == here)
                frozenChanges->next();
        if (rows && rows->valid() && rowPlace() == here) {
            rows->next();
            skipOtherTables();
        }
        atRow = false;
    }

    // True: nothing below matters any more.
    bool apply(const RangeDelta& delta, const std::optional<SortedChanges>& changes, bool& found) {
        const auto* slot = changes->current();
        if (slot == nullptr || placeOf(delta, *slot) != Place{group, key}) return false;
        if (changeOf(*slot) == Change::kRemoved) return true;
        if (isNumber(kind())) {
            number = found ? reduceNumbers(kind(), number, slot->value) : slot->value;
        } else {
            const auto value = delta.valueOf(*slot);
            data = value.data();
            size = value.size();
        }
        found = true;
        return changeOf(*slot) == Change::kValue;
    }

    // Works the value of the row at hand out; false when it was removed.
    Result<bool> resolve() {
        bool found = false;
        if (activeChanges && apply(*active, activeChanges, found)) return found;
        if (frozenChanges && apply(*view->frozen, frozenChanges, found)) return found;
        if (!rows || !rows->valid() || rowPlace() != Place{group, key}) return found;
        TM_ASSIGN(const auto value, decodeRowValue(rows->value(), kind()));
        if (isNumber(kind())) {
            std::uint64_t stored = 0;
            std::memcpy(&stored, value.data(), sizeof stored);
            number = found ? reduceNumbers(kind(), number, stored) : stored;
        } else {
            data = value.data();
            size = value.size();
        }
        return true;
    }

    // Skips to where keys with the prefix may be; true when `place` has it.
    bool inPrefix(const Place& place) {
        if (place.key.starts_with(prefix)) return true;
        const std::uint8_t here = place.group;
        if (place.key < prefix) {
            seek(here, prefix);
        } else if (here < lastGroup) {
            seek(static_cast<std::uint8_t>(here + 1), prefix);
        } else {
            activeChanges.reset();
            frozenChanges.reset();
            rows.reset();
        }
        return false;
    }

    Result<bool> next() {
        if (atRow) leaveRow();
        while (true) {
            if (wordsBefore != 0) scanRows();
            if (rows && !rows->valid()) {
                TM_TRY(rows->status());
            }
            const auto place = least();
            if (!place) return false;
            if (!inPrefix(*place)) continue;
            group = place->group;
            key = place->key;
            TM_ASSIGN(const bool live, resolve());
            atRow = true;
            if (live) return true;
            leaveRow();
        }
    }
};

Walker::Walker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Walker::Walker(Walker&&) noexcept = default;
Walker& Walker::operator=(Walker&&) noexcept = default;
Walker::~Walker() = default;

Walker StateRange::walk(const WalkOptions& options) {
    return Walker(std::make_unique<Walker::Impl>(*this, options));
}

Result<bool> Walker::next() { return impl_->next(); }
void Walker::seek(std::uint8_t group, std::string_view key) { impl_->seek(group, key); }
std::uint64_t Walker::leastNotVisible() const {
    auto least = impl_->leastNotVisible;
    for (const auto* changes : {&impl_->activeChanges, &impl_->frozenChanges})
        if (*changes) least = std::min(least, (*changes)->leastNotVisible());
    return least;
}

std::string_view Walker::key() const { return impl_->key; }
std::string_view Walker::value() const {
    if (isNumber(impl_->kind())) return {reinterpret_cast<const char*>(&impl_->number), 8};
    return {impl_->data, impl_->size};
}
Result<> Walker::replace(std::string_view value) {
    TM_CHECK(impl_->atRow, "a walker that stands on no row is told to replace it");
    if (value == this->value()) return {};
    return impl_->range.put(impl_->key, value);
}
Result<> Walker::remove() {
    TM_CHECK(impl_->atRow, "a walker that stands on no row is told to remove it");
    return impl_->range.remove(impl_->key);
}

}  // namespace tidemill::state
