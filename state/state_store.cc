#include "state/state_store.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/check.h"
#include "core/failpoint.h"
#include "core/mutant.h"
#include "state/delta.h"
#include "state/range_view.h"
#include "state/rocks_store.h"
#include "state/row_key.h"

namespace tidemill::state {

using core::Result;

StateStore::StateStore(StateStoreOptions options, std::unique_ptr<RocksStore> rocks)
    : options_(std::move(options)), rocks_(std::move(rocks)) {}

StateStore::~StateStore() {
    tables_.clear();
    rocks_.reset();
    // An error is ignored: the store is gone, and nobody is left to act on it.
    if (!scratch_.empty()) (void)core::posixFileSystem().removeTree(scratch_);
}

Result<std::unique_ptr<StateStore>> StateStore::open(const StateStoreOptions& options) {
    TM_ASSIGN(auto rocks, RocksStore::open({.directory = options.workDirectory,
                                            .blockCacheBytes = options.blockCacheBytes,
                                            .files = options.files,
                                            .compacts = options.compacts}));
    return std::unique_ptr<StateStore>(new StateStore(options, std::move(rocks)));
}

Result<std::unique_ptr<StateStore>> StateStore::openInMemory(StateStoreOptions options) {
    return std::unique_ptr<StateStore>(new StateStore(std::move(options), nullptr));
}

Result<> StateStore::openScratch() {
    std::error_code error;
    const auto base = std::filesystem::temp_directory_path(error);
    std::string made = ((error ? core::Path("/tmp") : base) / "tidemill-state-XXXXXX").string();
    if (::mkdtemp(made.data()) == nullptr) return core::failErrno(errno, "mkdtemp failed: " + made);
    scratch_ = made;
    TM_ASSIGN(rocks_, RocksStore::open(
                          {.directory = scratch_, .blockCacheBytes = options_.blockCacheBytes}));
    return {};
}

Result<std::optional<core::BatchMark>> StateStore::mark() const {
    if (!rocks_) return std::optional<core::BatchMark>();
    TM_ASSIGN(const auto mark, readMark(*rocks_));
    return mark;
}

StateTable& StateStore::table(core::OperatorId operatorId, std::uint8_t number, ValueKind kind,
                              std::size_t groupedFrom) {
    std::lock_guard lock(mutex_);
    auto& table = tables_[{operatorId, number}];
    if (!table) {
        table = std::make_unique<StateTable>(*this, operatorId, number, kind, groupedFrom);
        if (rocks_) showRows(*table, rocks_->snapshot());
    }
    TM_CHECK(table->kind() == kind && table->groupedFrom() == groupedFrom,
             "a state table is asked for as one of another kind");
    return *table;
}

StateTable* StateStore::find(core::OperatorId operatorId, std::uint8_t number) const {
    std::lock_guard lock(mutex_);
    const auto found = tables_.find({operatorId, number});
    return found != tables_.end() ? found->second.get() : nullptr;
}

void StateStore::showRows(StateTable& table, const std::shared_ptr<const RocksSnapshot>& rows) {
    for (std::uint32_t range = 0; range < core::kKeyRanges; ++range) table.range(range).show(rows);
}

void StateStore::setName(core::OperatorId operatorId, std::string name) {
    std::lock_guard lock(mutex_);
    names_[operatorId] = std::move(name);
}

std::string StateStore::nameOf(core::OperatorId operatorId) const {
    std::lock_guard lock(mutex_);
    const auto found = names_.find(operatorId);
    return found != names_.end() ? found->second : "operator " + std::to_string(operatorId.value);
}

void StateStore::dropOperator(core::OperatorId operatorId) {
    std::lock_guard lock(mutex_);
    const auto found = tables_.lower_bound({operatorId, 0});
    TM_CHECK(found == tables_.end() || found->first.first != operatorId,
             "an operator is dropped whose tables are in use");
    dropped_.push_back(operatorId);
}

// The changes of all ranges in the order of their rows.
FrozenDelta StateStore::takeChanges() {
    FrozenDelta frozen;
    std::size_t bytes = 0, countedBytes = 0;
    std::lock_guard lock(mutex_);
    for (auto& [id, table] : tables_) {
        for (std::uint32_t number = 0; number < core::kKeyRanges; ++number) {
            StateRange& range = table->range(number);
            auto taken = range.freeze();
            countedBytes += taken.countedBytes;
            if (taken.former) frozen.former.push_back(std::move(taken.former));
            if (!taken.delta) continue;
            bytes += taken.delta->bytes();
            frozen.parts.push_back({&range, std::move(taken.delta)});
        }
    }
    // Not range by range: other workers would fill what is still to be taken.
    activeBytes_ -= countedBytes;
    frozen.dropped = std::exchange(dropped_, {});
    frozenBytes_ = bytes;
    return frozen;
}

FrozenDelta StateStore::freeze(const core::BatchMark& mark) {
    std::lock_guard spill(spillMutex_);
    {
        std::lock_guard lock(mutex_);
        TM_CHECK(!checkpointUnderWay_, "a checkpoint begins while another one is under way");
        checkpointUnderWay_ = true;
    }
    auto frozen = takeChanges();
    frozen.mark = core::encodeBatchMark(mark);
    return frozen;
}

// The changes of one key range, group by group, in each table by table.
Result<> StateStore::writeRange(const FrozenDelta& frozen, std::uint32_t number,
                                RowWriter& writer) {
    struct Part {
        const StateTable& table;
        const RangeDelta& delta;
        SortedChanges changes;
    };
    std::vector<Part> parts;
    std::uint32_t first = 0;
    for (const auto& [range, delta] : frozen.parts) {
        if (core::keyRangeOf(range->firstGroup()) != number) continue;
        first = range->firstGroup();
        parts.push_back({range->table(), *delta, SortedChanges(*delta, range->firstGroup())});
    }
    if (parts.empty()) return {};
    for (std::uint32_t group = first; group < first + core::kKeyGroups / core::kKeyRanges; ++group)
        for (auto& [table, delta, changes] : parts) {
            std::string row =
                rowPrefix(static_cast<std::uint8_t>(group), table.operatorId(), table.number());
            for (; const auto* slot = changes.current(); changes.next()) {
                if (slot->group != group) break;
                row.resize(kRowPrefixBytes);
                row += delta.keyOf(*slot);
                switch (changeOf(*slot)) {
                    case Change::kRemoved:
                        if (!TM_MUTANT(removal_not_stored)) TM_TRY(writer.remove(row));
                        break;
                    case Change::kOperand:
                        if (TM_MUTANT(operand_replaces_the_row))
                            TM_TRY(writer.put(row, table.kind(), delta.valueOf(*slot)));
                        else TM_TRY(writer.merge(row, table.kind(), delta.valueOf(*slot)));
                        break;
                    default: TM_TRY(writer.put(row, table.kind(), delta.valueOf(*slot)));
                }
            }
        }
    return {};
}

// One pass through the sorted changes into the files to ingest.
Result<> StateStore::write(const FrozenDelta& frozen, RowWriter& writer) {
    for (std::uint32_t group = 0; group < core::kKeyGroups; ++group)
        for (const auto dropped : frozen.dropped) {
            const auto prefix = operatorPrefix(static_cast<std::uint8_t>(group), dropped);
            if (TM_MUTANT(dropped_rows_left)) continue;
            TM_TRY(writer.removeRange(prefix, endOfPrefix(prefix)));
        }
    if (!frozen.mark.empty() && !TM_MUTANT(mark_outside_the_atomic_step))
        TM_TRY(writer.put(markRowKey(), ValueKind::kBytes, frozen.mark));
    for (std::uint32_t range = TM_MUTANT(rows_not_persisted_with_the_mark) ? 1 : 0;
         range < core::kKeyRanges; ++range)
        TM_TRY(writeRange(frozen, range, writer));
    return writer.finish();
}

Result<std::uint64_t> StateStore::ingestAndShow(const FrozenDelta& frozen) {
    const core::ActivityScope activity(core::Activity::kIngest);
    const auto writer = rocks_->newWriter();
    TM_TRY(write(frozen, *writer));
    if (!frozen.mark.empty()) TM_FAILPOINT("ckpt.afterSst");
    TM_ASSIGN(const auto bytes, rocks_->ingest(*writer));
    const auto rows = rocks_->snapshot();
    std::lock_guard lock(mutex_);
    for (auto& [id, table] : tables_) showRows(*table, rows);
    return bytes;
}

Result<std::uint64_t> StateStore::ingest(FrozenDelta frozen) {
    frozen.former.clear();
    auto bytes = ingestAndShow(frozen);
    if (bytes)
        if (auto passed = core::reachFailpoint("ckpt.afterIngest"); !passed)
            bytes = core::fail(passed.error());
    if (!bytes) checkpointFailed(bytes.error());
    return bytes;
}

Result<std::vector<core::CheckpointFile>> StateStore::linkInto(const core::Path& directory) {
    auto linked = rocks_->linkInto(*options_.files, directory);
    if (!linked) {
        checkpointFailed(linked.error());
        return core::fail(linked.error());
    }
    {
        std::lock_guard lock(mutex_);
        checkpointUnderWay_ = false;
    }
    checkpointEnded_.notify_all();
    return linked;
}

void StateStore::checkpointFailed(core::Error error) {
    {
        std::lock_guard lock(mutex_);
        if (!failed_) failed_ = std::move(error);
    }
    checkpointEnded_.notify_all();
}

// Seven sixteenths of the budget are for the active changes, as many for those that are being
// ingested or serve as a cache; the rest is for values, whose size nobody asks for before they are
// written. A checkpoint is asked for a little before tables write changes out inside a batch.
bool StateStore::overBudget() const { return activeBytes_ > options_.deltaBudgetBytes / 16 * 6; }
bool StateStore::full(std::size_t moreBytes) const {
    return activeBytes_ + moreBytes > options_.deltaBudgetBytes / 16 * 7;
}

Result<> StateStore::spill() {
    std::lock_guard one(spillMutex_);
    return writeOut();
}

Result<> StateStore::spillWhenFull(std::size_t moreBytes) {
    if (!full(moreBytes)) return {};
    std::lock_guard one(spillMutex_);
    return full(moreBytes) ? writeOut() : Result<>{};
}

Result<> StateStore::writeOut() {
    {
        // Nothing may come between a checkpoint's ingest and its link.
        std::unique_lock lock(mutex_);
        checkpointEnded_.wait(lock, [this] {
            return !checkpointUnderWay_ || failed_ || TM_MUTANT(written_between_ingest_and_link);
        });
        if (failed_) return core::fail(*failed_);
    }
    if (!rocks_) TM_TRY(openScratch());
    auto frozen = takeChanges();
    frozen.former.clear();
    auto done = ingestAndShow(frozen);
    if (!done) {
        checkpointFailed(done.error());
        return core::fail(done.error());
    }
    return core::reachFailpoint("delta.afterIngest");
}

Result<std::optional<core::BatchMark>> readMark(const RocksStore& rocks) {
    const std::string row = markRowKey();
    const std::string_view rowView = row;
    core::Arena arena;
    std::optional<std::string_view> stored;
    TM_TRY(RocksStore::multiGet(*rocks.snapshot(), {&rowView, 1}, arena, &stored));
    if (!stored) return std::optional<core::BatchMark>();
    TM_ASSIGN(const auto value, decodeRowValue(*stored, ValueKind::kBytes));
    TM_ASSIGN(auto mark, core::decodeBatchMark(value));
    return std::optional(std::move(mark));
}

Result<> verifyFiles(core::FileSystem& files, const core::Path& directory) {
    TM_ASSIGN(const auto rocks, RocksStore::open({.directory = directory,
                                                  .blockCacheBytes = 1 << 20,
                                                  .readOnly = true,
                                                  .files = &files}));
    return rocks->verify();
}

}  // namespace tidemill::state
