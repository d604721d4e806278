// Whether a source has taken more than its rate allows.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/rate.h"
#include "core/source.h"

namespace tidemill {

// A token bucket that may be overdrawn: what was taken too much is waited for, so that the average
// is right however seldom it is looked at; what was not taken may be made up for, up to `burst`.
// Thread safety: externally synchronized.
class RateLimit {
public:
    // `now`: of a monotonic clock.
    RateLimit(Rate rate, std::chrono::nanoseconds burst, std::chrono::nanoseconds now)
        : rate_(rate), burst_(burst), lookedAt_(now) {}

    const Rate& rate() const { return rate_; }

    // A look at a live source, whose numbers these are: what it may take until the next one.
    // Records are counted when they are logged; of what is read and not logged yet their number
    // follows from the length of those that were logged last, and so do the bytes of a rate in
    // records.
    core::Allowance look(const core::SourceStatistics& taken, std::chrono::nanoseconds now);

    // Of a source that is asked for so much at a time: what it may give now, and what it gave.
    std::uint64_t allowed(std::chrono::nanoseconds now);
    void took(std::uint64_t amount) { allowance_ -= static_cast<double>(amount); }

private:
    std::uint64_t count(const core::SourceStatistics& taken);
    void advance(std::chrono::nanoseconds now);

    const Rate rate_;
    const std::chrono::nanoseconds burst_;
    std::chrono::nanoseconds lookedAt_;
    double allowance_ = 0;     // records or bytes; below zero what was taken too much
    std::uint64_t taken_ = 0;  // at the last look
    bool hasLooked_ = false;
    std::uint64_t records_ = 0;         // at the last look
    std::uint64_t bytesAtRecords_ = 0;  // read when these were logged
    double recordBytes_ = 100;          // of those that were logged last; of none a guess
};

}  // namespace tidemill
