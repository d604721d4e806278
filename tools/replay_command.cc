// tidemill replay: what each step gave in a batch that ran before, and what it would give now.
#include <algorithm>
#include <cstdio>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "core/format.h"
#include "tools/commands.h"
#include "tools/dead_letter_file.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"
#include "tools/job_file.h"
#include "tools/past/past_batch.h"

namespace tidemill::tools {
namespace {

using core::BatchId;
using core::Result;
using Json = nlohmann::ordered_json;

// What a job gave in the batch.
struct Given {
    std::deque<GivenElements> steps;
    std::uint64_t leftOut = 0;
    std::vector<std::string> firstLeftOut;  // "OPERATION: ERROR: RECORD"
};

// Of one step, what only one of two jobs gave; each as often as it came.
std::vector<std::string> onlyIn(const GivenElements& one, const GivenElements& other) {
    std::vector<std::string> only;
    for (const auto& [object, times] : one.all) {
        const auto known = other.all.find(object);
        const auto there = known == other.all.end() ? 0 : known->second;
        for (auto i = there; i < times; ++i) only.push_back(object);
    }
    return only;
}

std::string counted(std::uint64_t count, const char* what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

class Replaying {
public:
    explicit Replaying(const ReplayCommandOptions& options)
        : options_(options), batch_(options.batch) {}

    Result<> run(const JobFile& job, const std::string& directory) {
        TM_ASSIGN(const auto scratch, ScratchDirectory::make(besideDirectory(directory, "replay")));
        const auto at = [&](const char* name) { return (scratch->path() / name).string(); };
        TM_ASSIGN(const auto before, PastDirectory::copy(directory, at("before"), say));
        TM_ASSIGN(const auto from, before->goBefore(batch_));
        say("from " +
            (from ? "the checkpoint of batch " + core::toString(*from) : "the first batch") +
            " on; log and checkpoints give " + describe(before->reach()));
        if (options_.changedJob.empty()) {
            TM_ASSIGN(const auto given, runBatch(*before, job, false));
            return show(given);
        }
        TM_ASSIGN(auto changed, readJobFile(options_.changedJob));
        changed.options.adopt = true;
        if (batch_.value > (from ? from->value : 0) + 1) {
            say("running the batches before it");
            auto how = std::make_shared<ReplayOptions>();
            how->to = BatchId(batch_.value - 1);
            TM_TRY(before->run(job, {how, {}, {}}));
        }
        TM_ASSIGN(const auto after, before->again(at("after")));
        TM_ASSIGN(const auto was, runBatch(*before, job, false));
        TM_ASSIGN(const auto is, runBatch(*after, changed, true));
        return compare(was, is);
    }

private:
    static void say(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

    Result<Given> runBatch(const PastDirectory& directory, const JobFile& job, bool isOther) {
        say("running batch " + core::toString(batch_) + " of " + job.path);
        auto how = std::make_shared<ReplayOptions>();
        how->to = how->shownFrom = batch_;
        how->otherJob = isOther;
        how->keeps = false;
        how->before = [this](core::BatchRecord& record, std::span<const core::BlockPtr> blocks) {
            if (record.batch != batch_) return Result<>();
            time_ = record.time;
            logged_ = 0;
            for (const auto& block : blocks) logged_ += block->origin().lines;
            return Result<>();
        };
        GivenStreams streams(
            {options_.key, static_cast<std::size_t>(options_.limit), !options_.changedJob.empty()});
        TM_TRY(directory.run(job, {how, streams.observer(), {}}));
        Given given{streams.elements(), 0, {}};
        TM_ASSIGN(const auto letters, deadLetterFiles(directory.path(), batch_.value));
        for (const auto& file : letters)
            TM_TRY(forEachDeadLetter(file, [&](const DeadLetter& letter) {
                given.leftOut += letter.notKept;
                if (letter.kind == DeadLetter::Kind::kCount) return true;
                if (++given.leftOut <= options_.limit)
                    given.firstLeftOut.push_back(letter.operation + ": " + letter.error + ": " +
                                                 letter.record);
                return true;
            }));
        return given;
    }

    std::string ofKey() const {
        return options_.key.empty() ? "" : " with \"" + core::escaped(options_.key) + "\"";
    }

    Json head() const {
        Json json{
            {"batch", batch_.value}, {"time_ms", toMillis(time_)}, {"logged_records", logged_}};
        if (!options_.key.empty()) json["key"] = options_.key;
        return json;
    }

    static void putJson(const Json& json) {
        put(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    }

    static Json asJson(const std::vector<std::string>& objects, std::uint64_t limit) {
        Json list = Json::array();
        for (const auto& object : objects) {
            if (list.size() == limit) break;
            list.push_back(Json::parse(object, nullptr, false));
        }
        return list;
    }

    void putHead() const {
        put("batch " + core::toString(batch_) + " at " + std::to_string(toMillis(time_)) +
            " ms, with " + counted(logged_, "record") + " of the log\n");
    }

    static void putObjects(const char* prefix, const std::vector<std::string>& objects,
                           std::uint64_t total, std::uint64_t limit) {
        const auto shown = std::min<std::uint64_t>(objects.size(), limit);
        for (std::uint64_t i = 0; i < shown; ++i) {
            std::string line;
            core::appendPrintable(line, objects[i]);
            put(std::string(prefix) + line + "\n");
        }
        if (total > shown)
            put(std::string(prefix) + "… and " + std::to_string(total - shown) + " more\n");
    }

    Result<> show(const Given& given) {
        if (options_.json) putJson(head());
        else putHead();
        for (const auto& step : given.steps) {
            if (options_.json) {
                Json json{{"step", step.label}, {"gave", step.count}, {"slides", step.isActive}};
                if (!options_.key.empty()) json["with_key"] = step.wanted;
                json["first"] = asJson(step.first, options_.limit);
                putJson(json);
                continue;
            }
            put(step.label + ": " +
                (step.isActive
                     ? std::to_string(step.count) +
                           (options_.key.empty() ? ""
                                                 : ", " + std::to_string(step.wanted) + ofKey())
                     : std::string("its window does not slide in this batch")) +
                "\n");
            putObjects("  ", step.first, step.wanted, options_.limit);
        }
        putLeftOut("left out", given);
        return {};
    }

    void putLeftOut(const char* what, const Given& given) const {
        if (given.leftOut == 0) return;
        if (options_.json)
            return putJson(
                {{"step", what}, {"records", given.leftOut}, {"first", given.firstLeftOut}});
        put(std::string(what) + ": " + counted(given.leftOut, "record") +
            " that a step cannot take\n");
        putObjects("  ", given.firstLeftOut, given.leftOut, options_.limit);
    }

    static const GivenElements* find(const Given& given, const std::string& key) {
        const auto found = std::find_if(given.steps.begin(), given.steps.end(),
                                        [&](const auto& step) { return step.key == key; });
        return found == given.steps.end() ? nullptr : &*found;
    }

    Result<> compare(const Given& before, const Given& after) {
        if (options_.json) putJson(head());
        else putHead();
        static const GivenElements kNothing{};
        for (const auto& step : before.steps)
            if (find(after, step.key) == nullptr)
                compareStep(step.label + ", which the changed job does not have", step, kNothing);
        for (const auto& step : after.steps) {
            const auto* was = find(before, step.key);
            if (was != nullptr) compareStep(step.label, *was, step);
            else compareStep(step.label + ", which is new", kNothing, step);
        }
        putLeftOut("left out before", before);
        putLeftOut("left out after", after);
        return {};
    }

    void compareStep(const std::string& label, const GivenElements& before,
                     const GivenElements& after) {
        const bool isKnown = before.holdsAll && after.holdsAll;
        const auto removed = isKnown ? onlyIn(before, after) : std::vector<std::string>();
        const auto added = isKnown ? onlyIn(after, before) : std::vector<std::string>();
        if (options_.json) {
            Json json{{"step", label}, {"before", before.wanted}, {"after", after.wanted}};
            if (isKnown) {
                json["only_before"] = {{"count", removed.size()},
                                       {"first", asJson(removed, options_.limit)}};
                json["only_after"] = {{"count", added.size()},
                                      {"first", asJson(added, options_.limit)}};
            } else {
                json["compared"] = false;
            }
            return putJson(json);
        }
        put(label + ": " + std::to_string(before.wanted) + " before, " +
            std::to_string(after.wanted) + " after" + ofKey() +
            (!isKnown                           ? "; too large to be compared one by one"
             : removed.empty() && added.empty() ? ", the same"
                                                : "") +
            "\n");
        putObjects("- ", removed, removed.size(), options_.limit);
        putObjects("+ ", added, added.size(), options_.limit);
    }

    const ReplayCommandOptions& options_;
    const BatchId batch_;
    BatchTime time_{};
    std::uint64_t logged_ = 0;
};

}  // namespace

int replayBatch(const ReplayCommandOptions& options) {
    core::setLogLevel(core::LogLevel::kError);
    const auto job = readJobFile(options.jobFile);
    if (!job) {
        std::fprintf(stderr, "%s\n", job.error().message.c_str());
        return kExitJobFile;
    }
    if (!options.changedJob.empty())
        if (const auto changed = readJobFile(options.changedJob); !changed) {
            std::fprintf(stderr, "%s\n", changed.error().message.c_str());
            return kExitJobFile;
        }
    const auto shown = Replaying(options).run(*job, job->directoryOr(options.dataDirectory));
    return shown ? finishOutput() : sayFailure(shown.error());
}

}  // namespace tidemill::tools
