// tidemill why: the batches and the records that made a key's value.
#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "core/file_system.h"
#include "core/format.h"
#include "recovery/generations.h"
#include "state/state_reader.h"
#include "tools/commands.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"
#include "tools/job_file.h"
#include "tools/past/row_changes.h"
#include "tools/tables/table_text.h"

namespace tidemill::tools {
namespace {

using core::BatchId;
using core::ErrorKind;
using core::Result;
using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kProgressEvery{2};

class Why {
public:
    explicit Why(const WhyOptions& options) : options_(options) {}

    Result<> run(const JobFile& job, const std::string& directory) {
        TM_ASSIGN(const auto scratch, ScratchDirectory::make(besideDirectory(directory, "why")));
        TM_ASSIGN(const auto past,
                  PastDirectory::copy(directory, (scratch->path() / "copy").string(), say));
        if (past->reach().last < past->reach().first)
            return core::fail(ErrorKind::kNotFound,
                              "the log holds no batch behind the newest checkpoint but one: there "
                              "is nothing to look through");
        TM_TRY(makeFirstCheckpoint(*past, job));
        TM_ASSIGN(row_, findRow(past->path()));
        text_ = std::make_unique<TableText>(row_.table);
        TM_ASSIGN(const auto from, past->goBefore(past->reach().first));
        TM_ASSIGN(const auto before, valueAt(past->path(), from));
        TM_TRY(putReach(past->reach(), from, before));
        say("running " + describe(past->reach()));
        std::deque<RowChange> changes;
        TM_TRY(findChanges(*past, job, row_, before, [&](RowChange change) {
            if (!showsChange(change)) return;
            changes.push_back(std::move(change));
            ++all_;
            if (options_.batches != 0 && changes.size() > options_.batches) changes.pop_front();
        }));
        if (all_ > changes.size()) TM_TRY(putOlder(all_ - changes.size()));
        for (const auto& change : changes) TM_TRY(explain(*past, job, change));
        if (all_ == 0) return putUnchanged();
        return {};
    }

private:
    static void say(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

    // Without a checkpoint nobody knows the tables: makes one, behind the last batch.
    static Result<> makeFirstCheckpoint(const PastDirectory& past, const JobFile& job) {
        const recovery::Generations generations(core::posixFileSystem(),
                                                std::filesystem::path(past.path()) / "generations");
        TM_ASSIGN(const auto list, generations.list());
        return list.empty() ? past.run(job, {}) : Result<>();
    }

    // Of the newest checkpoint, which knows all tables. Errors: kNotFound, kInvalid.
    Result<RowPlace> findRow(const std::string& directory) const {
        InspectOptions newest;
        newest.dataDirectory = directory;
        TM_ASSIGN(const auto reader, openState(newest));
        TM_ASSIGN(const auto table, findTable(*reader, options_.table));
        if (table.operatorId == core::kSystemOperator || table.number != 0)
            return core::fail(ErrorKind::kInvalid,
                              "why is said of the tables of a job's steps, \"" +
                                  core::escaped(options_.table) + "\" is none");
        TM_ASSIGN(auto key, TableText(table).keyOf(options_.key));
        return RowPlace{table, std::move(key)};
    }

    Result<std::optional<std::string>> valueAt(const std::string& directory,
                                               std::optional<BatchId> checkpoint) const {
        if (!checkpoint) return std::optional<std::string>();
        InspectOptions older;
        older.dataDirectory = directory;
        older.asOf = checkpoint->value;
        TM_ASSIGN(const auto reader, openState(older));
        return reader->get(row_.table.operatorId, row_.table.number, row_.key);
    }

    // A row may hold more than it shows, such as the times of a window's parts.
    bool showsChange(const RowChange& change) {
        const auto before = inWords(change.before), after = inWords(change.after);
        return !before || !after || *before != *after;
    }

    Result<std::string> inWords(const std::optional<std::string>& value) {
        if (!value) return std::string("(not there)\n");
        return text_->line(false, row_.key, *value);
    }

    Result<Json> asJson(const std::optional<std::string>& value) {
        if (!value) return Json();
        TM_ASSIGN(const auto members, text_->members(row_.key, *value));
        return Json::parse("{" + members + "}", nullptr, false);
    }

    static void putJson(const Json& json) {
        put(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    }

    Result<> putReach(const Reach& reach, std::optional<BatchId> from,
                      const std::optional<std::string>& before) {
        if (options_.json) {
            Json json{{"first_batch", reach.first.value}, {"last_batch", reach.last.value}};
            if (from) json["checkpoint_batch"] = from->value;
            TM_ASSIGN(json["before"], asJson(before));
            putJson(json);
            return {};
        }
        TM_ASSIGN(const auto value, inWords(before));
        put("log and checkpoints give " + describe(reach) + "\n" +
            (from ? "before     " + value + "           what made that is out of reach\n"
                  : std::string("           that is all there was: nothing is out of reach\n")));
        return {};
    }

    Result<> putOlder(std::uint64_t count) const {
        if (options_.json) putJson({{"older_batches", count}});
        else put("… " + std::to_string(count) + " older batches changed it; see --batches\n");
        return {};
    }

    Result<> putUnchanged() const {
        if (!options_.json) put("no batch of these changed it\n");
        return {};
    }

    Result<> explain(const PastDirectory& past, const JobFile& job, const RowChange& change) {
        if (const auto before = change.batch.value - 1; before > stands_) {
            auto how = std::make_shared<ReplayOptions>();
            how->to = BatchId(before);
            TM_TRY(past.run(job, {how, {}, {}}));
            stands_ = before;
        }
        auto last = std::chrono::steady_clock::now();
        const auto progress = [&](std::uint64_t runs) {
            const auto now = std::chrono::steady_clock::now();
            if (now - last < kProgressEvery) return;
            last = now;
            say("batch " + core::toString(change.batch) + ": has run " + std::to_string(runs) +
                " times with parts of its records");
        };
        const auto most =
            options_.limit == 0 ? std::numeric_limits<std::uint64_t>::max() : options_.limit;
        TM_ASSIGN(const auto found, findRecords(past, job, row_, change.batch, most, progress));
        return options_.json ? putJson(change, found) : putWords(change, found);
    }

    Result<> putWords(const RowChange& change, const TouchingRecords& found) {
        TM_ASSIGN(const auto value, inWords(change.after));
        put("batch " + core::toString(change.batch) + " at " +
            std::to_string(toMillis(change.time)) + " ms   " + value);
        for (const auto& record : found.records) put("  " + record.described + "\n");
        for (const auto& [first, last] : found.together)
            put("  some of these records only together, from " + first.described + "\n  to " +
                last.described + "\n");
        if (found.more) put("  … and more\n");
        else if (!found.records.empty())
            put("  " + std::to_string(found.records.size()) + " of the batch's " +
                std::to_string(found.ofRecords) + " records\n");
        if (found.withoutRecords)
            put(found.hasFiles ? "  records of files, which are not told apart, or time\n"
                               : "  time: a window that slides, or a key that was idle too long; "
                                 "the records behind it are of this batch or of earlier ones\n");
        return {};
    }

    Result<> putJson(const RowChange& change, const TouchingRecords& found) {
        const auto listed = [](const TouchingRecords::Record& record) {
            return Json{{"lsn", record.place.lsn.value},
                        {"line", record.place.line},
                        {"record", record.described}};
        };
        Json json{{"batch", change.batch.value}, {"time_ms", toMillis(change.time)}};
        TM_ASSIGN(json["before"], asJson(change.before));
        TM_ASSIGN(json["after"], asJson(change.after));
        json["records"] = Json::array();
        for (const auto& record : found.records) json["records"].push_back(listed(record));
        json["together"] = Json::array();
        for (const auto& [first, last] : found.together)
            json["together"].push_back({{"first", listed(first)}, {"last", listed(last)}});
        json["more"] = found.more;
        json["of_records"] = found.ofRecords;
        json["without_records"] = found.withoutRecords;
        json["has_files"] = found.hasFiles;
        putJson(json);
        return {};
    }

    const WhyOptions& options_;
    RowPlace row_;
    std::unique_ptr<TableText> text_;
    std::uint64_t all_ = 0;     // batches that changed it
    std::uint64_t stands_ = 0;  // the copy stands behind this batch
};

}  // namespace

int explainRow(const WhyOptions& options) {
    core::setLogLevel(core::LogLevel::kError);
    const auto job = readJobFile(options.jobFile);
    if (!job) {
        std::fprintf(stderr, "%s\n", job.error().message.c_str());
        return kExitJobFile;
    }
    const auto explained = Why(options).run(*job, job->directoryOr(options.dataDirectory));
    return explained ? finishOutput() : sayFailure(explained.error());
}

}  // namespace tidemill::tools
