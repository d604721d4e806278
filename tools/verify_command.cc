// tidemill verify: whether the state is what the log and an older checkpoint give.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "state/state_store.h"
#include "tools/commands.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"
#include "tools/job_file.h"
#include "tools/past/changes_check.h"
#include "tools/sandbox.h"
#include "tools/tables/difference.h"
#include "tools/tables/table_text.h"

namespace tidemill::tools {
namespace {

using core::ErrorKind;
using core::Result;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

// Of each table, so many rows that differ are shown.
constexpr std::uint64_t kShownRows = 10;

class Verification {
public:
    explicit Verification(const VerifyOptions& options) : options_(options) {}

    // Whether everything is the same.
    Result<bool> run(const std::string& dataDirectory) {
        const fs::path at = options_.scratch.empty() ? besideDirectory(dataDirectory, "verify")
                                                     : fs::path(options_.scratch);
        TM_ASSIGN(const auto scratch, ScratchDirectory::make(at));
        const auto stored = (scratch->path() / "stored").string();
        const auto derived = (scratch->path() / "derived").string();
        say("copying the directory as it is now to " + scratch->path().string());
        TM_TRY(copyDataDirectory(dataDirectory, stored));
        TM_TRY(copyDataDirectory(stored, derived));
        TM_ASSIGN(const auto from, dropNewerCheckpoints(derived));
        say("deriving the state again from the checkpoint of batch " + core::toString(from) +
            " and the log");
        TM_TRY(replay(derived, changes_.options()));
        say("running what the log holds behind the newest checkpoint");
        TM_TRY(replay(stored, nullptr));
        return compare(stored, derived, from);
    }

private:
    static void say(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

    // Leaves the checkpoint to begin from, and returns its batch.
    Result<core::BatchId> dropNewerCheckpoints(const std::string& directory) {
        recovery::Generations generations(files_, fs::path(directory) / "generations");
        TM_ASSIGN(const auto list, generations.list());
        std::string batches;
        std::optional<recovery::GenerationName> from;
        for (const auto& name : list) {  // newest first
            batches += (batches.empty() ? "" : ", ") + core::toString(name.batch);
            if (options_.from ? name.batch.value == *options_.from : &name == &list.back())
                from = name;
        }
        if (!from)
            return core::fail(ErrorKind::kNotFound,
                              options_.from
                                  ? "no checkpoint of batch " + std::to_string(*options_.from) +
                                        "; there are those of batches " + batches
                                  : "no checkpoint yet: there is nothing to check");
        if (*from == list.front())
            return core::fail(ErrorKind::kNotFound,
                              "there is no newer checkpoint than that of batch " +
                                  core::toString(from->batch) + " to compare with");
        for (const auto& name : list)
            if (name > *from) TM_TRY(generations.remove(name));
        return from->batch;
    }

    Result<> replay(const std::string& directory, std::shared_ptr<const ReplayOptions> how) {
        TM_ASSIGN(auto job, readJobFile(options_.jobFile));
        if (options_.workers) job.options.workers = *options_.workers;
        return replayOn(std::move(job), directory, say, {std::move(how), {}, {}});
    }

    Result<std::unique_ptr<state::StateReader>> newest(const std::string& directory) {
        recovery::Generations generations(files_, fs::path(directory) / "generations");
        TM_ASSIGN(const auto list, generations.list());
        return state::StateReader::open(generations.pathOf(list.front()));
    }

    Result<bool> compare(const std::string& stored, const std::string& derived,
                         core::BatchId from) {
        TM_ASSIGN(const auto is, newest(stored));
        TM_ASSIGN(const auto shouldBe, newest(derived));
        const auto batch = is->mark().batch;
        if (batch != shouldBe->mark().batch)
            return core::fail(ErrorKind::kCorrupt,
                              "the log ends at batch " + core::toString(shouldBe->mark().batch) +
                                  " from the older checkpoint, at batch " + core::toString(batch) +
                                  " from the newer one");
        TM_ASSIGN(const auto tables, tablesOf(*is, *shouldBe));
        std::uint64_t rows = 0;
        std::uint64_t differences = 0;
        for (const auto& table : tables) {
            TM_ASSIGN(const auto compared, compareOne(*is, *shouldBe, table));
            rows += compared.rows;
            differences += compared.differences;
        }
        if (changes_.first() && !options_.json) sayFirst(*changes_.first(), tables);
        sayVerdict({from, batch, tables, rows, differences});
        return differences == 0 && !changes_.first();
    }

    Result<Compared> compareOne(const state::StateReader& is, const state::StateReader& shouldBe,
                                const TableOfTwo& table) {
        TableText text(table.any());
        std::uint64_t shown = 0;
        Result<> outcome;
        TM_ASSIGN(const auto compared,
                  compareTable(is, shouldBe, table, [&](const RowDifference& row) {
                      const auto line = inWords(text, table.any().operatorName, row);
                      if (!line) outcome = core::fail(line.error());
                      return line && put(*line) && ++shown != kShownRows;
                  }));
        TM_TRY(std::move(outcome));
        return compared;
    }

    Result<std::string> inWords(TableText& text, const std::string& name,
                                const RowDifference& row) const {
        const auto side = [&](const std::optional<std::string_view>& value) -> Result<std::string> {
            if (!value) return std::string(options_.json ? "null" : "(not there)\n");
            if (!options_.json) return text.line(false, row.key, *value);
            TM_ASSIGN(const auto members, text.members(row.key, *value));
            return "{" + members + "}";
        };
        TM_ASSIGN(const auto is, side(row.before));
        TM_ASSIGN(const auto shouldBe, side(row.after));
        if (options_.json)
            return "{\"table\": " + Json(name).dump() + ", \"stored\": " + is +
                   ", \"derived\": " + shouldBe + "}\n";
        return name + "\n  stored   " + is + "  derived  " + shouldBe;
    }

    struct Verdict {
        core::BatchId from, batch;
        const std::vector<TableOfTwo>& tables;
        std::uint64_t rows, differences;
    };

    // What people call a table of a batch's changes; one that has no rows now goes by its number.
    static std::string nameOf(const core::TableChanges& changes,
                              const std::vector<TableOfTwo>& tables) {
        for (const auto& table : tables) {
            const auto& summary = table.any();
            if (summary.operatorId == changes.operatorId && summary.number == changes.table)
                return summary.operatorName;
        }
        return "table " + std::to_string(changes.table) + " of operator " +
               core::toString(changes.operatorId);
    }

    static void sayFirst(const ChangedOtherwise& first, const std::vector<TableOfTwo>& tables) {
        put("batch " + core::toString(first.batch) +
            " is the first that changes the state in another way when it is run again:\n");
        for (const auto& [recorded, again] : first.tables)
            put("  " + nameOf(recorded, tables) + ": " + std::to_string(recorded.count) +
                " changes were recorded, " + std::to_string(again.count) + " made again" +
                (recorded.count == again.count ? ", not the same\n" : "\n"));
    }

    void sayVerdict(const Verdict& verdict) const {
        const bool same = verdict.differences == 0 && !changes_.first();
        const auto text = [](std::uint64_t number) { return std::to_string(number); };
        if (options_.json) {
            Json first;
            if (const auto& batch = changes_.first()) {
                first = Json{{"batch", batch->batch.value}, {"tables", Json::array()}};
                for (const auto& [recorded, again] : batch->tables)
                    first["tables"].push_back({{"table", nameOf(recorded, verdict.tables)},
                                               {"recorded", recorded.count},
                                               {"again", again.count}});
            }
            put(Json{{"same", same},
                     {"from_batch", verdict.from.value},
                     {"batch", verdict.batch.value},
                     {"tables", verdict.tables.size()},
                     {"rows", verdict.rows},
                     {"differences", verdict.differences},
                     {"batches_compared", changes_.compared()},
                     {"first_difference", first}}
                    .dump() +
                "\n");
            return;
        }
        put(std::string(same ? "the same: " : "NOT THE SAME: ") +
            (same ? "" : text(verdict.differences) + " of ") + text(verdict.rows) + " rows in " +
            text(verdict.tables.size()) + " tables, at batch " + core::toString(verdict.batch) +
            ", derived again from the checkpoint of batch " + core::toString(verdict.from) +
            "; changes of " + text(changes_.compared()) + " batches compared\n");
    }

    const VerifyOptions& options_;
    ChangesCheck changes_;
    core::FileSystem& files_ = core::posixFileSystem();
};

}  // namespace

int verifyState(const VerifyOptions& options) {
    const auto job = readJobFile(options.jobFile);
    if (!job) {
        std::fprintf(stderr, "%s\n", job.error().message.c_str());
        return kExitJobFile;
    }
    const auto directory = job->directoryOr(options.dataDirectory);
    const auto same = Verification(options).run(directory);
    if (!same) return sayFailure(same.error());
    if (const int code = finishOutput(); code != kExitDone) return code;
    return *same ? kExitDone : kExitDamaged;
}

}  // namespace tidemill::tools
