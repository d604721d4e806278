// The file behind a lookup as a source: the record of a batch that first sees a version holds its
// bytes, and the state holds those of the last one.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/file_system.h"
#include "core/replayable_source.h"
#include "rows/lookup/lookup_table.h"

namespace tidemill::rows {

// Thread safety: see ReplayableSource.
class LookupSource final : public core::ReplayableSource {
public:
    // `key`: places of the columns that rows are looked up by.
    LookupSource(core::FileSystem& files, LookupTableFile file, std::vector<std::size_t> key)
        : files_(files), file_(std::move(file)), key_(std::move(key)) {}

    // What the batch at hand sees; null before the first. By the scheduler's thread.
    const std::shared_ptr<const LookupTable>& table() const { return table_; }

    core::Result<> open(const core::SourceOpening& opening) override;
    // Errors, when there is no version yet: kNotFound, kIo, kInvalid.
    core::Result<> start() override;
    core::Result<std::size_t> prepare(core::Instant now, std::size_t bytesMax) override;
    core::Result<Plan> plan(const Limits& limits) override;
    core::Result<> resumeBehind(std::string_view range) override;
    // A table has no records of its own.
    core::Result<> visitRecords(std::string_view, const Visit&) override { return {}; }
    std::vector<PositionChange> takeChanges() override;
    core::SourceStatistics statistics() const override;

    // Larger files are refused; so is one that is larger than a batch's record has room for.
    static constexpr std::uint64_t kFileBytesMax = 16 << 20;

private:
    // What tells one content of a path from another.
    struct Look {
        std::uint64_t device = 0, inode = 0, sizeBytes = 0;
        std::int64_t modifiedNanos = 0;
        bool operator==(const Look&) const = default;
    };
    struct Version {
        std::string content;
        std::shared_ptr<const LookupTable> table;
    };

    core::Result<Version> read();
    core::Result<Version> versionOf(std::string content) const;
    void take(Version version);
    std::string lane() const;

    core::FileSystem& files_;
    const LookupTableFile file_;
    const std::vector<std::size_t> key_;

    std::shared_ptr<const LookupTable> table_;
    std::string content_;           // of table_
    bool isKept_ = true;            // content_ is in the state
    std::optional<Version> next_;   // what the next batch is to see
    std::optional<Look> lastLook_;  // what `next_` or `table_` came of, or what was refused
    std::string complaint_;         // the last one, not to be repeated
    std::atomic<std::uint64_t> rows_ = 0, bytes_ = 0;
};

}  // namespace tidemill::rows
