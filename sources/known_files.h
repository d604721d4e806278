// Which files a source knows, and the rows of the state that keep them.
#pragma once

#include <cstdint>
#include <set>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/error.h"
#include "core/replayable_source.h"
#include "sources/file_range.h"

namespace tidemill::sources {

// Changed by what batches record, so that it is the same after a replay.
// Thread safety: externally synchronized.
class KnownFiles {
public:
    struct Known : KnownFile {
        bool complained = false;  // that it has changed
    };
    using PositionChange = core::ReplayableSource::PositionChange;

    // A row of the state; `key` is empty for the header's. Errors: kCorrupt, kUnsupported.
    core::Result<> restore(std::string_view key, std::string_view value);
    // What a batch took, left and forgot.
    void apply(const FileRange& range);
    // Whether a batch with this range changes any row.
    bool wouldChange(const FileRange& range) const;
    // The rows that have changed since the last call.
    std::vector<PositionChange> takeChanges();

    // Null: it is new.
    Known* find(FileId id);
    bool contains(FileId id) const { return known_.contains(id); }
    // A file of which batches read no more, before a batch's range says so.
    void putDone(const FileMark& mark) {
        known_[mark.id] = Known{{mark, mark.sizeBytes, true, {}, {}}};
    }
    template <class F>
    void forEachId(F f) const {
        for (const auto& [id, known] : known_) f(id);
    }
    // Those of which batches to come read more.
    const std::set<FileId>& unfinished() const { return unfinished_; }

    // See FileRange.
    bool begun = false;
    std::int64_t oldBeforeMillis = 0;

private:
    void keep(Known known);

    bool headerKept_ = false;
    std::unordered_map<FileId, Known> known_;
    std::set<FileId> unfinished_;
    std::vector<PositionChange> changes_;
};

}  // namespace tidemill::sources
