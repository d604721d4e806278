#include "rows/sketches/distinct_sketch.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/byte_codec.h"

namespace tidemill::rows {

using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kHashes = 0;
constexpr std::uint8_t kRegisters = 1;
constexpr int kIndexBits = 12;
constexpr std::size_t kRegisterCount = std::size_t{1} << kIndexBits;
constexpr int kRankBits = 64 - kIndexBits;  // a register is 0 ... kRankBits + 1

// Ertl's sigma and tau: what registers at their least and their greatest value stand for.
double sigma(double x) {
    if (x == 1) return HUGE_VAL;
    double y = 1;
    double z = x;
    for (double last = -1; z != last;) {
        x *= x;
        last = z;
        z += x * y;
        y += y;
    }
    return z;
}

double tau(double x) {
    if (x == 0 || x == 1) return 0;
    double y = 1;
    double z = 1 - x;
    for (double last = -1; z != last;) {
        x = std::sqrt(x);
        last = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    }
    return z / 3;
}

}  // namespace

void DistinctSketch::add(std::string_view value) {
    addHash(XXH3_64bits(value.data(), value.size()));
}

void DistinctSketch::addHash(std::uint64_t hash) {
    if (!registers_.empty()) {
        setRegister(hash);
        return;
    }
    const auto at = std::lower_bound(hashes_.begin(), hashes_.end(), hash);
    if (at != hashes_.end() && *at == hash) return;
    hashes_.insert(at, hash);
    if (hashes_.size() > kExactMax) makeRegisters();
}

void DistinctSketch::setRegister(std::uint64_t hash) {
    const std::uint64_t rest = hash << kIndexBits;
    const int rank = rest == 0 ? kRankBits + 1 : std::countl_zero(rest) + 1;
    auto& held = registers_[hash >> kRankBits];
    held = std::max(held, static_cast<std::uint8_t>(rank));
}

void DistinctSketch::makeRegisters() {
    registers_.resize(kRegisterCount);
    for (const std::uint64_t hash : hashes_) setRegister(hash);
    hashes_.clear();
    hashes_.shrink_to_fit();
}

void DistinctSketch::merge(const DistinctSketch& other) {
    for (const std::uint64_t hash : other.hashes_) addHash(hash);
    if (other.registers_.empty()) return;
    if (registers_.empty()) makeRegisters();
    for (std::size_t i = 0; i < kRegisterCount; ++i)
        registers_[i] = std::max(registers_[i], other.registers_[i]);
}

std::uint64_t DistinctSketch::estimate() const {
    if (registers_.empty()) return hashes_.size();
    double counts[kRankBits + 2] = {};
    for (const std::uint8_t rank : registers_) ++counts[rank];
    constexpr double kCount = kRegisterCount;
    double z = kCount * tau(1 - counts[kRankBits + 1] / kCount);
    for (int rank = kRankBits; rank >= 1; --rank) z = 0.5 * (z + counts[rank]);
    z += kCount * sigma(counts[0] / kCount);
    constexpr double kAlpha = 0.721347520444481703680;  // 1 / (2 ln 2)
    const double estimate = kAlpha * kCount * kCount / z;
    // All registers at their greatest value: more than hashes can tell apart.
    return static_cast<std::uint64_t>(std::llround(std::min(estimate, 9.2e18)));
}

void DistinctSketch::encode(std::string& out) const {
    core::ByteWriter writer;
    writer.u8(kVersion);
    writer.u8(registers_.empty() ? kHashes : kRegisters);
    for (const std::uint64_t hash : hashes_) writer.u64(hash);
    writer.raw(registers_.data(), registers_.size());
    out += writer.bytes();
}

Result<DistinctSketch> DistinctSketch::decode(std::string_view bytes) {
    core::ByteReader reader(bytes);
    const std::uint8_t version = reader.u8();
    const std::uint8_t kind = reader.u8();
    const auto damaged = [&] {
        return fail(ErrorKind::kCorrupt, "a sketch of distinct values is damaged: " +
                                             std::to_string(bytes.size()) + " bytes");
    };
    if (!reader.ok()) return damaged();
    if (version != kVersion)
        return fail(ErrorKind::kUnsupported, "a sketch of distinct values has version " +
                                                 std::to_string(version) + "; this build reads 1");
    const std::size_t left = bytes.size() - 2;
    DistinctSketch sketch;
    if (kind == kHashes) {
        if (left % 8 != 0 || left / 8 > kExactMax) return damaged();
        for (std::size_t i = 0; i < left / 8; ++i) {
            const std::uint64_t hash = reader.u64();
            if (i > 0 && hash <= sketch.hashes_.back()) return damaged();
            sketch.hashes_.push_back(hash);
        }
        return sketch;
    }
    if (kind != kRegisters || left != kRegisterCount) return damaged();
    const std::string_view registers = reader.raw(left);
    sketch.registers_.assign(registers.begin(), registers.end());
    for (const std::uint8_t rank : sketch.registers_)
        if (rank > kRankBits + 1) return damaged();
    return sketch;
}

}  // namespace tidemill::rows
