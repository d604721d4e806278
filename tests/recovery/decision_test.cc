// The table of docs/recovery.md, row for row.
#include "recovery/decision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <vector>

namespace tidemill::recovery {

void PrintTo(Verdict verdict, std::ostream* out) { *out << verdictName(verdict); }

namespace {

using core::BatchId;
using core::Lsn;

struct DecisionRow {
    const char* label;
    RecoveryFacts facts;
    Verdict verdict;
    std::uint64_t durable = 0;
    std::uint64_t keepLast = 0;
    std::optional<LsnRange> lost;
};

// A log of LSNs 51 … 70, all valid and known durable, above a generation of batch 5 at LSN 50.
RecoveryFacts sound() {
    RecoveryFacts facts;
    facts.logStarted = facts.anySegment = facts.anyGeneration = facts.generationChosen = true;
    facts.generation.batch = BatchId(5);
    facts.generation.endLsn = Lsn(50);
    facts.logFirst = Lsn(31);
    facts.gaplessLast = facts.knownDurable = Lsn(70);
    facts.fingerprint = 42;
    return facts;
}

template <class F>
RecoveryFacts with(const F& change) {
    auto facts = sound();
    change(facts);
    return facts;
}

LsnRange lsns(std::uint64_t first, std::uint64_t last) { return {Lsn(first), Lsn(last)}; }

RecordFacts record(std::uint64_t id, std::uint64_t lsn, std::uint64_t endLsn,
                   std::uint64_t fingerprint = 42) {
    return {{BatchId(id), {}, {}, Lsn(endLsn)}, Lsn(lsn), fingerprint};
}

std::vector<DecisionRow> table() {
    using F = RecoveryFacts;
    const std::uint64_t max = ~std::uint64_t{0};
    return {
        {"D1 nothing yet", F{}, Verdict::kStartNew, 0, 0, {}},
        {"D2 log missing after it was started",
         with([](F& f) {
             f = F{};
             f.logStarted = true;
         }),
         Verdict::kRefuseLogMissing,
         0,
         0,
         {}},
        {"D2 log missing beside a checkpoint",
         with([](F& f) {
             f.anySegment = false;
             f.gaplessLast = f.knownDurable = Lsn(50);
         }),
         Verdict::kRefuseLogMissing,
         0,
         0,
         {}},
        {"D2 log missing that the witness knows", with([](F& f) {
             f.anySegment = false;
             f.gaplessLast = f.knownDurable = Lsn(50);
             f.witnessed = Lsn(70);
         }),
         Verdict::kRefuseLogMissing, 0, 0, lsns(51, 70)},
        {"D3 no checkpoint verifies, log trimmed", with([](F& f) {
             f.generationChosen = false;
             f.generation.endLsn = f.gaplessLast = Lsn(0);
             f.generation.batch = BatchId(0);
         }),
         Verdict::kRefuseNoCheckpoint, 0, 0, lsns(1, 30)},
        {"D4 no checkpoint, log begins late", with([](F& f) {
             f.anyGeneration = f.generationChosen = false;
             f.generation.endLsn = f.gaplessLast = Lsn(0);
         }),
         Verdict::kRefuseBeginsLate, 0, 0, lsns(1, 30)},
        {"D5 header of a needed segment damaged",
         with([&](F& f) { f.unreadable = {lsns(61, max)}; }), Verdict::kRefuseUnreadable, 0, 0,
         lsns(61, max)},
        {"D6 frame at or below D damaged", with([](F& f) {
             f.gaplessLast = Lsn(60);
             f.beyondGap = Lsn(63);
         }),
         Verdict::kRefuseDamaged, 0, 0, lsns(61, 62)},
        {"D6 frame D itself missing at the end", with([](F& f) { f.gaplessLast = Lsn(69); }),
         Verdict::kRefuseDamaged, 0, 0, lsns(70, 70)},
        {"D6 log begins behind what the checkpoint holds", with([](F& f) {
             f.logFirst = Lsn(55);
             f.gaplessLast = Lsn(50);
             f.beyondGap = Lsn(55);
         }),
         Verdict::kRefuseDamaged, 0, 0, lsns(51, 54)},
        {"D6 gap that only a later frame calls durable", with([](F& f) {
             f.gaplessLast = Lsn(60);
             f.beyondGap = Lsn(90);
             f.knownDurable = Lsn(89);
         }),
         Verdict::kRefuseDamaged, 0, 0, lsns(61, 89)},
        {"D6a the log ends before what the witness knows",
         with([](F& f) { f.witnessed = Lsn(75); }), Verdict::kRefuseCutShort, 0, 0, lsns(71, 75)},
        {"D6a and a torn group lies behind", with([](F& f) {
             f.witnessed = Lsn(75);
             f.beyondGap = Lsn(73);
         }),
         Verdict::kRefuseCutShort, 0, 0, lsns(71, 75)},
        {"D6a frames in the page cache only, and fewer than the witness knows", with([](F& f) {
             f.knownDurable = Lsn(66);
             f.witnessed = Lsn(71);
         }),
         Verdict::kRefuseCutShort, 0, 0, lsns(71, 71)},
        {"D6a all behind the checkpoint is gone", with([](F& f) {
             f.gaplessLast = f.knownDurable = Lsn(50);
             f.witnessed = Lsn(70);
             f.damageBelow = true;
         }),
         Verdict::kRefuseCutShort, 0, 0, lsns(51, 70)},
        {"D6 damage that frames and the witness know of", with([](F& f) {
             f.gaplessLast = Lsn(60);
             f.witnessed = Lsn(75);
         }),
         Verdict::kRefuseDamaged, 0, 0, lsns(61, 75)},
        {"D7 batch id skipped",
         with([](F& f) { f.records = {record(7, 60, 55)}; }),
         Verdict::kRefuseRecords,
         0,
         0,
         {}},
        {"D7 batch ends before the one before it",
         with([](F& f) {
             f.records = {record(6, 60, 59), record(7, 65, 58)};
         }),
         Verdict::kRefuseRecords,
         0,
         0,
         {}},
        {"D7 batch ends behind its own record",
         with([](F& f) { f.records = {record(6, 60, 60)}; }),
         Verdict::kRefuseRecords,
         0,
         0,
         {}},
        {"D8 batches of another job wait",
         with([](F& f) {
             f.records = {record(6, 60, 55), record(7, 65, 64, 41)};
         }),
         Verdict::kRefuseForeign,
         0,
         0,
         {}},
        {"D8 the first is of the batch in which new operators took their initial states",
         with([](F& f) {
             f.beginFingerprint = 41;
             f.records = {record(6, 60, 55, 41), record(7, 65, 64)};
         }),
         Verdict::kResume,
         70,
         70,
         {}},
        {"D8 a later one is not",
         with([](F& f) {
             f.beginFingerprint = 41;
             f.records = {record(6, 60, 55), record(7, 65, 64, 41)};
         }),
         Verdict::kRefuseForeign,
         0,
         0,
         {}},
        {"D8a a batch that was shown was recorded with other steps",
         with([](F& f) {
             f.steps = 5;
             f.records = {record(6, 60, 55), record(7, 65, 64)};
             f.records[0].steps = 4;
             f.records[1].steps = 5;
             f.stoppedAt = BatchId(6);
         }),
         Verdict::kRefuseSteps,
         0,
         0,
         {}},
        {"D8a the last batch may have been shown with other steps",
         with([](F& f) {
             f.steps = 5;
             f.records = {record(6, 60, 55)};
         }),
         Verdict::kRefuseSteps,
         0,
         0,
         {}},
        {"D9 the last batch ended the job before its end: mended steps run it",
         with([](F& f) {
             f.steps = 5;
             f.records = {record(6, 60, 55), record(7, 65, 64)};
             f.records[0].steps = 5;
             f.stoppedAt = BatchId(7);
         }),
         Verdict::kResume,
         70,
         70,
         {}},
        {"D9 it was recorded anew for that",
         with([](F& f) {
             f.steps = 5;
             f.records = {record(6, 60, 55), record(6, 65, 55)};
             f.records[1].steps = 5;
             f.records[1].revision = 1;
         }),
         Verdict::kResume,
         70,
         70,
         {}},
        {"D7 recorded anew with another end",
         with([](F& f) {
             f.records = {record(6, 60, 55), record(6, 65, 56)};
             f.records[1].revision = 1;
         }),
         Verdict::kRefuseRecords,
         0,
         0,
         {}},
        {"D9 all known durable", sound(), Verdict::kResume, 70, 70, {}},
        {"D9 the witness knows as much",
         with([](F& f) { f.witnessed = Lsn(70); }),
         Verdict::kResume,
         70,
         70,
         {}},
        {"D9 the witness lags",
         with([](F& f) { f.witnessed = Lsn(12); }),
         Verdict::kResume,
         70,
         70,
         {}},
        {"D9 the checkpoint holds all that the witness knows",
         with([](F& f) {
             f.gaplessLast = f.knownDurable = f.witnessed = Lsn(50);
             f.damageBelow = true;
         }),
         Verdict::kResume,
         50,
         50,
         {}},
        {"D9 batches of another job wait, and nobody starts one",
         with([](F& f) {
             f.records = {record(6, 60, 55, 41)};
             f.fingerprint.reset();
         }),
         Verdict::kResume,
         70,
         70,
         {}},
        {"D9 with batches to replay",
         with([](F& f) {
             f.records = {record(6, 60, 55), record(7, 65, 64)};
         }),
         Verdict::kResume,
         70,
         70,
         {}},
        {"D9 from the beginning without a checkpoint",
         with([](F& f) {
             f = F{};
             f.logStarted = f.anySegment = true;
             f.logFirst = Lsn(1);
             f.gaplessLast = f.knownDurable = Lsn(7);
         }),
         Verdict::kResume,
         7,
         7,
         {}},
        {"D9 no checkpoint verifies, but the log reaches back to LSN 1",
         with([](F& f) {
             f.generationChosen = false;
             f.generation.batch = BatchId(0);
             f.generation.endLsn = Lsn(0);
             f.logFirst = Lsn(1);
         }),
         Verdict::kResume,
         70,
         70,
         {}},
        {"D9 the checkpoint calls more durable than the log has",
         with([](F& f) {
             f.gaplessLast = Lsn(50);
             f.knownDurable = Lsn(40);
         }),
         Verdict::kResume,
         50,
         50,
         {}},
        {"D9 torn tail behind D",
         with([](F& f) { f.beyondGap = Lsn(73); }),
         Verdict::kResume,
         70,
         70,
         {}},
        {"D9 damage below what is needed",
         with([](F& f) { f.damageBelow = true; }),
         Verdict::kResume,
         70,
         70,
         {}},
        {"D10 frames in the page cache only",
         with([](F& f) { f.knownDurable = Lsn(66); }),
         Verdict::kResumeCopying,
         66,
         70,
         {}},
        {"D10 of which the witness knows some",
         with([](F& f) {
             f.knownDurable = Lsn(66);
             f.witnessed = Lsn(68);
         }),
         Verdict::kResumeCopying,
         68,
         70,
         {}},
        {"D10 with a torn group behind them",
         with([](F& f) {
             f.knownDurable = Lsn(66);
             f.beyondGap = Lsn(75);
         }),
         Verdict::kResumeCopying,
         66,
         70,
         {}},
        {"D10 only the checkpoint calls anything durable",
         with([](F& f) { f.knownDurable = Lsn(0); }),
         Verdict::kResumeCopying,
         50,
         70,
         {}},
    };
}

TEST(Decide, FollowsTheTable) {
    for (const auto& row : table()) {
        const auto decision = decide(row.facts);
        EXPECT_EQ(decision.verdict, row.verdict) << row.label << ": " << decision.message;
        EXPECT_EQ(decision.lost, row.lost) << row.label << ": " << decision.message;
        EXPECT_EQ(decision.refused(), !decision.message.empty()) << row.label;
        if (decision.refused()) continue;
        EXPECT_EQ(decision.durable, Lsn(row.durable)) << row.label;
        EXPECT_EQ(decision.keepLast, Lsn(row.keepLast)) << row.label;
    }
}

TEST(Decide, EveryVerdictStandsInTheTable) {
    std::set<Verdict> seen;
    for (const auto& row : table()) seen.insert(row.verdict);
    EXPECT_EQ(seen.size(), 12u);
}

TEST(Decide, RefusalNamesTheRange) {
    auto facts = sound();
    facts.gaplessLast = Lsn(60);
    facts.beyondGap = Lsn(63);
    EXPECT_THAT(decide(facts).message, ::testing::HasSubstr("LSNs 61 to 62"));
}

}  // namespace
}  // namespace tidemill::recovery
