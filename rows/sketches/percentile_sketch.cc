#include "rows/sketches/percentile_sketch.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/byte_codec.h"

namespace tidemill::rows {

using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr double kGamma =
    (1 + PercentileSketch::kRelativeError) / (1 - PercentileSketch::kRelativeError);
// Buckets of the least and the greatest double.
constexpr std::int32_t kBucketMin = -37'300;
constexpr std::int32_t kBucketMax = 35'500;

std::int32_t bucketOfSize(double size) {
    static const double kPerLog = 1 / std::log(kGamma);
    return static_cast<std::int32_t>(std::ceil(std::log(size) * kPerLog));
}

// The size that is within the error of all sizes of the bucket.
double sizeOfBucket(std::int32_t bucket) {
    static const double kLog = std::log(kGamma);
    return std::exp(bucket * kLog) * (2 / (kGamma + 1));
}

}  // namespace

void PercentileSketch::Store::add(std::int32_t bucket, std::uint64_t count) {
    total_ += count;
    if (counts_.empty()) {
        first_ = bucket;
        counts_.push_back(count);
        return;
    }
    const auto size = static_cast<std::int32_t>(counts_.size());
    if (bucket >= first_ && bucket < first_ + size) {
        counts_[static_cast<std::size_t>(bucket - first_)] += count;
    } else if (bucket < first_) {
        const std::int32_t least = std::max(bucket, first_ + size - kBucketsMax);
        counts_.insert(counts_.begin(), static_cast<std::size_t>(first_ - least), 0);
        first_ = least;
        counts_[0] += count;
    } else {
        // Those that are now too far below the greatest become one.
        const std::int32_t least = bucket - kBucketsMax + 1;
        std::uint64_t merged = 0;
        if (least > first_) {
            const auto gone = static_cast<std::size_t>(std::min(least - first_, size));
            for (std::size_t i = 0; i < gone; ++i) merged += counts_[i];
            counts_.erase(counts_.begin(), counts_.begin() + static_cast<std::ptrdiff_t>(gone));
            first_ = least;
        }
        counts_.resize(static_cast<std::size_t>(bucket - first_) + 1);
        counts_[0] += merged;
        counts_.back() += count;
    }
}

void PercentileSketch::Store::merge(const Store& other) {
    other.forEach([&](std::int32_t bucket, std::uint64_t count) { add(bucket, count); });
}

std::int32_t PercentileSketch::Store::bucketOf(std::uint64_t rank) const {
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        below += counts_[i];
        if (rank < below) return first_ + static_cast<std::int32_t>(i);
    }
    return first_ + static_cast<std::int32_t>(counts_.size()) - 1;
}

std::uint32_t PercentileSketch::Store::used() const {
    return static_cast<std::uint32_t>(
        std::count_if(counts_.begin(), counts_.end(), [](std::uint64_t n) { return n != 0; }));
}

void PercentileSketch::add(double value) {
    if (std::isnan(value)) {
        ++nans_;
        return;
    }
    if (std::isinf(value)) {
        ++(value < 0 ? negativeInfinities_ : infinities_);
        return;
    }
    const bool isFirst = positive_.total() + negative_.total() + zeros_ == 0;
    least_ = isFirst ? value : std::min(least_, value);
    greatest_ = isFirst ? value : std::max(greatest_, value);
    if (value == 0) {
        least_ += 0.0;  // no -0, which would depend on the order
        greatest_ += 0.0;
        ++zeros_;
    } else if (value > 0) {
        positive_.add(bucketOfSize(value), 1);
    } else {
        negative_.add(bucketOfSize(-value), 1);
    }
}

void PercentileSketch::merge(const PercentileSketch& other) {
    if (other.positive_.total() + other.negative_.total() + other.zeros_ != 0) {
        const bool isFirst = positive_.total() + negative_.total() + zeros_ == 0;
        least_ = isFirst ? other.least_ : std::min(least_, other.least_);
        greatest_ = isFirst ? other.greatest_ : std::max(greatest_, other.greatest_);
    }
    positive_.merge(other.positive_);
    negative_.merge(other.negative_);
    zeros_ += other.zeros_;
    nans_ += other.nans_;
    negativeInfinities_ += other.negativeInfinities_;
    infinities_ += other.infinities_;
}

