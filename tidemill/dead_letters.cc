#include "tidemill/dead_letters.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/format.h"
#include "core/logging.h"
#include "core/reversible_text.h"
#include "tidemill/batch_failure.h"

namespace tidemill {
namespace {

std::string lineOf(const nlohmann::ordered_json& object) {
    return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

nlohmann::ordered_json begun(const core::BatchRun& run) {
    nlohmann::ordered_json line;
    line["batch"] = run.record().batch.value;
    line["time_ms"] = toMillis(run.record().time);
    return line;
}

// Bytes that only the source's stream can read are no lines.
core::RecordKind kindOf(const SourceDeclaration& source) {
    return source.isText ? core::RecordKind::kLine : core::RecordKind::kElement;
}

// Calls f(place, kind, record) for the records that the batch goes on without because an operator
// said so.
template <class F>
core::Result<> forEachLeftOut(const core::BatchRun& run,
                              const std::vector<SourceDeclaration>& sources, F f) {
    const auto& record = run.record();
    for (const auto& block : run.blocks()) {
        const core::RecordPlace begin{block->lsn(), 0};
        const auto first =
            std::lower_bound(record.skippedByOption.begin(), record.skippedByOption.end(), begin);
        const bool some = first != record.skippedByOption.end() && first->lsn == block->lsn();
        if (!record.allSkippedByOption && !some) continue;
        TM_ASSIGN(const auto bytes, block->bytes());
        const auto& source = sources.at(block->origin().source.value);
        forEachRecord(bytes.view(), source.framing,
                      [&](std::uint32_t number, std::string_view text) {
                          const core::RecordPlace place{block->lsn(), number};
                          if (record.allSkippedByOption ||
                              std::binary_search(record.skippedByOption.begin(),
                                                 record.skippedByOption.end(), place))
                              f(place, kindOf(source), text);
                          return true;
                      });
    }
    return {};
}

// Likewise those that all stood in files, f(path, kind, record): they are named, and gone on
// without, when they cannot be read any more.
template <class F>
void forEachOfRanges(const core::BatchRun& run, const std::vector<SourceDeclaration>& sources,
                     F f) {
    const auto& record = run.record();
    if (!record.allSkippedByOption) return;
    for (const auto& range : record.ranges) {
        const auto& source = sources.at(range.source.value);
        const auto read = source.replayable->visitRecords(
            range.bytes,
            [&](std::string_view path, std::string_view bytes) { f(path, kindOf(source), bytes); });
        if (!read)
            core::logWarning(
                "batch " + core::toString(record.batch) + " goes on without records of " +
                source.description +
                " that cannot be read, so they become no dead letters: " + read.error().message);
    }
}

}  // namespace

core::Path deadLetterDirectory(const StreamingOptions& options) {
    if (options.deadLetterDirectory.empty() && !options.directory.empty())
        return options.directory / "dead_letters";
    return options.deadLetterDirectory;
}

core::OnError onError(ErrorPolicy policy) {
    switch (policy) {
        case ErrorPolicy::kStop: return core::OnError::kStop;
        case ErrorPolicy::kSkip: return core::OnError::kSkip;
        case ErrorPolicy::kDeadLetter: return core::OnError::kDeadLetter;
    }
    return core::OnError::kStop;
}

core::Result<> DeadLetters::report(const core::BatchRun& run,
                                   const std::vector<SourceDeclaration>& sources) {
    const auto* failed = run.failedRecords();
    const auto& record = run.record();
    const bool leavesOut = record.allSkippedByOption || !record.skippedByOption.empty();
    const auto count = failed != nullptr ? failed->count() : 0;
    if (count == 0 && !leavesOut) return {};
    count_ += count;
    std::string where;
    if (record.onError == core::OnError::kDeadLetter || leavesOut) {
        TM_TRY(write(run, sources));
        where = "; they are in " + files_->directory().string();
    }
    if (leavesOut)
        core::logWarning("batch " + core::toString(record.batch) + " went on without " +
                         (record.allSkippedByOption
                              ? std::string("all of its records")
                              : "records that were to be skipped: " +
                                    std::to_string(record.skippedByOption.size())) +
                         where);
    if (count == 0) return {};
    std::string first;
    failed->forEachKept([&](const core::FailedRecord& kept, std::uint64_t) {
        if (first.empty()) first = kept.operation + ": " + core::escaped(kept.error);
    });
    core::logWarning("batch " + core::toString(record.batch) + " left out " +
                     std::to_string(count) + (count == 1 ? " record" : " records") +
                     " because a function threw; the first: " + first + where);
    return {};
}

core::Result<> DeadLetters::write(const core::BatchRun& run,
                                  const std::vector<SourceDeclaration>& sources) {
    TM_ASSIGN(const auto file, files_->begin(run.mark()));
    if (!file) return {};
    core::Result<> written;
    const auto append = [&](nlohmann::ordered_json line, core::RecordKind kind,
                            std::string_view bytes) {
        std::string text;
        core::appendReversible(text, bytes);
        line["kind"] = toString(kind);
        line["record"] = text;
        if (written) written = file->append(lineOf(line));
    };
    const auto leftOut = [&](const core::RecordPlace& place, core::RecordKind kind,
                             std::string_view bytes) {
        auto line = begun(run);
        line["operation"] = "skipped as told";
        line["lsn"] = place.lsn.value;
        line["line"] = place.line;
        append(std::move(line), kind, bytes);
    };
    TM_TRY(forEachLeftOut(run, sources, leftOut));
    const auto ofFile = [&](std::string_view path, core::RecordKind kind, std::string_view bytes) {
        auto line = begun(run);
        line["operation"] = "skipped as told";
        if (!path.empty()) line["file"] = path;
        append(std::move(line), kind, bytes);
    };
    forEachOfRanges(run, sources, ofFile);
    if (run.failedRecords() != nullptr && run.record().onError == core::OnError::kDeadLetter) {
        const auto& failed = *run.failedRecords();
        std::uint64_t left = failed.rules().deadLettersMax;
        failed.forEachKept([&](const core::FailedRecord& kept, std::uint64_t times) {
            auto line = begun(run);
            line["operation"] = kept.operation;
            line["kind"] = toString(kept.kind);
            line["record"] = kept.record;
            line["error"] = kept.error;
            const auto text = lineOf(line);
            for (; times > 0 && left > 0 && written; --times, --left) written = file->append(text);
        });
        const std::uint64_t kept = failed.rules().deadLettersMax - left;
        if (failed.count() > kept && written) {
            auto line = begun(run);
            line["not_kept"] = failed.count() - kept;
            written = file->append(lineOf(line));
        }
    }
    TM_TRY(written);
    return file->commit();
}

}  // namespace tidemill
