// RocksDB as the state uses it: rows come in only through ingested SST files, readers hold
// snapshots. RocksDB itself stays behind this header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/checkpoint_file.h"
#include "core/error.h"
#include "core/file_system.h"
#include "state/value_kind.h"

namespace tidemill::state {

// Rows as of one moment; keeps the database open. Thread safety: immutable.
class RocksSnapshot;

// A stored row's value: one byte ValueKind, then the value; numbers have 8 bytes little-endian.
struct RowValue {
    ValueKind kind = ValueKind::kBytes;
    std::string_view bytes;
};
// Errors: kCorrupt.
core::Result<RowValue> decodeRowValue(std::string_view stored);
// The value's bytes; a row of another kind is an error too.
core::Result<std::string_view> decodeRowValue(std::string_view stored, ValueKind expected);

// Goes through the rows of a snapshot in key order. Thread safety: worker-confined.
class RowCursor {
public:
    // Sees rows in [from, to) only; an empty `to`: to the end. Stands on the first.
    RowCursor(std::shared_ptr<const RocksSnapshot> snapshot, std::string from, std::string to);
    ~RowCursor();

    bool valid() const;
    void next();
    void seek(std::string_view key);
    std::string_view key() const;
    std::string_view value() const;  // as stored; see decodeRowValue
    // Why valid() is false: nothing wrong at the end. Errors: kIo, kCorrupt.
    core::Result<> status() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

struct RocksOptions {
    core::Path directory;
    std::size_t blockCacheBytes = 64 << 20;
    // For looking at a generation: writes nothing, holds all files open.
    bool readOnly = false;
    // Other files than the machine's go through rocksEnvironment().
    core::FileSystem* files = &core::posixFileSystem();
    bool compacts = true;
};

// Writes the files of one ingest: rows in ascending order of their keys. Thread safety:
// worker-confined. Errors of all members: kIo, kNoSpace.
class RowWriter {
public:
    ~RowWriter();
    core::Result<> put(std::string_view key, ValueKind kind, std::string_view value);
    core::Result<> merge(std::string_view key, ValueKind kind, std::string_view operand);
    core::Result<> remove(std::string_view key);
    // Removes what is stored in [from, to) already, not what this writer writes. Before the
    // first row.
    core::Result<> removeRange(std::string_view from, std::string_view to);
    // Completes the files; nothing may be written afterwards.
    core::Result<> finish();

private:
    friend class RocksStore;
    struct Impl;
    explicit RowWriter(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Thread safety: thread-safe, ingest() by one thread at a time.
class RocksStore {
public:
    // Errors: kIo, kNoSpace, kCorrupt, kNotFound (nothing there, when read-only).
    static core::Result<std::unique_ptr<RocksStore>> open(const RocksOptions& options);
    ~RocksStore();

    std::shared_ptr<const RocksSnapshot> snapshot() const;

    // values[i]: the stored value of rows[i], copied into `into`, or none. Errors: kIo, kCorrupt.
    static core::Result<> multiGet(const RocksSnapshot& snapshot,
                                   std::span<const std::string_view> rows, core::Arena& into,
                                   std::optional<std::string_view>* values);

    std::unique_ptr<RowWriter> newWriter();
    // Makes what a finished writer wrote part of the database, durably and at once. Returns the
    // bytes of its files.
    core::Result<std::uint64_t> ingest(RowWriter& writer);

    // Hard-links the table files into `directory`, which exists, and copies the others there: those
    // have no checksum.
    core::Result<std::vector<core::CheckpointFile>> linkInto(core::FileSystem& files,
                                                             const core::Path& directory);

    // Compares all files with their checksums. Errors: kCorrupt, kIo.
    core::Result<> verify();

    // As RocksDB estimates them; costs no reads of rows.
    std::uint64_t estimateRows() const;
    // Table files, for tests and benchmarks.
    std::size_t tableFiles() const;

private:
    struct Impl;
    explicit RocksStore(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace tidemill::state
