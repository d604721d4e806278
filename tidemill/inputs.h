// The sources of a running job over their life.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "core/batch_record.h"
#include "core/block_log.h"
#include "core/buffer_pool.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/lanes.h"
#include "core/replayable_source.h"
#include "core/source.h"
#include "sources/network_service.h"
#include "tidemill/intake.h"
#include "tidemill/job.h"
#include "tidemill/options.h"
#include "tidemill/source_errors.h"
#include "tidemill/status.h"

namespace tidemill {

// Thread safety: thread-safe, except that open, start and stop are called by one thread at a time,
// and what deals with batches by the scheduler's.
class Inputs final : private core::SourceObserver {
public:
    // All must outlive this. `observer` hears what sources report; `failed` is given the error that
    // a source cannot go on with.
    Inputs(const Job& job, core::Clock& clock, core::SourceObserver& observer,
           std::function<void(core::Error)> failed);
    ~Inputs() override;

    // Keeps the errors of sources and the orders of operators in a data directory, as SourceErrors
    // and Intake say. Call before open(). Errors: theirs.
    core::Result<> keepIn(const core::Path& directory,
                          const std::function<core::Result<>()>& stillOurs);

    // Opens the replayable sources. `positions`: by source. Errors: theirs, with the source's name.
    core::Result<> open(BatchTime firstStart,
                        const std::vector<std::vector<core::SourcePosition>>& positions);
    // Where the lanes in the log are, before start(): live sources are opened with those that are
    // theirs by SourceDeclaration::lanes.
    void setLanes(const core::LanePositions& lanes);
    // Starts them, and makes, opens and starts the live ones. Errors: theirs.
    core::Result<> start(core::BlockLog& log, std::shared_ptr<core::BufferPool> buffers,
                         const StreamingOptions& options);
    // Idempotent; not gracefully also behind a graceful one.
    void stop(bool graceful);
    // See Source.
    bool wait() const;

    // Pauses, and rates.
    Intake& intake() { return intake_; }

    // See BatchHooks.
    void atBatchTime(BatchTime time);
    void batchCompleted(std::span<const core::BlockPtr> blocks);
    core::Result<std::size_t> prepareRanges(core::Instant now, std::size_t bytesMax);
    core::Result<std::vector<core::SourceRange>> planRanges(std::size_t bytesMax, unsigned workers);

    std::vector<SourceStatus> status() const;
    // What complete batches have read of ranges since the start, see FileSource::statistics.
    std::uint64_t rangeRecords() const { return rangeRecords_; }
    std::uint64_t rangeBytes() const { return rangeBytes_; }
    std::vector<SourceError> recentErrors() const { return errors_.recent(); }
    // Of listening sources, in the order of their declaration.
    std::vector<std::uint16_t> boundPorts() const;

private:
    struct Running {
        core::SourceId id;
        std::shared_ptr<core::Source> source;
    };
    struct Noted {
        std::uint64_t errors = 0;
        std::string lastError;
        bool retrying = false;
    };

    std::string labelOf(std::uint32_t source) const;
    std::string keyOf(std::uint32_t source) const;
    core::Result<> startLive(std::uint32_t number, core::BlockLog& log,
                             const std::shared_ptr<core::BufferPool>& buffers,
                             const StreamingOptions& options);

    void sourceStarted(core::SourceId source, const std::string& where) override;
    void sourceError(core::SourceId source, const std::string& message, Trouble trouble) override;
    void sourceRecovered(core::SourceId source) override;
    void sourceFailed(core::SourceId source, core::Error error) override;
    void sourceStopped(core::SourceId source, const std::string& why) override;

    void note(core::SourceId source, const std::string& message, bool endsJob, bool retrying);
    void keepErrors();
    void sayWhoIsAway() const;
    void countRanges();

    const Job& job_;
    core::Clock& clock_;
    core::SourceObserver& observer_;
    const std::function<void(core::Error)> failed_;
    SourceErrors errors_;
    std::chrono::nanoseconds errorsKept_{};  // when; the scheduler thread's
    BatchTime firstStart_{};
    std::vector<std::vector<core::SourcePosition>> lanes_;  // by source, until they are opened
    std::unique_ptr<sources::NetworkService> network_;
    std::vector<Running> running_;  // live ones; complete once started
    Intake intake_;
    std::atomic<std::uint64_t> rangeRecords_ = 0;
    std::atomic<std::uint64_t> rangeBytes_ = 0;

    mutable std::mutex mutex_;
    std::map<std::uint32_t, Noted> noted_;  // by source
};

}  // namespace tidemill
