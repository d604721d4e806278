// approx_distinct (HyperLogLog) and approx_percentile (DDSketch): small, mergeable, and with a stated
// error.
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "core/byte_codec.h"
#include "rows/aggregates/functions.h"
#include "rows/key_encoding.h"

namespace tidemill::rows {
namespace {

// P. Flajolet et al. 2007, with 2^12 registers: a standard error of 1.6 %. Up to kExact different
// hashes are kept themselves, and counted exactly.
struct DistinctSketch {
    static constexpr unsigned kIndexBits = 12;
    static constexpr std::size_t kRegisters = std::size_t{1} << kIndexBits;
    static constexpr std::size_t kExact = 256;

    std::vector<std::uint64_t> hashes;      // sorted, each once; until there are registers
    std::vector<std::uint8_t> registers;

    void add(std::uint64_t hash) {
        if (!registers.empty()) return note(hash);
        const auto at = std::lower_bound(hashes.begin(), hashes.end(), hash);
        if (at != hashes.end() && *at == hash) return;
        hashes.insert(at, hash);
        if (hashes.size() > kExact) toRegisters();
    }
    void merge(const DistinctSketch& other) {
        for (const auto hash : other.hashes) add(hash);
        if (other.registers.empty()) return;
        if (registers.empty()) toRegisters();
        for (std::size_t i = 0; i < kRegisters; ++i)
            registers[i] = std::max(registers[i], other.registers[i]);
    }
    std::int64_t estimate() const {
        if (registers.empty()) return static_cast<std::int64_t>(hashes.size());
        constexpr double kSize = kRegisters, kAlpha = 0.7213 / (1 + 1.079 / kSize);
        double sum = 0, zeros = 0;
        for (const auto rank : registers) {
            sum += std::ldexp(1.0, -static_cast<int>(rank));
            zeros += rank == 0;
        }
        const double raw = kAlpha * kSize * kSize / sum;
        const double best =
            raw <= 2.5 * kSize && zeros != 0 ? kSize * std::log(kSize / zeros) : raw;
        return static_cast<std::int64_t>(best + 0.5);
    }
    void encode(std::string& out) const {
        core::ByteWriter writer;
        if (registers.empty()) {
            writer.u8('h');
            for (const auto hash : hashes) writer.u64(hash);
        } else {
            writer.u8('r');
            writer.raw(registers.data(), registers.size());
        }
        out += writer.bytes();
    }
    static std::unique_ptr<DistinctSketch> decode(std::string_view bytes) {
        auto sketch = std::make_unique<DistinctSketch>();
        core::ByteReader reader(bytes);
        const auto form = reader.u8();
        if (form == 'r') {
            const auto ranks = reader.raw(kRegisters);
            sketch->registers.assign(ranks.begin(), ranks.end());
            return reader.finished() ? std::move(sketch) : nullptr;
        }
        while (reader.ok() && !reader.finished()) sketch->hashes.push_back(reader.u64());
        return form == 'h' && reader.ok() && sketch->hashes.size() <= kExact ? std::move(sketch)
                                                                             : nullptr;
    }

private:
    void note(std::uint64_t hash) {
        const std::size_t index = hash >> (64 - kIndexBits);
        const auto rest = hash << kIndexBits | std::uint64_t{1} << (kIndexBits - 1);
        const auto rank = static_cast<std::uint8_t>(std::countl_zero(rest) + 1);
        registers[index] = std::max(registers[index], rank);
    }
    void toRegisters() {
        registers.assign(kRegisters, 0);
        for (const auto hash : hashes) note(hash);
        hashes.clear();
        hashes.shrink_to_fit();
    }
};

class ApproxDistinct final : public ObjectAccumulator<DistinctSketch> {
public:
    Type resultType() const override { return Type::kInt; }
    void update(const Column& column, const GroupRows& rows, std::size_t offset) const override {
        std::string form;
        forEachValue(column, rows, [&](std::byte* record, std::size_t row) {
            form.clear();
            appendKeyValue(form, column, row);
            made(record + offset).add(XXH3_64bits(form.data(), form.size()));
        });
    }

private:
    void tell(const DistinctSketch* object, std::size_t row, ResultColumn& into) const override {
        into.values.as<Type::kInt>()[row] = object == nullptr ? 0 : object->estimate();
    }
};

// C. Masson et al. 2019: counts of numbers whose logarithms lie together. What it answers is at
// most 1 % from a value of that rank.
struct PercentileSketch {
    static constexpr double kError = 0.01;
    static constexpr double kGamma = (1 + kError) / (1 - kError);

    std::map<std::int32_t, std::int64_t> positive, negative;  // by the bucket of the magnitude
    std::int64_t zeros = 0, nans = 0, count = 0;
    double least = 0, most = 0;  // of numbers

