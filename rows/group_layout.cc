#include "rows/group_layout.h"

#include <cstring>

#include "core/byte_codec.h"
#include "core/workers.h"

namespace tidemill::rows {

using core::ErrorKind;
using core::fail;
using core::Result;

GroupLayout::GroupLayout(std::vector<ColumnSpec> key, std::vector<AggregateColumn> aggregates)
    : key_(std::move(key)), aggregates_(std::move(aggregates)), offsets_(aggregates_.size()) {
    for (const bool owning : {false, true}) {
        for (std::size_t i = 0; i < aggregates_.size(); ++i) {
            const auto& accumulator = *aggregates_[i].accumulator;
            if (accumulator.ownsObject() != owning) continue;
            offsets_[i] = recordBytes_;
            recordBytes_ += accumulator.bytes();
            if (owning) owners_.push_back(i);
        }
        if (!owning) fixedBytes_ = recordBytes_;
    }
}

Result<Schema> GroupLayout::schema() const {
    std::vector<ColumnSpec> columns = key_;
    for (const auto& aggregate : aggregates_) {
        columns.push_back({aggregate.name, aggregate.accumulator->resultType()});
        columns.back().isLoose = columns.back().type == Type::kJson && aggregate.isLoose;
    }
    return Schema::of(std::move(columns));
}

void GroupLayout::merge(std::byte* into, const std::byte* from) const {
    for (std::size_t i = 0; i < aggregates_.size(); ++i)
        aggregates_[i].accumulator->merge(into + offsets_[i], from + offsets_[i]);
}

std::size_t GroupLayout::objectBytes(const std::byte* record) const {
    std::size_t bytes = 0;
    for (const auto i : owners_)
        bytes += aggregates_[i].accumulator->objectBytes(record + offsets_[i]);
    return bytes;
}

void GroupLayout::destroy(std::byte* record) const {
    for (const auto i : owners_) aggregates_[i].accumulator->destroy(record + offsets_[i]);
}

void GroupLayout::encode(const std::byte* record, std::string& out) const {
    out.append(reinterpret_cast<const char*>(record), fixedBytes_);
    for (const auto i : owners_) {
        const std::size_t begin = out.size();
        out.append(sizeof(std::uint32_t), '\0');
        aggregates_[i].accumulator->encode(record + offsets_[i], out);
        const std::size_t size = out.size() - begin - sizeof(std::uint32_t);
        if (size > 0xFFFF'FFFFu)
            throw core::TaskFailure(core::Error{
                ErrorKind::kInvalid, aggregates_[i].name + " of one group takes more than 4 GiB"});
        const auto length = static_cast<std::uint32_t>(size);  // little-endian, as this machine is
        std::memcpy(out.data() + begin, &length, sizeof length);
    }
}

Result<> GroupLayout::decode(std::string_view bytes, std::byte* record) const {
    core::ByteReader reader(bytes);
    const auto fixed = reader.raw(fixedBytes_);
    if (reader.ok() && fixedBytes_ != 0) std::memcpy(record, fixed.data(), fixedBytes_);
    for (const auto i : owners_) {
        const auto object = reader.string(bytes.size());
        if (!reader.ok()) break;
        aggregates_[i].accumulator->destroy(record + offsets_[i]);
        TM_TRY(aggregates_[i].accumulator->decode(object, record + offsets_[i]));
    }
    if (!reader.finished())
        return fail(ErrorKind::kCorrupt,
                    "stored aggregates of " + std::to_string(bytes.size()) +
                        " bytes are not of this step's functions, which fill " +
                        std::to_string(fixedBytes_));
    return {};
}

void GroupRecord::clear() {
    layout_.destroy(bytes_.get());
    std::memset(bytes_.get(), 0, layout_.recordBytes());
}

std::string GroupMerge::operator()(std::string_view older, std::string_view newer) const {
    std::string merged(older);
    mergeInto(merged, newer);
    return merged;
}

void GroupMerge::mergeInto(std::string& older, std::string_view newer) const {
    if (layout_->isFixed()) {
        if (older.size() != layout_->recordBytes() || newer.size() != layout_->recordBytes())
            throw core::TaskFailure(core::Error{
                ErrorKind::kCorrupt, "stored aggregates are not of this step's functions"});
        return layout_->merge(reinterpret_cast<std::byte*>(older.data()),
                              reinterpret_cast<const std::byte*>(newer.data()));
    }
    GroupRecord into(*layout_), from(*layout_);
    core::orThrow(layout_->decode(older, into.get()));
    core::orThrow(layout_->decode(newer, from.get()));
    layout_->merge(into.get(), from.get());
    older.clear();
    layout_->encode(into.get(), older);
}

}  // namespace tidemill::rows
