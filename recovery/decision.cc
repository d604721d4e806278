#include "recovery/decision.h"

#include <algorithm>

#include "core/mutant.h"

namespace tidemill::recovery {
namespace {

using core::BatchId;
using core::Lsn;

Decision refuse(Verdict verdict, std::string message, std::optional<LsnRange> lost = {}) {
    Decision decision;
    decision.verdict = verdict;
    decision.message = std::move(message);
    decision.lost = lost;
    return decision;
}

// L < W, and only the witness says that the log was longer.
Decision refuseCutShort(const RecoveryFacts& facts) {
    const LsnRange lost{facts.gaplessLast.next(), facts.witnessed};
    return refuse(Verdict::kRefuseCutShort,
                  "the end of the log is missing: " + toString(lost) +
                      " were durable, as the file DURABLE says, and the log ends at LSN " +
                      toString(facts.gaplessLast) +
                      "; put the log's newest files back as they were. To go on without what is "
                      "missing, which is lost then, remove the file DURABLE",
                  lost);
}

std::optional<Decision> refuseRecords(const RecoveryFacts& facts) {
    if (TM_MUTANT(records_not_compared)) return std::nullopt;
    BatchId id = facts.generation.batch;
    Lsn end = facts.generation.endLsn;
    for (const auto& record : facts.records) {
        const bool anew =
            record.revision != 0 && record.end.batch == id && record.end.endLsn == end;
        const bool next = record.end.batch == id.next() && record.end.endLsn >= end;
        if ((!anew && !next) || record.end.endLsn >= record.lsn)
            return refuse(Verdict::kRefuseRecords,
                          "batch records contradict each other: the record at LSN " +
                              toString(record.lsn) + " is of batch " + toString(record.end.batch) +
                              " ending at LSN " + toString(record.end.endLsn) + ", after batch " +
                              toString(id) + " ending at LSN " + toString(end));
        id = record.end.batch;
        end = record.end.endLsn;
    }
    return std::nullopt;
}

std::optional<Decision> refuseForeign(const RecoveryFacts& facts) {
    if (!facts.fingerprint || TM_MUTANT(other_job_accepted)) return std::nullopt;
    auto foreign = facts.records.begin();
    const bool begins = foreign != facts.records.end() && facts.beginFingerprint != 0 &&
                        foreign->fingerprint == facts.beginFingerprint;
    if (begins) ++foreign;
    foreign = std::find_if(foreign, facts.records.end(), [&](const auto& record) {
        return record.fingerprint != *facts.fingerprint;
    });
    if (foreign == facts.records.end()) return std::nullopt;
    return refuse(Verdict::kRefuseForeign,
                  "batches " + toString(foreign->end.batch) + " to " +
                      toString(facts.records.back().end.batch) +
                      " were recorded by another version of this job and wait to be replayed; "
                      "start that job again, stop it gracefully, then start this one");
}

// A batch that was shown must be counted as it was shown. The last one may have ended the job
// before it came to its end: then mended steps may run it.
std::optional<Decision> refuseSteps(const RecoveryFacts& facts) {
    if (TM_MUTANT(other_filter_accepted)) return std::nullopt;
    if (!facts.fingerprint) return std::nullopt;  // nobody starts a job
    std::optional<BatchId> first;
    BatchId last;
    for (std::size_t i = 0; i < facts.records.size(); ++i) {
        const auto& record = facts.records[i];
        const bool recordedAnew =
            i + 1 < facts.records.size() && facts.records[i + 1].end.batch == record.end.batch;
        const bool stopped = record.end.batch == facts.stoppedAt &&
                             record.end.batch == facts.records.back().end.batch;
        if (recordedAnew || stopped || record.steps == facts.steps) continue;
        if (!first) first = record.end.batch;
        last = record.end.batch;
    }
    if (!first) return std::nullopt;
    return refuse(
        Verdict::kRefuseSteps,
        (*first == last ? "batch " + toString(last) + " was"
                        : "batches " + toString(*first) + " to " + toString(last) + " were") +
            " recorded with other steps (a filter, a pattern, fields, or the program's "
            "version) and may have been shown; start the job as it was" +
            (facts.stoppedAt == facts.records.back().end.batch
                 ? " once more, which makes a checkpoint before batch " +
                       toString(facts.stoppedAt) + " ends it again, then start this one"
                 : ", stop it gracefully (SIGTERM), then start this one"));
}

}  // namespace

const char* verdictName(Verdict verdict) {
    switch (verdict) {
        case Verdict::kStartNew: return "start new";
        case Verdict::kResume: return "resume";
        case Verdict::kResumeCopying: return "resume, copying";
        case Verdict::kRefuseLogMissing: return "refuse: log missing";
        case Verdict::kRefuseNoCheckpoint: return "refuse: no checkpoint";
        case Verdict::kRefuseBeginsLate: return "refuse: log begins late";
        case Verdict::kRefuseUnreadable: return "refuse: segment unreadable";
        case Verdict::kRefuseDamaged: return "refuse: frames damaged";
        case Verdict::kRefuseCutShort: return "refuse: log cut short";
        case Verdict::kRefuseRecords: return "refuse: records contradict";
        case Verdict::kRefuseForeign: return "refuse: another job's batches";
        case Verdict::kRefuseSteps: return "refuse: other steps";
    }
    return "?";
}

Decision decide(const RecoveryFacts& facts) {
    if (!facts.anySegment) {
        if (!facts.logStarted && !facts.anyGeneration) return Decision{};
        std::string message =
            "the log is missing: wal/ holds no segment, though this directory had one";
        const Lsn known = std::max(facts.knownDurable, facts.witnessed);
        if (known <= facts.generation.endLsn)
            return refuse(Verdict::kRefuseLogMissing, std::move(message));
        const LsnRange lost{facts.generation.endLsn.next(), known};
        return refuse(Verdict::kRefuseLogMissing, message + "; " + toString(lost) + " are lost",
                      lost);
    }
    const bool fromStart = !facts.generationChosen;
    if (fromStart && facts.logFirst.value > 1) {
        const LsnRange lost{Lsn(1), Lsn(facts.logFirst.value - 1)};
        if (facts.anyGeneration)
            return refuse(Verdict::kRefuseNoCheckpoint,
                          "no checkpoint can be used, and the log begins only at LSN " +
                              toString(facts.logFirst) + ": " + toString(lost) + " are lost",
                          lost);
        return refuse(Verdict::kRefuseBeginsLate,
                      "the log begins at LSN " + toString(facts.logFirst) +
                          " and there is no checkpoint: " + toString(lost) + " are lost",
                      lost);
    }
    if (!facts.unreadable.empty())
        return refuse(Verdict::kRefuseUnreadable,
                      "the header of a log segment that is needed is damaged: " +
                          toString(facts.unreadable.front()) + " cannot be read",
                      facts.unreadable.front());
    const Lsn inLog = std::max(facts.knownDurable, facts.generation.endLsn);
    const Lsn durable = std::max(inLog, facts.witnessed);
    if (facts.gaplessLast >= inLog && facts.gaplessLast < durable) return refuseCutShort(facts);
    if (facts.gaplessLast < durable && !TM_MUTANT(rot_taken_for_a_torn_tail)) {
        Lsn last = durable;
        if (facts.beyondGap.value != 0) last = std::min(last, Lsn(facts.beyondGap.value - 1));
        const LsnRange lost{facts.gaplessLast.next(), last};
        return refuse(Verdict::kRefuseDamaged,
                      "acknowledged data is damaged or missing in the log: " + toString(lost) +
                          "; the log is durable up to LSN " + toString(durable) +
                          " and the checkpoint holds it up to LSN " +
                          toString(facts.generation.endLsn),
                      lost);
    }
    if (auto refused = refuseRecords(facts)) return *refused;
    if (auto refused = refuseForeign(facts)) return *refused;
    if (auto refused = refuseSteps(facts)) return *refused;
    Decision decision;
    decision.verdict = facts.gaplessLast > durable ? Verdict::kResumeCopying : Verdict::kResume;
    decision.durable = durable;
    decision.keepLast = facts.gaplessLast;
    return decision;
}

}  // namespace tidemill::recovery
