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
        TM_TRY(replay(derived));
        say("running what the log holds behind the newest checkpoint");
        TM_TRY(replay(stored));
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

    Result<> replay(const std::string& directory) {
        TM_ASSIGN(auto job, readJobFile(options_.jobFile));
        if (options_.workers) job.options.workers = *options_.workers;
        return replayOn(std::move(job), directory, say);
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
        sayVerdict(from, batch, tables.size(), rows, differences);
        return differences == 0;
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

    void sayVerdict(core::BatchId from, core::BatchId batch, std::size_t tables, std::uint64_t rows,
                    std::uint64_t differences) const {
        if (options_.json) {
            put(Json{{"same", differences == 0},
                     {"from_batch", from.value},
                     {"batch", batch.value},
                     {"tables", tables},
                     {"rows", rows},
                     {"differences", differences}}
                    .dump() +
                "\n");
            return;
        }
        put((differences == 0 ? "the same: " : "NOT THE SAME: ") +
            (differences == 0 ? "" : std::to_string(differences) + " of ") + std::to_string(rows) +
            " rows in " + std::to_string(tables) + " tables, at batch " + core::toString(batch) +
            ", derived again from the checkpoint of batch " + core::toString(from) + "\n");
    }

    const VerifyOptions& options_;
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
