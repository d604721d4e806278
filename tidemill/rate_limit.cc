#include "tidemill/rate_limit.h"

#include <algorithm>

namespace tidemill {

std::uint64_t RateLimit::count(const core::SourceStatistics& taken) {
    if (rate_.unit == Rate::Unit::kBytes) return taken.bytes;
    if (taken.records != records_) {
        recordBytes_ = std::max(1.0, static_cast<double>(taken.bytes - bytesAtRecords_) /
                                         static_cast<double>(taken.records - records_));
        records_ = taken.records;
        bytesAtRecords_ = taken.bytes;
    }
    return records_ + static_cast<std::uint64_t>(
                          static_cast<double>(taken.bytes - bytesAtRecords_) / recordBytes_);
}

void RateLimit::advance(std::chrono::nanoseconds now) {
    const auto most =
        static_cast<double>(rate_.perSecond) * std::chrono::duration<double>(burst_).count();
    const auto passed = std::chrono::duration<double>(now - lookedAt_).count();
    lookedAt_ = now;
    allowance_ = std::min(most, allowance_ + passed * static_cast<double>(rate_.perSecond));
}

core::Allowance RateLimit::look(const core::SourceStatistics& taken, std::chrono::nanoseconds now) {
    const auto counted = count(taken);
    // What was taken comes off before what the time gives is cut to the burst. An estimate may turn
    // out too high.
    if (hasLooked_) allowance_ -= static_cast<double>(static_cast<std::int64_t>(counted - taken_));
    hasLooked_ = true;
    taken_ = counted;
    advance(now);
    const auto amount = allowance_ < 1 ? 0 : static_cast<std::uint64_t>(allowance_);
    if (rate_.unit == Rate::Unit::kBytes) return {core::Allowance::kUnlimited, amount};
    if (amount == 0) return {0, 0};
    return {amount, static_cast<std::uint64_t>(std::max(1.0, allowance_ * recordBytes_))};
}

std::uint64_t RateLimit::allowed(std::chrono::nanoseconds now) {
    advance(now);
    return allowance_ < 1 ? 0 : static_cast<std::uint64_t>(allowance_);
}

}  // namespace tidemill