    void add(double value) {
        ++count;
        if (std::isnan(value)) {
            ++nans;
            return;
        }
        if (count - nans == 1) least = most = value;
        least = std::min(least, value);
        most = std::max(most, value);
        if (value == 0) ++zeros;
        else ++(value > 0 ? positive : negative)[bucketOf(std::abs(value))];
    }
    void merge(const PercentileSketch& other) {
        if (other.count > other.nans) {
            const bool isFirst = count == nans;
            least = isFirst ? other.least : std::min(least, other.least);
            most = isFirst ? other.most : std::max(most, other.most);
        }
        for (const auto& [bucket, times] : other.positive) positive[bucket] += times;
        for (const auto& [bucket, times] : other.negative) negative[bucket] += times;
        zeros += other.zeros;
        nans += other.nans;
        count += other.count;
    }
    // Of the value at rank share * (count - 1), rounded down.
    double percentile(double share) const {
        auto rank = static_cast<std::int64_t>(share * static_cast<double>(count - 1));
        if (rank == 0 && count != nans) return least;
        if (rank >= count - nans) return std::nan("");
        if (rank == count - nans - 1) return most;
        for (auto at = negative.rbegin(); at != negative.rend(); ++at)
            if ((rank -= at->second) < 0) return within(-valueOf(at->first));
        if ((rank -= zeros) < 0) return 0;
        for (const auto& [bucket, times] : positive)
            if ((rank -= times) < 0) return within(valueOf(bucket));
        return most;
    }
    void encode(std::string& out) const {
        core::ByteWriter writer;
        for (const auto number : {zeros, nans, count}) writer.i64(number);
        writer.raw(&least, sizeof least);
        writer.raw(&most, sizeof most);
        for (const auto* side : {&positive, &negative}) {
            writer.u32(static_cast<std::uint32_t>(side->size()));
            for (const auto& [bucket, times] : *side) {
                writer.u32(static_cast<std::uint32_t>(bucket));
                writer.i64(times);
            }
        }
        out += writer.bytes();
    }
    static std::unique_ptr<PercentileSketch> decode(std::string_view bytes) {
        auto sketch = std::make_unique<PercentileSketch>();
        core::ByteReader reader(bytes);
        for (auto* number : {&sketch->zeros, &sketch->nans, &sketch->count}) *number = reader.i64();
        for (auto* number : {&sketch->least, &sketch->most})
            if (const auto raw = reader.raw(sizeof *number); reader.ok())
                std::memcpy(number, raw.data(), sizeof *number);
        for (auto* side : {&sketch->positive, &sketch->negative})
            for (auto left = reader.count(12); left != 0; --left) {
                const auto bucket = static_cast<std::int32_t>(reader.u32());
                (*side)[bucket] = reader.i64();
            }
        return reader.finished() ? std::move(sketch) : nullptr;
    }

private:
    static std::int32_t bucketOf(double magnitude) {
        if (std::isinf(magnitude)) magnitude = std::numeric_limits<double>::max();
        return static_cast<std::int32_t>(std::ceil(std::log(magnitude) / std::log(kGamma)));
    }
    static double valueOf(std::int32_t bucket) {
        return 2 * std::exp(bucket * std::log(kGamma)) / (kGamma + 1);
    }
    double within(double value) const { return std::clamp(value, least, most); }
};

template <Type type>
class ApproxPercentile final : public ObjectAccumulator<PercentileSketch> {
public:
    explicit ApproxPercentile(double share) : share_(share) {}
    Type resultType() const override { return Type::kFloat; }
    void update(const Column& column, const GroupRows& rows, std::size_t offset) const override {
        const auto* values = column.as<type>();
        forEachValue(column, rows, [&](std::byte* record, std::size_t row) {
            made(record + offset).add(static_cast<double>(values[row]));
        });
    }

private:
    void tell(const PercentileSketch* object, std::size_t row, ResultColumn& into) const override {
        if (object == nullptr || object->count == 0) return into.values.setNull(row);
        into.values.as<Type::kFloat>()[row] = object->percentile(share_);
    }

    const double share_;
};

}  // namespace

std::shared_ptr<const Accumulator> makeApproximate(const AggregateCall& call, Type type) {
    if (call.function == "approx_distinct") return std::make_shared<ApproxDistinct>();
    if (call.function != "approx_percentile") return nullptr;
    if (type == Type::kInt) return std::make_shared<ApproxPercentile<Type::kInt>>(*call.number);
    if (type == Type::kFloat) return std::make_shared<ApproxPercentile<Type::kFloat>>(*call.number);
    return nullptr;
}

}  // namespace tidemill::rows
