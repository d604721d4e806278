#include "tidemill/batch_failure.h"

#include <algorithm>
#include <map>

#include "core/byte_codec.h"
#include "core/connection_number.h"
#include "core/cut_lines.h"
#include "core/logging.h"

namespace tidemill {
namespace {

using core::Block;
using core::RecordPlace;

constexpr std::size_t kShownBytes = 80;

core::Framing framingOf(const Job& job, const Block& block) {
    const auto source = block.origin().source.value;
    return source < job.sources.size() ? job.sources[source].framing : core::Framing::kLines;
}

std::string nameOf(const Job& job, core::SourceId source) {
    return source.value < job.sources.size() ? job.sources[source.value].description
                                             : "source " + std::to_string(source.value + 1);
}

// The record that `text` lies in.
std::optional<RecordPlace> placeOf(const Job& job, core::BatchRun& run, const char* text) {
    if (text == nullptr) return std::nullopt;
    std::optional<RecordPlace> place;
    const auto lookIn = [&](const Block& block, std::string_view bytes) {
        if (std::less<>()(text, bytes.data()) || !std::less<>()(text, bytes.data() + bytes.size()))
            return false;
        forEachRecord(bytes, framingOf(job, block), [&](std::uint32_t number, auto record) {
            place = RecordPlace{block.lsn(), number};
            return record.data() + record.size() < text;
        });
        return true;
    };
    for (const auto& [block, bytes] : run.kept())
        if (lookIn(*block, bytes.view())) return place;
    for (const auto& block : run.blocks())
        if (block->inMemory() && lookIn(*block, block->bytesInMemory())) return place;
    return std::nullopt;
}

}  // namespace

void forEachRecord(std::string_view bytes, core::Framing framing,
                   const std::function<bool(std::uint32_t, std::string_view)>& visit) {
    std::uint32_t number = 0;
    if (framing == core::Framing::kLines)
        return core::cutLines(bytes, [&](std::string_view line) { return visit(++number, line); });
    core::ByteReader in(bytes);
    while (!in.finished()) {
        const auto record = in.string(bytes.size());
        if (!in.ok() || !visit(++number, record)) return;
    }
}

std::optional<RecordPlace> locate(const Job& job, core::BatchRun& run,
                                  const core::FailedCall& call) {
    if (auto place = placeOf(job, run, call.text)) return place;
    const auto& nodes = job.graph.nodes();
    if (call.node >= nodes.size() || !nodes[call.node]->probes()) return std::nullopt;
    auto& node = *nodes[call.node];
    const auto throwsWithin = [&](std::uint64_t limit, core::RecordProbe& probe) {
        probe = {};
        probe.limit = limit;
        return node.throwsWithin(run, call.partition, probe);
    };
    core::RecordProbe probe;
    if (!throwsWithin(~std::uint64_t{0}, probe)) return std::nullopt;
    // Functions are deterministic: the fewest records that make it throw end in the one at fault.
    std::uint64_t enough = probe.seen;
    std::uint64_t few = 0;
    RecordPlace last = probe.last;
    while (few + 1 < enough) {
        const auto middle = few + (enough - few) / 2;
        if (throwsWithin(middle, probe)) {
            enough = middle;
            last = probe.last;
        } else {
            few = middle;
        }
    }
    return last;
}

std::string describeRecord(const Job& job, std::span<const core::BlockPtr> blocks,
                           const RecordPlace& place) {
    const auto block = std::find_if(blocks.begin(), blocks.end(), [&](const auto& candidate) {
        return candidate->lsn() == place.lsn;
    });
    std::string text =
        "record " + std::to_string(place.line) + " of the block at LSN " + toString(place.lsn);
    if (block == blocks.end()) return text;
    const auto& origin = (*block)->origin();
    // Lines that were too long have numbers, but are not in the block: with some of them the
    // record's line number is at least this.
    const std::string about = origin.oversize == 0 ? "" : "at or behind ";
    text += ", " + about + "line " + std::to_string(origin.firstLine + place.line - 1) + " of " +
            (origin.lane.empty() ? core::describeConnection(origin.connection)
                                 : "session \"" + core::escaped(origin.lane) + "\"") +
            " of " + nameOf(job, origin.source);
    const auto bytes = (*block)->bytes();
    if (!bytes) return text;
    forEachRecord(bytes->view(), framingOf(job, **block), [&](std::uint32_t number, auto record) {
        if (number == place.line)
            text += ": \"" + core::escaped(record, kShownBytes) +
                    (record.size() > kShownBytes ? "\"..." : "\"");
        return number < place.line;
    });
    return text;
}

std::string describeContent(const Job& job, const core::BatchRecord& record,
                            std::span<const core::BlockPtr> blocks) {
    std::map<std::uint32_t, std::uint64_t> records;  // by source
    for (const auto& block : blocks) records[block->origin().source.value] += block->origin().lines;
    std::string text;
    for (const auto& [source, count] : records)
        text += (text.empty() ? "" : ", ") + std::to_string(count) + " records of " +
                nameOf(job, core::SourceId(source));
    if (!blocks.empty())
        text += " (LSNs " + toString(blocks.front()->lsn()) + " to " +
                toString(blocks.back()->lsn()) + ")";
    for (const auto& range : record.ranges)
        text += (text.empty() ? "" : ", ") + std::string("what it takes of ") +
                nameOf(job, range.source);
    return text.empty() ? "no records" : text;
}

std::string waysOn(const Job& job, core::BatchId batch, const std::optional<RecordPlace>& place) {
    const auto id = core::toString(batch);
    // Programs have fields of StreamingOptions, job files have none.
    const auto option = [&](const std::string& text, const char* field) {
        return job.stepsAreDetailed ? text : text + " (" + field + ")";
    };
    std::string text = " Nothing is lost: mend the job and start it again. Or start it once with ";
    if (place)
        text += option("--skip-record " + core::toString(place->lsn) + ":" +
                           std::to_string(place->line),
                       "skipRecords") +
                " to go on without this record, with ";
    return text + option("--quarantine " + id, "quarantineBatch") +
           " to go on without the records of this batch that " +
           (job.stepsAreDetailed ? "a step cannot take" : "a function throws for") + ", or with " +
           option("--skip-batch " + id, "skipBatch") +
           " to go on without all of it; what is left out becomes dead letters.";
}

core::Error explainFailure(const Job& job, core::BatchRun& run, const core::Error& error,
                           bool completeBefore, recovery::AttemptsFile* attempts) {
    const auto id = run.record().batch;
    const auto content = [&] { return describeContent(job, run.record(), run.blocks()); };
    const auto call = run.failedRecords()->stopped();
    std::optional<RecordPlace> place;
    if (call && !completeBefore) place = locate(job, run, *call);
    std::string text = "batch " + core::toString(id) + " failed: " + error.message;
    if (place) text += "; it is " + describeRecord(job, run.blocks(), *place);
    else if (call && !call->record.record.empty())
        text += "; the record: \"" + core::escaped(call->record.record, kShownBytes) + "\", of " +
                content();
    text += ".";
    if (completeBefore)
        return {error.kind, text +
                                " The batch had come to its end before: functions of the program "
                                "have changed. Run the program that recorded it, stop it "
                                "gracefully, then start this one."};
    if (attempts == nullptr) return {error.kind, std::move(text)};
    const auto known = attempts->failed(id, text);
    if (!known)
        core::logError("the failure of batch " + core::toString(id) +
                       " could not be noted: " + known.error().message);
    else if (known->ended >= recovery::kAttemptsSuspicious)
        text += " The batch has ended the process " + std::to_string(known->ended) +
                " times; it holds " + content() + ".";
    return {error.kind, text + waysOn(job, id, place)};
}

}  // namespace tidemill
