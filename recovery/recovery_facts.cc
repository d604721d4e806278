#include "recovery/recovery_facts.h"

#include <algorithm>

#include "core/mutant.h"
#include "recovery/durable_witness.h"

namespace tidemill::recovery {
namespace {

using core::ErrorKind;
using core::Lsn;

constexpr Lsn kLsnMax{~std::uint64_t{0}};
constexpr int kNotesMax = 8;

class Gathering {
public:
    Gathering(core::FileSystem& files, const core::Path& dataDirectory,
              const DirectoryFormat& format, const GatherOptions& options)
        : files_(files),
          dataDirectory_(dataDirectory),
          format_(format),
          options_(options),
          generations_(files, dataDirectory / "generations") {}

    core::Result<Findings> run() {
        found_.facts.logStarted = format_.logStarted;
        found_.facts.fingerprint = options_.fingerprint;
        found_.facts.steps = options_.steps;
        found_.facts.stoppedAt = options_.stoppedAt;
        // Before the log: it never says more than the log holds by then.
        TM_ASSIGN(const auto witnessed,
                  readWitness(files_, dataDirectory_ / "DURABLE", format_.uuid));
        if (witnessed && !TM_MUTANT(witness_not_followed))
            found_.facts.witnessed = witnessed->durable;
        TM_TRY(findGeneration());
        TM_TRY(scan());
        return std::move(found_);
    }

private:
    core::Result<> findGeneration() {
        TM_ASSIGN(const auto names, generations_.list());
        found_.facts.anyGeneration = !names.empty();
        for (const auto& name : names) {
            auto verified = verify(name);
            if (verified) {
                found_.facts.generationChosen = true;
                found_.facts.generation = verified->mark;
                found_.generation = name;
                found_.manifest = std::move(*verified);
                return {};
            }
            // A newer format is not damage, and must not send us back to an older state.
            if (verified.error().kind == ErrorKind::kUnsupported)
                return core::fail(verified.error());
            // For those who only look: the running job has removed it meanwhile.
            if (options_.scan.tolerateVanished && !files_.exists(generations_.pathOf(name)))
                continue;
            found_.damaged.push_back(name);
            found_.damagedWhy.push_back(verified.error().message);
        }
        return {};
    }

    // By every manifest that can be read its endLsn was durable, whatever became of the files.
    core::Result<Manifest> verify(const GenerationName& name) {
        TM_ASSIGN(auto manifest, generations_.manifest(name));
        auto& facts = found_.facts;
        facts.knownDurable = std::max(facts.knownDurable, manifest.mark.endLsn);
        found_.generationWasSuspect = generations_.suspect(name);
        TM_TRY(
            generations_.verifyFiles(name, manifest, found_.generationWasSuspect,
                                     found_.generationWasSuspect ? options_.readsAll : ReadsAll()));
        return manifest;
    }

    core::Result<> scan() {
        auto& facts = found_.facts;
        auto options = options_.scan;
        options.after = facts.generation.endLsn;
        TM_ASSIGN(found_.scan, scanLog(files_, dataDirectory_ / "wal", format_.uuid, options));
        auto& scanned = found_.scan;
        facts.anySegment = !scanned.segments.empty();
        facts.logFirst = scanned.firstLsn();
        facts.gaplessLast = scanned.gaplessLast;
        facts.beyondGap = scanned.beyondGap;
        facts.knownDurable = std::max(facts.knownDurable, scanned.knownDurable);
        facts.damageBelow = scanned.gapBelow;
        findUnreadable();
        // The record of the generation's own batch lies above its endLsn, and is not to be
        // replayed.
        std::erase_if(scanned.records, [&](const auto& found) {
            return found.record.batch <= facts.generation.batch && !TM_MUTANT(batch_run_twice);
        });
        for (const auto& [lsn, record] : scanned.records)
            facts.records.push_back(
                {record, lsn, record.fingerprint, record.steps, record.revision});
        return {};
    }

    void findUnreadable() {
        const auto& segments = found_.scan.segments;
        for (std::size_t i = 0; i < segments.size(); ++i) {
            const auto& segment = segments[i];
            if (!segment.headerDamage || segment.skipped || segment.supersededWhole()) continue;
            LsnRange range{segment.name.firstLsn, kLsnMax};
            for (std::size_t next = i + 1; next < segments.size(); ++next)
                if (segments[next].name.firstLsn > range.first) {
                    range.last = Lsn(segments[next].name.firstLsn.value - 1);
                    break;
                }
            found_.facts.unreadable.push_back(range);
        }
    }

    core::FileSystem& files_;
    const core::Path& dataDirectory_;
    const DirectoryFormat& format_;
    const GatherOptions& options_;
    Generations generations_;
    Findings found_;
};

}  // namespace

std::string Findings::damageNotes() const {
    std::string notes;
    int count = 0;
    for (const auto& segment : scan.segments) {
        if (segment.headerDamage && ++count <= kNotesMax)
            notes += "; " + segment.headerDamage->message;
        for (const auto& damage : segment.damages)
            if (++count <= kNotesMax) notes += "; " + damage.what;
    }
    if (count > kNotesMax) notes += "; and " + std::to_string(count - kNotesMax) + " more";
    return notes;
}

core::Result<Findings> gatherFacts(core::FileSystem& files, const core::Path& dataDirectory,
                                   const DirectoryFormat& format, const GatherOptions& options) {
    return Gathering(files, dataDirectory, format, options).run();
}

}  // namespace tidemill::recovery
