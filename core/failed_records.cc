#include "core/failed_records.h"

#include <map>
#include <mutex>

namespace tidemill::core {

struct FailedRecords::Noted {
    using Passes = std::map<std::uint32_t, std::uint64_t>;  // number of the scan -> how many
    struct Counts {
        Passes passes;
        std::uint64_t most = 0;  // in one scan
    };
    std::mutex mutex;
    std::map<std::pair<std::uint32_t, FailedRecord>, Passes> kept;
    std::map<std::uint32_t, Counts> counts;  // by node
    std::uint64_t count = 0;
    std::optional<FailedCall> stopped;
};

FailedRecords::FailedRecords(FailureRules rules)
    : rules_(rules), noted_(std::make_unique<Noted>()) {}
FailedRecords::~FailedRecords() = default;

void FailedRecords::add(std::uint32_t node, std::uint32_t pass, FailedRecord record) {
    std::lock_guard lock(noted_->mutex);
    Noted::Counts& counts = noted_->counts[node];
    if (++counts.passes[pass] > counts.most) {
        ++counts.most;
        ++noted_->count;
    }
    auto found = noted_->kept.find({node, record});
    if (found == noted_->kept.end()) {
        if (noted_->kept.size() >= keptMax()) return;
        found = noted_->kept.emplace(std::pair(node, std::move(record)), Noted::Passes{}).first;
    }
    ++found->second[pass];
}

void FailedRecords::stop(FailedCall call) {
    std::lock_guard lock(noted_->mutex);
    if (!noted_->stopped) noted_->stopped = std::move(call);
}

std::optional<FailedCall> FailedRecords::stopped() const {
    std::lock_guard lock(noted_->mutex);
    return noted_->stopped;
}

std::uint64_t FailedRecords::count() const {
    std::lock_guard lock(noted_->mutex);
    return noted_->count;
}

void FailedRecords::forEachKept(
    const std::function<void(const FailedRecord&, std::uint64_t)>& f) const {
    std::lock_guard lock(noted_->mutex);
    for (const auto& [place, passes] : noted_->kept) {
        std::uint64_t times = 0;
        for (const auto& [pass, count] : passes) times = std::max(times, count);
        f(place.second, times);
    }
}

std::string currentExceptionText() {
    try {
        throw;
    } catch (const std::exception& thrown) {
        return thrown.what();
    } catch (...) {
        return "something that is no std::exception";
    }
}

}  // namespace tidemill::core
