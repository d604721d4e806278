#include "state/state_table.h"

#include <algorithm>
#include <cstring>

#include "core/check.h"
#include "core/logging.h"
#include "core/mutant.h"
#include "state/delta.h"
#include "state/range_view.h"
#include "state/rocks_store.h"
#include "state/row_key.h"
#include "state/state_store.h"

namespace tidemill::state {

using core::Result;

Lookup::Lookup() = default;
Lookup::~Lookup() = default;

StateTable::StateTable(StateStore& store, core::OperatorId operatorId, std::uint8_t number,
                       ValueKind kind, std::size_t groupedFrom)
    : operatorId_(operatorId), number_(number), kind_(kind), groupedFrom_(groupedFrom) {
    for (std::uint32_t range = 0; range < core::kKeyRanges; ++range)
        ranges_[range] = std::make_unique<StateRange>(store, *this, range);
}

StateRange::StateRange(StateStore& store, StateTable& table, std::uint32_t range)
    : store_(store),
      table_(table),
      range_(range),
      rowBytesMax_(store.options_.rowBytesMax),
      view_(std::make_shared<const RangeView>()) {}
StateRange::~StateRange() = default;

// A table that is to double asks first: two tables, doubled, could pass the budget by half of it.
// Returns what there is no room for.
std::size_t StateRange::reserve(std::size_t count) {
    std::lock_guard lock(mutex_);
    const std::size_t growthBytes = active_ ? active_->growthBytes(count) : 0;
    if (growthBytes == 0) return 0;
    store_.activeBytes_ += growthBytes;  // first, so that two tables do not take the same room
    if (store_.full()) {
        store_.activeBytes_ -= growthBytes;
        return growthBytes;
    }
    countedBytes_ += growthBytes;
    return 0;
}

template <class F>
Result<> StateRange::change(std::size_t count, F&& f) {
    while (const std::size_t missingBytes = reserve(count)) {
        const Pinned pinned = pin();  // what is written may lie in the delta
        TM_TRY(store_.spillWhenFull(missingBytes));
    }
    {
        std::lock_guard lock(mutex_);
        if (!active_) active_ = std::make_shared<RangeDelta>(table_.kind(), table_.groupedFrom());
        f(*active_);
        // Without a directory nothing is ingested for a long time, and every walk would go over
        // the keys of all the past.
        if (!view_->frozen && !view_->rows && active_->isMostlyRemoved())
            active_ = active_->withoutRemoved();
        const std::size_t bytes = active_->bytes();
        store_.activeBytes_ += bytes - countedBytes_;
        countedBytes_ = bytes;
    }
    return store_.spillWhenFull();
}

StateLimits StateLimits::of(std::string owner, std::size_t rowBytesMax) {
    StateLimits limits;
    limits.owner = std::move(owner);
    limits.rowBytes = std::min(rowBytesMax, kRowBytesMost);
    limits.pieceBytes = std::min(limits.pieceBytes, limits.rowBytes);
    limits.scanBytes = std::min(limits.scanBytes, 4 * limits.rowBytes);
    return limits;
}

Result<> StateLimits::check(std::string_view key, std::size_t valueBytes) const {
    if (key.size() + valueBytes <= rowBytes) return {};
    return core::fail(core::ErrorKind::kInvalid,
                      "what the state \"" + core::escaped(owner) + "\" keeps of the key \"" +
                          core::escaped(key, 64) +
                          "\" is too large: bytes=" + std::to_string(key.size() + valueBytes) +
                          " of which key=" + std::to_string(key.size()) +
                          " limit=" + std::to_string(rowBytes));
}

StateLimits StateRange::limits() const {
    return StateLimits::of(store_.nameOf(table_.operatorId()), rowBytesMax_);
}

Result<> StateRange::checkSizes(core::KeyViews keys, std::size_t count,
                                const std::string_view* values) const {
    // Room for what TimeRows and the windows store around a value of the largest size.
    constexpr std::size_t kAroundBytes = 64;
    for (std::size_t i = 0; i < count; ++i) {
        std::string_view key = keys[i];
        const std::size_t valueBytes = values == nullptr ? sizeof(std::uint64_t) : values[i].size();
        if (key.size() + valueBytes <= rowBytesMax_) [[likely]]
            continue;
        const std::size_t around = table_.number() == 0 ? 0 : kAroundBytes;
        TM_TRY(limits().check(key, valueBytes - std::min(valueBytes, around)));
    }
    return {};
}

Result<> StateRange::merge(core::KeyViews keys, std::size_t count, const std::uint64_t* operands) {
    TM_TRY(checkSizes(keys, count, nullptr));
    return change(count, [&](RangeDelta& delta) { delta.merge(keys, count, operands); });
}
Result<> StateRange::put(core::KeyViews keys, std::size_t count, const std::string_view* values) {
    TM_TRY(checkSizes(keys, count, values));
    return change(count, [&](RangeDelta& delta) { delta.put(keys, count, values); });
}
Result<> StateRange::put(std::string_view key, std::string_view value) {
    TM_TRY(checkSizes({reinterpret_cast<const char*>(&key)}, 1, &value));
    return change(1, [&](RangeDelta& delta) { delta.put(key, value); });
}
Result<> StateRange::remove(std::string_view key) {
    return change(1, [&](RangeDelta& delta) { delta.remove(key); });
}

StateRange::Pinned StateRange::pin() const {
    std::lock_guard lock(mutex_);
    return {active_, view_};
}

StateRange::Frozen StateRange::freeze() {
    std::lock_guard lock(mutex_);
    TM_CHECK(view_->frozen == nullptr, "a delta is frozen before the one frozen last was ingested");
    auto taken = std::exchange(active_, nullptr);
    if (taken && taken->empty()) taken = nullptr;
    auto former = view_->ingested;
    view_ = std::make_shared<const RangeView>(RangeView{taken, nullptr, view_->rows});
    return {std::move(taken), std::move(former), std::exchange(countedBytes_, 0)};
}

void StateRange::show(std::shared_ptr<const RocksSnapshot> rows) {
    std::lock_guard lock(mutex_);
    const auto& ingested = view_->frozen ? view_->frozen : view_->ingested;
    view_ = std::make_shared<const RangeView>(RangeView{nullptr, ingested, std::move(rows)});
}

namespace {

enum class Operands { kApply, kInTheRows };

// What a delta adds to an answer. True: nothing below matters any more.
bool apply(const RangeDelta* delta, std::string_view key, Operands operands, const char*& data,
           std::uint64_t& number, bool& found) {
    if (delta == nullptr) return false;
    const auto* slot = delta->find(key);
    if (slot == nullptr) return false;
    switch (changeOf(*slot)) {
        case Change::kRemoved: return true;
        case Change::kOperand:
            if (operands == Operands::kInTheRows && !TM_MUTANT(operand_counted_twice)) return false;
            number = found ? reduceNumbers(delta->kind(), number, slot->value) : slot->value;
            found = true;
            return false;
        default: break;
    }
    if (isNumber(delta->kind())) {
        number = found ? reduceNumbers(delta->kind(), number, slot->value) : slot->value;
    } else {
        const std::string_view value = delta->valueOf(*slot);
        data = value.data();
        number = value.size();
    }
    found = true;
    return true;
}

}  // namespace

Result<> StateRange::get(core::KeyViews keys, std::size_t count, Lookup& into) {
    auto [active, view] = pin();
    into.entries_.assign(count, {});
    into.missing_.clear();
    into.rows_.clear();
    into.arena_.reset();
    std::string prefix = rowPrefix(0, table_.operatorId(), table_.number());
    const auto keyAt = [&](std::size_t i) {
        return *reinterpret_cast<const std::string_view*>(keys.first + i * keys.strideBytes);
    };
    for (std::size_t i = 0; i < count; ++i) {
        auto& entry = into.entries_[i];
        const std::string_view key = keyAt(i);
        const auto decidedBy = [&](const auto& delta, Operands operands) {
            return apply(delta.get(), key, operands, entry.data, entry.number, entry.found);
        };
        if (decidedBy(active, Operands::kApply) || decidedBy(view->frozen, Operands::kApply) ||
            decidedBy(view->ingested, Operands::kInTheRows) || !view->rows)
            continue;
        into.missing_.push_back(static_cast<std::uint32_t>(i));
        prefix[0] = static_cast<char>(table_.groupOf(key));
        into.rows_ += prefix;
        into.rows_ += key;
    }
    const Result<> read = into.missing_.empty() ? Result<>{} : readRows(*view, keyAt, into);
    into.active_ = std::move(active);
    into.view_ = std::move(view);
    return read;
}

template <class KeyAt>
Result<> StateRange::readRows(const RangeView& view, KeyAt&& keyAt, Lookup& into) const {
    into.rowViews_.clear();
    std::size_t begin = 0;
    for (const auto i : into.missing_) {
        const std::size_t size = kRowPrefixBytes + keyAt(i).size();
        into.rowViews_.push_back(std::string_view(into.rows_).substr(begin, size));
        begin += size;
    }
    into.stored_.resize(into.missing_.size());
    TM_TRY(RocksStore::multiGet(*view.rows, into.rowViews_, into.arena_, into.stored_.data()));
    for (std::size_t m = 0; m < into.missing_.size(); ++m) {
        if (!into.stored_[m]) continue;
        TM_ASSIGN(const auto value, decodeRowValue(*into.stored_[m], table_.kind()));
        auto& entry = into.entries_[into.missing_[m]];
        if (isNumber(table_.kind())) {
            std::uint64_t number = 0;
            std::memcpy(&number, value.data(), sizeof number);
            entry.number =
                entry.found ? reduceNumbers(table_.kind(), entry.number, number) : number;
        } else {
            entry.data = value.data();
            entry.number = value.size();
        }
        entry.found = true;
    }
    return {};
}

}  // namespace tidemill::state
