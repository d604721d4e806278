#include "tidemill/inputs.h"

#include <algorithm>
#include <utility>

#include "core/logging.h"

namespace tidemill {

using core::Result;
using core::SourceId;

namespace {

// Of what a batch record says of replayable sources; a frame of the log holds 64 MiB.
constexpr std::size_t kRangesBytesMax = 32 << 20;

// Errors that come often cost a write of a file so often.
constexpr std::chrono::seconds kKeepErrorsEvery{10};

}  // namespace

Inputs::Inputs(const Job& job, core::Clock& clock, core::SourceObserver& observer,
               std::function<void(core::Error)> failed)
    : job_(job), clock_(clock), observer_(observer), failed_(std::move(failed)), intake_(clock) {}

Inputs::~Inputs() { stop(false); }

std::string Inputs::labelOf(std::uint32_t source) const {
    const auto& declared = job_.sources[source];
    return declared.label.empty() ? "source " + std::to_string(source) + " (" + declared.kind + ")"
                                  : declared.label;
}

std::string Inputs::keyOf(std::uint32_t source) const {
    const auto& declared = job_.sources[source];
    return declared.name.empty() ? declared.kind + " " + std::to_string(source + 1) : declared.name;
}

Result<> Inputs::keepIn(const core::Path& directory, const std::function<Result<>()>& stillOurs) {
    errors_.open(*job_.files, directory, stillOurs);
    return intake_.keepIn(*job_.files, directory, stillOurs);
}

Result<> Inputs::open(BatchTime firstStart,
                      const std::vector<std::vector<core::SourcePosition>>& positions) {
    firstStart_ = firstStart;
    for (std::uint32_t i = 0; i < job_.sources.size(); ++i) {
        const auto& source = job_.sources[i].replayable;
        if (!source) continue;
        if (auto opened = source->open({firstStart, positions.at(i)}); !opened)
            return core::fail(opened.error().kind, labelOf(i) + ": " + opened.error().message);
        const auto burst =
            std::max<std::chrono::nanoseconds>(std::chrono::seconds(1), job_.interval);
        TM_TRY(intake_.add(
            {i, keyOf(i), labelOf(i), Intake::Kind::kReplayable, job_.sources[i].maxRate, burst},
            source));
    }
    return {};
}

void Inputs::setLanes(const core::LanePositions& lanes) {
    lanes_.assign(job_.sources.size(), {});
    for (std::size_t i = 0; i < job_.sources.size(); ++i) {
        const auto& prefix = job_.sources[i].lanes;
        if (prefix.empty()) continue;
        for (auto at = lanes.lower_bound(prefix); at != lanes.end(); ++at) {
            if (!at->first.starts_with(prefix)) break;
            lanes_[i].push_back({at->first, at->second});
        }
    }
}

Result<> Inputs::start(core::BlockLog& log, std::shared_ptr<core::BufferPool> buffers,
                       const StreamingOptions& options) {
    sources::NetworkOptions limits;
    limits.recordBytesMax = options.maxRecordBytes;
    limits.blockBytesMax = options.blockBytes;
    limits.sessionsMax = options.maxSessions;
    TM_ASSIGN(network_, sources::NetworkService::make(log, buffers, limits));
    for (std::uint32_t i = 0; i < job_.sources.size(); ++i) {
        if (const auto& source = job_.sources[i].replayable) TM_TRY(source->start());
        if (job_.sources[i].receive) TM_TRY(startLive(i, log, buffers, options));
    }
    intake_.reportUnmatched();
    countRanges();
    return {};
}

void Inputs::countRanges() {
    std::uint64_t records = 0, bytes = 0;
    for (const auto& source : job_.sources) {
        if (!source.replayable) continue;
        const auto counters = source.replayable->counters();
        records += counters.records;
        bytes += counters.bytes;
    }
    rangeRecords_ = records;
    rangeBytes_ = bytes;
}

Result<> Inputs::startLive(std::uint32_t number, core::BlockLog& log,
                           const std::shared_ptr<core::BufferPool>& buffers,
                           const StreamingOptions& options) {
    const SourceId id(number);
    TM_ASSIGN(auto source,
              job_.sources[number].receive({id, log, *network_, this, labelOf(number), buffers,
                                            options.maxRecordBytes, options.blockBytes}));
    core::SourceOpening opening{firstStart_, {}};
    if (number < lanes_.size()) opening.positions = std::exchange(lanes_[number], {});
    TM_TRY(source->open(opening));
    TM_TRY(intake_.add(
        {number, keyOf(number), labelOf(number), Intake::Kind::kLive, job_.sources[number].maxRate},
        source));
    running_.push_back({id, source});
    return source->start();
}

void Inputs::stop(bool graceful) {
    intake_.stop();
    if (graceful) sayWhoIsAway();
    for (const auto& live : running_) live.source->stop(graceful);
    for (const auto& source : job_.sources)
        if (source.replayable) source.replayable->stop(graceful);
    keepErrors();
}

// What their peers hold was not received, and is no part of what a graceful stop processes.
void Inputs::sayWhoIsAway() const {
    const std::lock_guard lock(mutex_);
    for (const auto& [source, noted] : noted_)
        if (noted.retrying)
            core::logWarning(labelOf(source) + ": its peer is away as the job stops (" +
                             noted.lastError + "); what it holds was not received");
}

bool Inputs::wait() const {
    return std::any_of(running_.begin(), running_.end(),
                       [](const auto& live) { return live.source->waits(); });
}

void Inputs::keepErrors() {
    if (const auto kept = errors_.keep(); !kept)
        core::logWarning("the errors of sources could not be kept: " + kept.error().message);
}

void Inputs::atBatchTime(BatchTime time) {
    for (const auto& live : running_) live.source->atBatchTime(time);
    network_->flushOpenBlocks();
    if (const auto now = clock_.monotonic(); now - errorsKept_ >= kKeepErrorsEvery) {
        errorsKept_ = now;
        keepErrors();
    }
}

void Inputs::batchCompleted(std::span<const core::BlockPtr> blocks) {
    for (const auto& live : running_) live.source->batchCompleted(blocks);
    countRanges();
}

Result<std::size_t> Inputs::prepareRanges(core::Instant now, std::size_t bytesMax) {
    std::size_t prepared = 0;
    for (std::uint32_t i = 0; i < job_.sources.size(); ++i) {
        const auto& source = job_.sources[i].replayable;
        if (!source || source->paused()) continue;
        const auto allowed = intake_.allowedBytes(i, bytesMax);
        if (allowed == 0) continue;
        TM_ASSIGN(const auto bytes, source->prepare(now, allowed));
        prepared += bytes;
    }
    return prepared;
}

Result<std::vector<core::SourceRange>> Inputs::planRanges(std::size_t bytesMax, unsigned workers) {
    core::ReplayableSource::Limits limits;
    limits.bytes = bytesMax;
    limits.rangeBytes = kRangesBytesMax / std::max<std::size_t>(job_.sources.size(), 1);
    limits.workers = workers;
    std::vector<core::SourceRange> ranges;
    for (std::uint32_t i = 0; i < job_.sources.size(); ++i) {
        const auto& source = job_.sources[i].replayable;
        if (!source || source->paused()) continue;
        auto ofSource = limits;
        ofSource.bytes = intake_.allowedBytes(i, limits.bytes);
        if (ofSource.bytes == 0 && limits.bytes != 0) continue;
        TM_ASSIGN(auto plan, source->plan(ofSource));
        intake_.took(i, plan.sizeBytes);
        limits.bytes -= std::min(limits.bytes, plan.sizeBytes);
        if (!plan.range.empty()) ranges.push_back({SourceId(i), std::move(plan.range)});
    }
    return ranges;
}

std::vector<SourceStatus> Inputs::status() const {
    std::vector<SourceStatus> all(job_.sources.size());
    for (std::uint32_t i = 0; i < job_.sources.size(); ++i) {
        all[i].description = job_.sources[i].description;
        all[i].label = labelOf(i);
        if (const auto& source = job_.sources[i].replayable)
            all[i].statistics = source->statistics();
        const auto state = intake_.state(i);
        all[i].paused = state.paused;
        all[i].maxRate = state.rate;
    }
    for (const auto& live : running_) all[live.id.value].statistics = live.source->statistics();
    const std::lock_guard lock(mutex_);
    for (const auto& [source, noted] : noted_) {
        all[source].errors = noted.errors;
        all[source].lastError = noted.lastError;
        all[source].retrying = noted.retrying;
    }
    return all;
}

std::vector<std::uint16_t> Inputs::boundPorts() const {
    std::vector<std::uint16_t> ports;
    for (const auto& live : running_)
        if (const auto* listening =
                dynamic_cast<const sources::ListeningReceiver*>(live.source.get()))
            ports.push_back(listening->port());
    return ports;
}

void Inputs::sourceStarted(SourceId source, const std::string& where) {
    observer_.sourceStarted(source, where);
}

void Inputs::note(SourceId source, const std::string& message, bool endsJob, bool retrying) {
    errors_.add({clock_.wall(), labelOf(source.value), message, endsJob});
    const std::lock_guard lock(mutex_);
    auto& known = noted_[source.value];
    ++known.errors;
    known.lastError = message;
    known.retrying = known.retrying || retrying;
}

void Inputs::sourceError(SourceId source, const std::string& message, Trouble trouble) {
    note(source, message, false, trouble == Trouble::kUntilRecovered);
    observer_.sourceError(source, message, trouble);
}

void Inputs::sourceRecovered(SourceId source) {
    {
        const std::lock_guard lock(mutex_);
        const auto known = noted_.find(source.value);
        if (known == noted_.end() || !known->second.retrying) return;
        known->second.retrying = false;
    }
    observer_.sourceRecovered(source);
}

void Inputs::sourceFailed(SourceId source, core::Error error) {
    note(source, error.message, true, false);
    error.message = labelOf(source.value) + ": " + error.message;
    observer_.sourceFailed(source, error);
    failed_(std::move(error));
}

void Inputs::sourceStopped(SourceId source, const std::string& why) {
    observer_.sourceStopped(source, why);
}

}  // namespace tidemill
