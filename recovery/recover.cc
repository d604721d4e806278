#include "recovery/recover.h"

#include <algorithm>

#include "core/check.h"
#include "core/failpoint.h"
#include "core/logging.h"
#include "recovery/log_repair.h"
#include "recovery/recovery_facts.h"
#include "recovery/savepoints.h"

namespace tidemill::recovery {
namespace {

using core::ErrorKind;
using core::Lsn;

// Facts are gathered first, nothing is written before the decision, and each step may be the
// last: whatever is left is a state that the next recovery starts from.
class Recovery {
public:
    Recovery(DataDirectory& directory, const RecoverOptions& options)
        : directory_(directory),
          files_(directory.files()),
          options_(options),
          generations_(directory.files(), directory.generationsPath()) {}

    core::Result<Recovered> run() {
        TM_TRY(gather());
        const JobFit fit = fitJob();
        const Decision decision = decide(found_.facts);
        if (decision.refused())
            return core::fail(decision.verdict >= Verdict::kRefuseForeign ? ErrorKind::kConflict
                                                                          : ErrorKind::kCorrupt,
                              "cannot recover " + directory_.path().string() + ": " +
                                  decision.message + found_.damageNotes());
        TM_TRY(fit.fits);
        TM_FAILPOINT("recover.afterScan");
        TM_TRY(directory_.stillHeld());
        // One that is missing held nothing that is needed, or we would not be here.
        TM_TRY(files_.createDirectory(directory_.generationsPath()));
        TM_TRY(generations_.removeLeftovers());
        TM_TRY(Savepoints(files_, directory_.path()).removeLeftovers());
        TM_TRY(repair(decision));
        TM_TRY(setDamagedGenerationsAside());
        TM_TRY(cloneState());
        TM_TRY(fillResult(decision));
        return std::move(recovered_);
    }

private:
    core::Result<> gather() {
        GatherOptions options;
        if (!options_.ofAnyJob) options.fingerprint = options_.fingerprint;
        options.steps = options_.steps;
        options.stoppedAt = options_.stoppedAt;
        options.readsAll = options_.readsAll;
        options.scan.progress = [this](std::uint64_t done, std::uint64_t total) {
            report(RecoverProgress::Step::kScan, done, total);
        };
        TM_ASSIGN(found_, gatherFacts(files_, directory_.path(), directory_.format(), options));
        for (std::size_t i = 0; i < found_.damaged.size(); ++i)
            warn("checkpoint " + toString(found_.damaged[i]) +
                 " is not used: " + found_.damagedWhy[i]);
        if (directory_.format().logStarted && found_.facts.witnessed.value == 0)
            warn(
                "the file DURABLE is missing or damaged: whether the end of the log is missing "
                "cannot be told");
        if (found_.manifest) recovered_.mark = found_.manifest->mark;
        return {};
    }

    JobFit fitJob() {
        if (!options_.fitJob) return {};
        JobFit fit = options_.fitJob(recovered_.mark);
        found_.facts.beginFingerprint = fit.beginFingerprint;
        return fit;
    }

    core::Result<> repair(const Decision& decision) {
        LogRepairOptions options;
        options.segmentBytes = options_.segmentBytes;
        options.progress = [this](std::uint64_t done, std::uint64_t total) {
            report(RecoverProgress::Step::kCopy, done, total);
        };
        TM_ASSIGN(auto repaired, repairLog(directory_, found_.scan, decision, options));
        recovered_.log = std::move(repaired.start);
        recovered_.index = std::move(repaired.index);
        return {};
    }

    core::Result<> setDamagedGenerationsAside() {
        for (const auto& name : found_.damaged) TM_TRY(generations_.quarantine(name));
        if (found_.generation && found_.generationWasSuspect)
            return generations_.clearSuspect(*found_.generation);
        return {};
    }

    core::Result<> cloneState() {
        recovered_.work = directory_.workPath();
        recovered_.generation = found_.generation;
        recovered_.readInFull = found_.generation.has_value() && found_.generationWasSuspect;
        report(RecoverProgress::Step::kClone, 0, 1);
        if (recovered_.generation)
            return generations_.cloneInto(*recovered_.generation, *found_.manifest,
                                          recovered_.work);
        TM_TRY(files_.removeTree(recovered_.work));
        return files_.createDirectory(recovered_.work);
    }

    core::Result<> fillResult(const Decision& decision) {
        recovered_.files = &files_;
        if (recovered_.mark) recovered_.last = *recovered_.mark;
        for (auto& found : found_.scan.records) {
            recovered_.last = found.record;
            auto& batches = recovered_.batches;
            // Recorded anew: the later one counts.
            if (!batches.empty() && batches.back().batch == found.record.batch) batches.pop_back();
            batches.push_back(std::move(found.record));
        }
        recovered_.lanes = std::move(found_.scan.lanes);
        if (found_.facts.damageBelow) warnOfDamageBelow(decision);
        const LsnRange open{recovered_.last.endLsn.next(), decision.keepLast};
        recovered_.blockBytesInMemory = options_.blockBytesInMemory;
        recovered_.index.buffers = core::BufferPool::make(options_.blockBytesInMemory);
        TM_ASSIGN(recovered_.log.pending,
                  recovered_.index.blocks(files_, open, options_.blockBytesInMemory));
        return {};
    }

    // Says what is known, and no more: frames behind a damage may be missing without a trace.
    void warnOfDamageBelow(const Decision& decision) {
        const auto& facts = found_.facts;
        const auto known = std::max({facts.knownDurable, facts.witnessed, facts.generation.endLsn});
        warn("the log is damaged at or below LSN " + toString(facts.generation.endLsn) +
             ", which the checkpoint holds; the log goes on up to LSN " +
             toString(decision.keepLast) +
             ", and nothing that is known to have been durable (up to LSN " + toString(known) +
             ") is missing" + found_.damageNotes());
    }

    void warn(std::string message) {
        core::logWarning(message);
        recovered_.warnings.push_back(std::move(message));
    }

    void report(RecoverProgress::Step step, std::uint64_t done, std::uint64_t total) const {
        if (options_.progress) options_.progress({step, done, total});
    }

    DataDirectory& directory_;
    core::FileSystem& files_;
    const RecoverOptions& options_;
    Generations generations_;
    Findings found_;
    Recovered recovered_;
};

}  // namespace

core::Result<std::vector<core::BlockPtr>> Recovered::blocksOf(std::size_t at) const {
    TM_CHECK(at < batches.size(), "blocks of a batch are asked for that was not recovered");
    Lsn before = mark ? mark->endLsn : Lsn();
    if (at > 0) before = batches[at - 1].endLsn;
    return index.blocks(*files, {before.next(), batches[at].endLsn}, blockBytesInMemory);
}

core::Result<Recovered> recover(DataDirectory& directory, const RecoverOptions& options) {
    core::ActivityScope activity(core::Activity::kRecovery);
    return Recovery(directory, options).run();
}

}  // namespace tidemill::recovery