std::uint64_t PercentileSketch::count() const {
    return positive_.total() + negative_.total() + zeros_ + nans_ + negativeInfinities_ +
           infinities_;
}

std::optional<double> PercentileSketch::at(double fraction) const {
    const std::uint64_t all = count();
    if (all == 0) return std::nullopt;
    const double share = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(all - 1);
    auto rank = std::min(static_cast<std::uint64_t>(share), all - 1);
    // From the least to the greatest.
    if (rank < negativeInfinities_) return -std::numeric_limits<double>::infinity();
    rank -= negativeInfinities_;
    const std::uint64_t finite = negative_.total() + zeros_ + positive_.total();
    if (finite != 0 && rank == 0) return least_;
    if (finite != 0 && rank == finite - 1) return greatest_;
    const auto within = [&](double value) { return std::clamp(value, least_, greatest_); };
    if (rank < negative_.total())
        return within(-sizeOfBucket(negative_.bucketOf(negative_.total() - 1 - rank)));
    rank -= negative_.total();
    if (rank < zeros_) return 0;
    rank -= zeros_;
    if (rank < positive_.total()) return within(sizeOfBucket(positive_.bucketOf(rank)));
    rank -= positive_.total();
    if (rank < infinities_) return std::numeric_limits<double>::infinity();
    return std::numeric_limits<double>::quiet_NaN();
}

void PercentileSketch::encode(std::string& out) const {
    core::ByteWriter writer;
    writer.u8(kVersion);
    for (const std::uint64_t number : {zeros_, nans_, negativeInfinities_, infinities_})
        writer.u64(number);
    writer.u64(std::bit_cast<std::uint64_t>(least_));
    writer.u64(std::bit_cast<std::uint64_t>(greatest_));
    for (const Store* store : {&positive_, &negative_}) {
        writer.u32(store->used());
        store->forEach([&](std::int32_t bucket, std::uint64_t count) {
            writer.u32(static_cast<std::uint32_t>(bucket));
            writer.u64(count);
        });
    }
    out += writer.bytes();
}

Result<PercentileSketch> PercentileSketch::decode(std::string_view bytes) {
    const auto damaged = [&] {
        return fail(ErrorKind::kCorrupt, "a sketch of percentiles is damaged: " +
                                             std::to_string(bytes.size()) + " bytes");
    };
    core::ByteReader reader(bytes);
    const std::uint8_t version = reader.u8();
    if (!reader.ok()) return damaged();
    if (version != kVersion)
        return fail(ErrorKind::kUnsupported, "a sketch of percentiles has version " +
                                                 std::to_string(version) + "; this build reads 1");
    PercentileSketch sketch;
    for (auto* number :
         {&sketch.zeros_, &sketch.nans_, &sketch.negativeInfinities_, &sketch.infinities_})
        *number = reader.u64();
    sketch.least_ = std::bit_cast<double>(reader.u64());
    sketch.greatest_ = std::bit_cast<double>(reader.u64());
    for (Store* store : {&sketch.positive_, &sketch.negative_}) {
        const std::uint32_t used = reader.count(12);
        if (used > static_cast<std::uint32_t>(Store::kBucketsMax)) return damaged();
        std::int32_t first = 0;
        std::int32_t last = kBucketMin - 1;
        for (std::uint32_t i = 0; i < used; ++i) {
            const auto bucket = static_cast<std::int32_t>(reader.u32());
            const std::uint64_t count = reader.u64();
            if (i == 0) first = bucket;
            if (!reader.ok() || bucket <= last || bucket > kBucketMax || count == 0 ||
                bucket - first >= Store::kBucketsMax)
                return damaged();
            store->add(bucket, count);
            last = bucket;
        }
    }
    const double least = sketch.least_;
    const double greatest = sketch.greatest_;
    if (!reader.finished() || !std::isfinite(least) || !std::isfinite(greatest) || least > greatest)
        return damaged();
    return sketch;
}

}  // namespace tidemill::rows
