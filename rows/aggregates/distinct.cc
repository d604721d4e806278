// count(distinct x) and top(n, x): exact, so they keep every different value they have seen.
#include <algorithm>
#include <functional>
#include <unordered_map>
#include <vector>

#include "core/byte_codec.h"
#include "rows/aggregates/functions.h"
#include "rows/format/value_text.h"
#include "rows/json.h"
#include "rows/key_encoding.h"

namespace tidemill::rows {
namespace {

struct BytesHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view bytes) const {
        return std::hash<std::string_view>()(bytes);
    }
};

// How often each value came; values in their key form.
struct ValueCounts {
    std::unordered_map<std::string, std::int64_t, BytesHash, std::equal_to<>> counts;
    std::size_t valueBytes = 0;

    void add(std::string_view value, std::int64_t times) {
        const auto found = counts.find(value);
        if (found != counts.end()) {
            found->second += times;
        } else {
            counts.emplace(value, times);
            valueBytes += value.size();
        }
    }
    // A node has a pointer and a hash beside its value.
    std::size_t heldBytes() const {
        return counts.bucket_count() * sizeof(void*) +
               counts.size() * (sizeof(*counts.begin()) + 2 * sizeof(void*)) + valueBytes;
    }
    void merge(const ValueCounts& other) {
        for (const auto& [value, times] : other.counts) add(value, times);
    }
    void encode(std::string& out) const {
        core::ByteWriter writer;
        for (const auto& [value, times] : counts) {
            writer.string(value);
            writer.i64(times);
        }
        out += writer.bytes();
    }
    static std::unique_ptr<ValueCounts> decode(std::string_view bytes) {
        auto counts = std::make_unique<ValueCounts>();
        core::ByteReader reader(bytes);
        while (reader.ok() && !reader.finished()) {
            const auto value = reader.string(bytes.size());
            counts->add(value, reader.i64());
        }
        return reader.ok() ? std::move(counts) : nullptr;
    }
};

// Calls f(record, key form of the value) for each row whose value is not null.
template <class F>
void forEachKeyForm(const Column& column, const GroupRows& rows, F&& f) {
    std::string form;
    forEachValue(column, rows, [&](std::byte* record, std::size_t row) {
        form.clear();
        appendKeyValue(form, column, row);
        f(record, std::string_view(form));
    });
}

class CountDistinct final : public ObjectAccumulator<ValueCounts> {
public:
    Type resultType() const override { return Type::kInt; }
    void update(const Column& column, const GroupRows& rows, std::size_t offset) const override {
        forEachKeyForm(column, rows, [&](std::byte* record, std::string_view value) {
            made(record + offset).add(value, 1);
        });
    }

private:
    void report(const ValueCounts* object, std::size_t row, ResultColumn& into) const override {
        into.values.as<Type::kInt>()[row] =
            object == nullptr ? 0 : static_cast<std::int64_t>(object->counts.size());
    }
};

// [{"value": "a", "count": 3}, ...], those that came most often first.
class TopValues final : public ObjectAccumulator<ValueCounts> {
public:
    TopValues(std::size_t n, Type type) : n_(n), type_(type) {}
    Type resultType() const override { return Type::kJson; }
    void update(const Column& column, const GroupRows& rows, std::size_t offset) const override {
        forEachKeyForm(column, rows, [&](std::byte* record, std::string_view value) {
            made(record + offset).add(value, 1);
        });
    }

private:
    void report(const ValueCounts* object, std::size_t row, ResultColumn& into) const override {
        std::vector<std::pair<std::string_view, std::int64_t>> all;
        if (object != nullptr) all.assign(object->counts.begin(), object->counts.end());
        const std::size_t n = std::min(n_, all.size());
        std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n), all.end(),
                          [](const auto& a, const auto& b) {
                              return a.second != b.second ? a.second > b.second : a.first < b.first;
                          });
        std::string json = "[";
        ColumnBuffer value(type_);
        for (std::size_t i = 0; i < n; ++i) {
            json += i == 0 ? "{" : ", {";
            value.clearNulls();
            if (!decodeKey(all[i].first, 0, std::span(&value, 1))) value.setNull(0);
            appendJsonMember(json, "value", value.column(), 0);
            json += ", \"count\": " + std::to_string(all[i].second) + "}";
        }
        json += ']';
        into.values.as<Type::kText>()[row] = into.arena.copy(json);
    }

    const std::size_t n_;
    const Type type_;
};

}  // namespace

std::shared_ptr<const Accumulator> makeDistinct(const AggregateCall& call, Type type) {
    if (call.function == "count_distinct") return std::make_shared<CountDistinct>();
    if (call.function == "top")
        return std::make_shared<TopValues>(static_cast<std::size_t>(*call.number), type);
    return nullptr;
}

}  // namespace tidemill::rows
