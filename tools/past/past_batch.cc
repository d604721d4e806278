#include "tools/past/past_batch.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <filesystem>
#include <tuple>
#include <utility>
#include <vector>

#include "core/file_system.h"
#include "recovery/inspect.h"

namespace tidemill::tools {

using core::BatchId;
using core::ErrorKind;
using core::Result;

namespace {

std::string atTime(BatchId batch, BatchTime time) {
    return fmt::format("{} ({:%Y-%m-%d %H:%M:%S} UTC)", batch.value,
                       fmt::gmtime(toMillis(time) / 1000));
}

}  // namespace

std::string describe(const Reach& reach) {
    if (reach.last < reach.first) return "no batch";
    return "batches " + atTime(reach.first, reach.firstTime) + " to " +
           atTime(reach.last, reach.lastTime);
}

Result<std::unique_ptr<PastDirectory>> PastDirectory::copy(const std::string& directory,
                                                           const std::string& copy,
                                                           Progress progress) {
    progress("copying the directory as it is now to " + copy);
    TM_TRY(copyDataDirectory(directory, copy));
    // Letters of the batches that run again would be in the way.
    TM_TRY(core::posixFileSystem().removeTree(std::filesystem::path(copy) / "dead_letters"));
    std::unique_ptr<PastDirectory> past(new PastDirectory(directory, copy, std::move(progress)));
    TM_TRY(past->findReach());
    return past;
}

Result<std::unique_ptr<PastDirectory>> PastDirectory::again(const std::string& copy) const {
    TM_TRY(copyDataDirectory(copy_, copy));
    std::unique_ptr<PastDirectory> past(new PastDirectory(directory_, copy, progress_));
    past->reach_ = reach_;
    return past;
}

Result<> PastDirectory::findReach() {
    auto& files = core::posixFileSystem();
    recovery::Generations generations(files, std::filesystem::path(copy_) / "generations");
    TM_ASSIGN(const auto list, generations.list());
    std::vector<std::pair<BatchId, BatchTime>> logged;  // first and last only
    BatchTime firstBehind{};
    const auto oldest = list.empty() ? BatchId() : list.back().batch;
    TM_TRY(recovery::dumpLog(files, copy_, {}, [&](const recovery::DumpedFrame& frame) {
        if (!frame.record) return Result<>();
        const std::pair<BatchId, BatchTime> at(frame.record->batch, frame.record->time);
        if (logged.size() == 2) logged.pop_back();
        logged.push_back(at);
        if (at.first == oldest.next()) firstBehind = at.second;
        return Result<>();
    }));
    reach_.first = oldest.next();
    reach_.last = oldest;
    if (logged.empty()) return {};
    std::tie(reach_.last, reach_.lastTime) = logged.back();
    if (logged.front().first == BatchId(1)) {
        std::tie(reach_.first, reach_.firstTime) = logged.front();
    } else {
        reach_.checkpoint = oldest;
        reach_.firstTime = firstBehind;
    }
    return {};
}

Result<std::optional<BatchId>> PastDirectory::goBefore(BatchId batch) {
    if (batch < reach_.first || batch > reach_.last)
        return core::fail(
            ErrorKind::kNotFound,
            "batch " + core::toString(batch) + " is out of reach: log and checkpoints give " +
                describe(reach_) +
                (batch < reach_.first
                     ? "; what is older was removed when newer checkpoints were made, and a backup "
                       "made in time still has it"
                     : "; it has not been recorded"));
    recovery::Generations generations(core::posixFileSystem(),
                                      std::filesystem::path(copy_) / "generations");
    TM_ASSIGN(const auto list, generations.list());
    for (const auto& name : list) {  // newest first
        if (name.batch < batch) return std::optional<BatchId>(name.batch);
        TM_TRY(generations.remove(name));
    }
    return std::optional<BatchId>();
}

Result<> PastDirectory::run(const JobFile& job, const ReplayOnCopy& how) const {
    auto ran = replayOn(
        job, copy_, [this](const std::string& line) { progress_(saidOf(directory_, copy_, line)); },
        how);
    if (!ran) ran.error().message = saidOf(directory_, copy_, std::move(ran.error().message));
    return ran;
}

}  // namespace tidemill::tools
