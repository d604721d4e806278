// What an aggregation keeps of a group: its key and a record of accumulators; and how these lie in
// memory, in windows and in running state.
//
// A record is the places of its accumulators one after another, those that own objects last.
// Stored, it is the bytes before those, and for each of those a u32 length and the object's bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rows/aggregates/functions.h"
#include "rows/schema.h"

namespace tidemill::rows {

struct AggregateColumn {
    std::string name;
    AggregateCall call;
    std::optional<std::size_t> place;  // of the argument, in the rows aggregated
    std::optional<Type> type;          // of the argument
    bool isLoose = false;              // the argument, see makeAccumulator
    std::shared_ptr<const Accumulator> accumulator;
};

// Thread safety: immutable.
class GroupLayout {
public:
    GroupLayout(std::vector<ColumnSpec> key, std::vector<AggregateColumn> aggregates);

    const std::vector<ColumnSpec>& key() const { return key_; }
    const std::vector<AggregateColumn>& aggregates() const { return aggregates_; }
    // Of the i-th aggregate's place in a record.
    std::size_t offset(std::size_t i) const { return offsets_[i]; }
    std::size_t recordBytes() const { return recordBytes_; }
    // No accumulator owns an object: a record is stored as it is.
    bool isFixed() const { return fixedBytes_ == recordBytes_; }

    // The columns of the result: those of the key, then those of the aggregates. Errors: kInvalid,
    // two of one name.
    core::Result<Schema> schema() const;

    void merge(std::byte* into, const std::byte* from) const;
    // Memory of the objects of a record, about.
    std::size_t objectBytes(const std::byte* record) const;
    // Deletes the objects of a record.
    void destroy(std::byte* record) const;
    void encode(const std::byte* record, std::string& out) const;
    // Into a record of zeros or of objects that are replaced. Errors: kCorrupt.
    core::Result<> decode(std::string_view bytes, std::byte* record) const;

    // ` key=["path" text] value=[count(), sum("bytes" int)] names=["n", "total"]`: how stored
    // groups are known; the names may change. See parseGroupSignature.
    std::string signature() const;

private:
    std::vector<ColumnSpec> key_;
    std::vector<AggregateColumn> aggregates_;
    std::vector<std::size_t> offsets_;
    std::vector<std::size_t> owners_;  // aggregates that own objects
    std::size_t fixedBytes_ = 0;
    std::size_t recordBytes_ = 0;
};

// The layout of groups that are stored under a signature; null when it is of another kind.
std::shared_ptr<const GroupLayout> parseGroupSignature(std::string_view signature);

// One record of its own. Thread safety: worker-confined.
class GroupRecord {
public:
    explicit GroupRecord(const GroupLayout& layout)
        : layout_(layout), bytes_(std::make_unique<std::byte[]>(layout.recordBytes() + 1)) {}
    ~GroupRecord() { layout_.destroy(bytes_.get()); }
    GroupRecord(const GroupRecord&) = delete;
    GroupRecord& operator=(const GroupRecord&) = delete;

    std::byte* get() const { return bytes_.get(); }
    // As if nothing had been seen.
    void clear();

private:
    const GroupLayout& layout_;
    std::unique_ptr<std::byte[]> bytes_;
};

// Merges stored records. Thread safety: copies are worker-confined.
class GroupMerge {
public:
    explicit GroupMerge(std::shared_ptr<const GroupLayout> layout) : layout_(std::move(layout)) {}

    // `older` with what `newer`, which is later in the stream, holds. Throws TaskFailure
    // (kCorrupt).
    std::string operator()(std::string_view older, std::string_view newer) const;
    void mergeInto(std::string& older, std::string_view newer) const;

private:
    std::shared_ptr<const GroupLayout> layout_;
};

}  // namespace tidemill::rows
