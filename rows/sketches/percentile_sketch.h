// Percentiles of numbers, about, in little memory: DDSketch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace tidemill::rows {

// An answer is within kRelativeError of the value that has that rank: 1 % of the value itself, not
// of the rank. Masson, Rim, Lee, "DDSketch: a fast and fully-mergeable quantile sketch with
// relative-error guarantees", VLDB 2019. This holds for all values whose size is within a factor of
// 6e17 of the largest of their sign; smaller ones count as the smallest that are told apart. The
// same values make the same bytes, in whatever order they were added and merged.
// Thread safety: worker-confined.
class PercentileSketch {
public:
    static constexpr double kRelativeError = 0.01;

    // NaN orders after all numbers.
    void add(double value);
    void merge(const PercentileSketch& other);

    std::uint64_t count() const;
    // Memory it has beside itself.
    std::size_t heldBytes() const { return positive_.heldBytes() + negative_.heldBytes(); }
    // The value that a share of `fraction` (0 ... 1) of all lies below: that of rank
    // floor(fraction * (count - 1)); the least and the greatest are exact. Nothing without values.
    std::optional<double> at(double fraction) const;

    // Version 1: [u8 1][u64 zeros][u64 NaNs][u64 -infinities][u64 infinities][f64 least][f64
    // greatest], then the stores of positive and of negative numbers: [u32 n], n times [i32
    // bucket][u64 count], buckets ascending.
    void encode(std::string& out) const;
    // Errors: kCorrupt, kUnsupported.
    static core::Result<PercentileSketch> decode(std::string_view bytes);

private:
    // Counts of neighbouring buckets; bucket i has the sizes in (gamma^(i-1), gamma^i]. The least
    // buckets are merged into one when there are more than kBucketsMax.
    class Store {
    public:
        static constexpr std::int32_t kBucketsMax = 2048;
        void add(std::int32_t bucket, std::uint64_t count);
        void merge(const Store& other);
        std::uint64_t total() const { return total_; }
        std::size_t heldBytes() const { return counts_.capacity() * sizeof(std::uint64_t); }
        // The bucket that holds the one of rank `rank` (below total()) by size.
        std::int32_t bucketOf(std::uint64_t rank) const;
        // Calls f(bucket, count) for those that are not empty, ascending.
        template <class F>
        void forEach(F&& f) const {
            for (std::size_t i = 0; i < counts_.size(); ++i)
                if (counts_[i] != 0) f(first_ + static_cast<std::int32_t>(i), counts_[i]);
        }
        std::uint32_t used() const;

    private:
        std::int32_t first_ = 0;             // bucket of counts_[0]
        std::vector<std::uint64_t> counts_;  // the last is not 0
        std::uint64_t total_ = 0;
    };

    Store positive_;
    Store negative_;  // by their sizes
    std::uint64_t zeros_ = 0;
    std::uint64_t nans_ = 0;
    std::uint64_t negativeInfinities_ = 0;
    std::uint64_t infinities_ = 0;
    // Of all finite numbers; meaningless without any.
    double least_ = 0;
    double greatest_ = 0;
};

}  // namespace tidemill::rows
