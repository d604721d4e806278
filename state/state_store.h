// The keyed state of a job: state tables over RocksDB, with an in-memory delta of what changed
// since the last checkpoint. The rules are in docs/architecture.md, "State".
//
// A checkpoint: freeze() at a boundary, by the thread that runs batches; then ingest() and
// linkInto() by a thread of its own while batches go on. The work directory is scratch: only what
// was linked elsewhere counts after a crash.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/batch_mark.h"
#include "core/checkpoint_file.h"
#include "core/error.h"
#include "core/file_system.h"
#include "core/ids.h"
#include "state/state_table.h"
#include "state/value_kind.h"

namespace tidemill::state {

class RocksStore;
class RowWriter;

struct StateStoreOptions {
    core::FileSystem* files = &core::posixFileSystem();
    // Holds a clone of a generation, or is empty. Used by nobody else while the store lives.
    core::Path workDirectory;
    std::size_t blockCacheBytes = 64 << 20;
    // Of the active deltas and those being ingested or kept as read cache, together.
    std::size_t deltaBudgetBytes = 256 << 20;
    // Of a key with its value; see StateLimits.
    std::size_t rowBytesMax = StateLimits::kRowBytesMost;
    // False: table files are never merged; see StreamingOptions::oneOrder.
    bool compacts = true;
};

// Tables of Tidemill's own operator, core::kSystemOperator. Table 0 holds the mark.
inline constexpr std::uint8_t kLaneTable = 1;    // lane -> position behind what was processed
inline constexpr std::uint8_t kSourceTable = 2;  // positions of replayable sources

// The changes up to one boundary, on their way into RocksDB. Moved, never copied.
struct FrozenDelta {
    struct Part {
        StateRange* range;
        std::shared_ptr<const RangeDelta> delta;
    };
    std::vector<Part> parts;  // in the order of the rows
    std::string mark;         // encoded; empty when this is no boundary
    std::vector<core::OperatorId> dropped;
    // Read caches that these parts replace: destroyed where the parts are ingested.
    std::vector<std::shared_ptr<const RangeDelta>> former;
};

// Thread safety: each member says who may call it; a StateRange belongs to one worker at a time.
class StateStore {
public:
    // Errors: kIo, kNoSpace, kCorrupt, kInvalid (a store written by something else).
    static core::Result<std::unique_ptr<StateStore>> open(const StateStoreOptions& options);

    // For contexts without a directory: nothing survives. Changes over the budget go to a RocksDB
    // in a temporary directory, which is made when first needed and removed with the store.
    static core::Result<std::unique_ptr<StateStore>> openInMemory(StateStoreOptions options = {});

    ~StateStore();
    StateStore(const StateStore&) = delete;
    StateStore& operator=(const StateStore&) = delete;

    // The mark of the boundary that the stored rows belong to; none in an empty store. Called
    // before the first change.
    core::Result<std::optional<core::BatchMark>> mark() const;

    // The table; made when first asked for, stays where it is. One table has one kind for ever.
    // Called by the thread that runs batches, between them.
    StateTable& table(core::OperatorId operatorId, std::uint8_t number, ValueKind kind,
                      std::size_t groupedFrom = 0);

    // The same if it was asked for before; else null. Called like table().
    StateTable* find(core::OperatorId operatorId, std::uint8_t number) const;

    // For messages. Called like table(), before the operator's first change.
    void setName(core::OperatorId operatorId, std::string name);
    std::string nameOf(core::OperatorId operatorId) const;

    // Removes all rows of an operator that is not among the tables. Called like table().
    void dropOperator(core::OperatorId operatorId);

    // Takes the changes so far; later ones go to fresh deltas. Cheap: swaps pointers. Called at a
    // boundary by the thread that runs batches, while no checkpoint is under way.
    FrozenDelta freeze(const core::BatchMark& mark);

    // Writes the frozen changes into RocksDB, the mark among them, and shows them to readers
    // together with what they replace, in one step. Returns the bytes written. Called by one
    // thread. An error is final: state and checkpoints stop here, spill() reports it too.
    core::Result<std::uint64_t> ingest(FrozenDelta frozen);

    // Links and copies the files of what was ingested last into `directory`, which exists and is
    // empty. Ends the checkpoint: over-budget deltas may be ingested again. An error is final.
    core::Result<std::vector<core::CheckpointFile>> linkInto(const core::Path& directory);

    // Says that the checkpoint under way will not be linked: whoever waits for that gets `error`.
    void checkpointFailed(core::Error error);

    // The deltas are so large that a checkpoint should be made at the next boundary. Thread-safe.
    bool overBudget() const;

    // Ingests all changes so far, without a mark, inside a batch: what tables do by themselves
    // when the deltas are full. Waits while a checkpoint is under way. Thread-safe.
    core::Result<> spill();

    // Memory of all deltas. Thread-safe.
    std::size_t deltaBytes() const { return activeBytes_.load() + frozenBytes_.load(); }

private:
    friend class StateRange;

    StateStore(StateStoreOptions options, std::unique_ptr<RocksStore> rocks);
    // With `moreBytes` on top of what there is.
    bool full(std::size_t moreBytes = 0) const;
    core::Result<> spillWhenFull(std::size_t moreBytes = 0);
    // Called with spillMutex_ held.
    core::Result<> writeOut();
    core::Result<> openScratch();
    FrozenDelta takeChanges();
    static void showRows(StateTable& table, const std::shared_ptr<const RocksSnapshot>& rows);
    static core::Result<> write(const FrozenDelta& frozen, RowWriter& writer);
    static core::Result<> writeRange(const FrozenDelta& frozen, std::uint32_t number,
                                     RowWriter& writer);
    core::Result<std::uint64_t> ingestAndShow(const FrozenDelta& frozen);

    const StateStoreOptions options_;
    std::unique_ptr<RocksStore> rocks_;
    core::Path scratch_;  // ours to remove; empty when the work directory was given

    std::map<std::pair<core::OperatorId, std::uint8_t>, std::unique_ptr<StateTable>> tables_;
    std::map<core::OperatorId, std::string> names_;
    std::vector<core::OperatorId> dropped_;
    std::atomic<std::size_t> activeBytes_{0};
    std::atomic<std::size_t> frozenBytes_{0};

    // Held while a spill is under way, so that freezes and ingests have one order.
    std::mutex spillMutex_;
    mutable std::mutex mutex_;
    std::condition_variable checkpointEnded_;
    bool checkpointUnderWay_ = false;
    std::optional<core::Error> failed_;
};

// The mark among the rows, none in an empty store. Errors: kIo, kCorrupt, kUnsupported.
core::Result<std::optional<core::BatchMark>> readMark(const RocksStore& rocks);

// Reads every byte of a generation's RocksDB files and compares with RocksDB's own checksums.
// Errors: kCorrupt, kIo.
core::Result<> verifyFiles(core::FileSystem& files, const core::Path& directory);

}  // namespace tidemill::state
