#include "core/failed_records.h"

#include <map>
#include <mutex>

#include "core/progress_marker.h"

namespace tidemill::core {

std::string_view toString(RecordKind kind) {
    switch (kind) {
        case RecordKind::kElement: return "element";
        case RecordKind::kLine: return "line";
        case RecordKind::kBeginning: return "beginning";
        case RecordKind::kRow: return "row";
    }
    return "element";
}

struct FailedRecords::Noted {
    using Passes = std::map<std::uint32_t, std::uint64_t>;  // number of the scan -> how many
    struct Counts {
        Passes scans;
        std::uint64_t most = 0;  // in one scan
    };
    std::mutex mutex;
    std::map<std::pair<std::uint32_t, FailedRecord>, Passes> kept;
    std::map<std::uint32_t, Counts> counts;  // by node
    std::uint64_t count = 0;
    std::optional<FailedCall> stopped;

    bool stagesDone = false;
    std::map<InputPlace, SkippedRuns> skipped;
    std::size_t skippedBytes = 0;
    bool skippedUnknown = false;

    void skip(const InputPlace& input, std::uint64_t number) {
        if (stagesDone || skippedUnknown) return;
        const auto [at, isNew] = skipped.try_emplace(input);
        auto& runs = at->second;
        const auto before = isNew ? 0 : sizeof input + runs.sizeBytes();
        skippedUnknown = !runs.add(number);
        skippedBytes += sizeof input + runs.sizeBytes() - before;
        skippedUnknown = skippedUnknown || skippedBytes > kSkippedBytesMax;
        if (skippedUnknown) skipped.clear();
    }
};

FailedRecords::FailedRecords(FailureRules rules)
    : rules_(rules), noted_(std::make_unique<Noted>()) {}
FailedRecords::~FailedRecords() = default;

void FailedRecords::add(const InputPlace& input, std::optional<std::uint64_t> number,
                        FailedRecord record) {
    std::lock_guard lock(noted_->mutex);
    if (number) noted_->skip(input, *number);
    Noted::Counts& counts = noted_->counts[input.node];
    if (++counts.scans[input.scanNumber] > counts.most) {
        ++counts.most;
        ++noted_->count;
    }
    auto found = noted_->kept.find({input.node, record});
    if (found == noted_->kept.end()) {
        if (noted_->kept.size() >= keptMax()) return;
        found =
            noted_->kept.emplace(std::pair(input.node, std::move(record)), Noted::Passes{}).first;
    }
    ++found->second[input.scanNumber];
}

SkippedRunsReader FailedRecords::skippedElementsOf(const InputPlace& input) const {
    const auto& all = *rules_.exactly;
    const auto found = std::lower_bound(
        all.begin(), all.end(), input, [](const SkippedElements& skipped, const InputPlace& place) {
            return skipped.input < place;
        });
    return found == all.end() || found->input != input ? SkippedRunsReader()
                                                       : SkippedRunsReader(found->runs);
}

void FailedRecords::calling(const std::string& operation, const std::string& element) const {
    if (rules_.marker != nullptr) rules_.marker->call(operation, element);
}

void FailedRecords::returned() const {
    if (rules_.marker != nullptr) rules_.marker->returned();
}

void FailedRecords::stagesDone() {
    std::lock_guard lock(noted_->mutex);
    noted_->stagesDone = true;
}

SkippedOfBatch FailedRecords::takeSkipped() {
    std::lock_guard lock(noted_->mutex);
    SkippedOfBatch all;
    all.unknown = noted_->skippedUnknown;
    for (const auto& [input, runs] : noted_->skipped) all.elements.push_back({input, runs.bytes()});
    noted_->skipped.clear();
    return all;
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
    for (const auto& [place, scans] : noted_->kept) {
        std::uint64_t times = 0;
        for (const auto& [scanNumber, count] : scans) times = std::max(times, count);
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
