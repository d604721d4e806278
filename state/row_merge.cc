// The merge operator of RocksDB for reductions that are exact in any order and grouping.
#include <rocksdb/merge_operator.h>

#include <cstring>

#include "state/rocks_options.h"
#include "state/rocks_store.h"
#include "state/value_kind.h"

namespace tidemill::state {
namespace {

constexpr std::size_t kNumberRowBytes = 9;

// False when the row is not a number of the same kind as `kind` (when one is known already).
bool numberOf(const rocksdb::Slice& stored, std::uint8_t& kind, std::uint64_t& number) {
    if (stored.size() != kNumberRowBytes) return false;
    const auto byte = static_cast<std::uint8_t>(stored[0]);
    if (!isValueKind(byte) || !isNumber(ValueKind{byte}) || (kind != 0 && byte != kind))
        return false;
    kind = byte;
    std::memcpy(&number, stored.data() + 1, sizeof number);
    return true;
}

bool add(const rocksdb::Slice& operand, std::uint8_t& kind, std::uint64_t& sum) {
    const bool first = kind == 0;
    std::uint64_t number = 0;
    if (!numberOf(operand, kind, number)) return false;
    sum = first ? number : reduceNumbers(ValueKind{kind}, sum, number);
    return true;
}

void store(std::uint8_t kind, std::uint64_t number, std::string& into) {
    into.assign(1, static_cast<char>(kind));
    into.append(reinterpret_cast<const char*>(&number), sizeof number);
}

// Returning false makes RocksDB answer Corruption for that row.
class RowMerge final : public rocksdb::MergeOperator {
public:
    const char* Name() const override { return "tidemill.row_merge.1"; }

    bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
        std::uint8_t kind = 0;
        std::uint64_t sum = 0;
        if (in.existing_value != nullptr && !add(*in.existing_value, kind, sum)) return false;
        for (const auto& operand : in.operand_list)
            if (!add(operand, kind, sum)) return false;
        store(kind, sum, out->new_value);
        return true;
    }

    bool PartialMerge(const rocksdb::Slice&, const rocksdb::Slice& left,
                      const rocksdb::Slice& right, std::string* out,
                      rocksdb::Logger*) const override {
        std::uint8_t kind = 0;
        std::uint64_t sum = 0;
        if (!add(left, kind, sum) || !add(right, kind, sum)) return false;
        store(kind, sum, *out);
        return true;
    }
};

}  // namespace

std::shared_ptr<rocksdb::MergeOperator> rowMergeOperator() { return std::make_shared<RowMerge>(); }

core::Result<RowValue> decodeRowValue(std::string_view stored) {
    const bool known = !stored.empty() && isValueKind(static_cast<std::uint8_t>(stored[0]));
    const auto kind = known ? static_cast<ValueKind>(stored[0]) : ValueKind::kBytes;
    if (!known || (isNumber(kind) && stored.size() != kNumberRowBytes))
        return core::fail(core::ErrorKind::kCorrupt,
                          "state row has no valid value: bytes=" + std::to_string(stored.size()));
    return RowValue{kind, stored.substr(1)};
}

core::Result<std::string_view> decodeRowValue(std::string_view stored, ValueKind expected) {
    TM_ASSIGN(const auto value, decodeRowValue(stored));
    if (value.kind != expected)
        return core::fail(core::ErrorKind::kCorrupt,
                          "state row has a value of another kind: kind=" +
                              std::to_string(static_cast<int>(value.kind)) +
                              " expected=" + std::to_string(static_cast<int>(expected)));
    return value.bytes;
}

}  // namespace tidemill::state
