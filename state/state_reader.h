// Looks at the state of a generation: read-only, without a lock, without writing anything, also
// while a running process makes newer ones or removes this one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch_mark.h"
#include "core/error.h"
#include "core/file_system.h"
#include "core/ids.h"
#include "state/value_kind.h"

namespace tidemill::state {

class RocksStore;

struct TableSummary {
    core::OperatorId operatorId;
    std::uint8_t number = 0;
    ValueKind kind = ValueKind::kBytes;
    // From the mark; of Tidemill's own tables and of dropped operators both are empty.
    std::string operatorName;
    std::string signature;
    // Counted when asked for, else 0. The bytes are those of keys and values, not of the files,
    // which compress them.
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
};

struct ScanOptions {
    std::string_view prefix{};  // only keys that begin with this
    std::string_view from{};    // only keys not before this
    std::string_view to{};      // only keys before this; empty: all
    std::size_t limit = std::numeric_limits<std::size_t>::max();
};

// Thread safety: thread-safe.
class StateReader {
public:
    // Opens a generation's directory and holds its files open. Errors: kNotFound, kIo (it may
    // have been removed meanwhile), kCorrupt, kUnsupported.
    static core::Result<std::unique_ptr<StateReader>> open(const core::Path& generation,
                                                           std::size_t blockCacheBytes = 8 << 20);
    ~StateReader();

    const core::BatchMark& mark() const { return mark_; }

    // All tables that have rows, Tidemill's own too, by operator and number. Counting reads them.
    core::Result<std::vector<TableSummary>> tables(bool countRows) const;

    // The value's bytes as ValueCodec wrote them; of numbers, their 8.
    core::Result<std::optional<std::string>> get(core::OperatorId operatorId, std::uint8_t table,
                                                 std::string_view key) const;

    // Calls row(key, value) in the order of key bytes until it returns false, in constant memory:
    // rows are stored by key group, so this merges one cursor for each group.
    using Row = std::function<bool(std::string_view key, std::string_view value)>;
    core::Result<> scan(core::OperatorId operatorId, std::uint8_t table, const ScanOptions& options,
                        const Row& row) const;

private:
    StateReader(std::unique_ptr<RocksStore> rocks, core::BatchMark mark);
    std::unique_ptr<RocksStore> rocks_;
    core::BatchMark mark_;
};

}  // namespace tidemill::state
