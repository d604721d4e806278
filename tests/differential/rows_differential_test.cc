// Random job files over random rows, killed and restarted, against a naive row engine that computes
// every batch from the whole history. What is compared is in docs/testing.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/logging.h"
#include "tests/differential/random_runs.h"
#include "tests/differential/row_source.h"
#include "tests/support/batch_harness.h"
#include "tests/support/text_feed.h"
#include "tools/job_file.h"
#include "tools/job_plan.h"

namespace tidemill::rows::test {
namespace {

using tidemill::test::Life;
using tidemill::test::replayCommand;
using tidemill::test::runSeeds;
using tidemill::test::TemporaryDirectory;
using tidemill::test::TextFeed;
using Lines = std::vector<std::string>;

// One run of the job.
struct LifePlan {
    std::vector<std::int64_t> ticks;
    bool graceful = false;
    unsigned workers = 1;
};

class RandomJob {
public:
    RandomJob(unsigned seed, std::map<std::string, long>& counts)
        : seed_(seed), random_(seed), counts_(counts) {
        isLarge_ = draw_.oneIn(10);
        ++counts_[isLarge_ ? "batches of many chunks" : "small batches"];
        drawLives();
        for (auto left = draw_.number(1, 2); left > 0; --left) addSource();
        std::vector<StepKind> kinds;
        for (auto list : {narrowSteps(), groupSteps(), groupSteps(), mixingSteps(), sqlSteps()})
            kinds.insert(kinds.end(), list.begin(), list.end());
        const auto steps = sources_.size() + static_cast<std::size_t>(draw_.number(2, 8));
        for (int tries = 0; tries < 200 && streams_.size() < steps; ++tries)
            addStep(draw_.one(kinds));
    }

    void run() {
        TemporaryDirectory directory;
        std::filesystem::create_directory(directory / "out");
        std::int64_t lastTick = 0;
        for (const auto& life : lives_) {
            live(life, directory.path(), lastTick);
            if (::testing::Test::HasFatalFailure()) return;
            lastTick = life.ticks.back();
        }
        for (const auto& stream : streams_)
            if (!compare(stream, directory / "out")) return;
    }

private:
    void drawLives() {
        durable_ = draw_.number(0, 2) != 0;
        const auto count = durable_ ? draw_.number(1, 4) : 1;
        std::int64_t tick = 0;
        for (std::int64_t i = 0; i < count; ++i) {
            LifePlan life;
            constexpr unsigned kWorkers[] = {1, 2, 3, 7};
            life.workers = draw_.one(kWorkers);
            std::int64_t first = tick + 1;
            if (i > 0 && draw_.oneIn(3)) {
                first += draw_.number(1, 8);
                ++counts_["life after a downtime"];
            }
            for (std::int64_t n = draw_.number(2, isLarge_ ? 3 : 6); n > 0; --n)
                life.ticks.push_back(tick = first++);
            life.graceful = draw_.oneIn(3);
            if (durable_)
                ++counts_[life.graceful ? "life ended gracefully" : "life ended by a kill"];
            else ++counts_["life in memory"];
            ticks_.insert(ticks_.end(), life.ticks.begin(), life.ticks.end());
            lives_.push_back(std::move(life));
        }
        tinyDelta_ = draw_.oneIn(4);
        checkpointMillis_ = 1000 * draw_.number(1, 5);
    }

    void addSource() {
        auto source = drawSource(draw_, isLarge_ ? 4000 : 12);
        ++counts_["fields by " + source.kind];
        source.made.name = "s" + std::to_string(streams_.size());
        sourceText_ += "\n[[source]]\nname = \"lines" + std::to_string(sources_.size()) +
                       "\"\ntype = \"listen\"\nport = 0\n";
        steps_ += "\n[[step]]\nname = \"" + source.made.name + "\"\nfrom = \"lines" +
                  std::to_string(sources_.size()) + "\"\n" + source.toml + "\n";
        streams_.push_back(source.made);
        sources_.push_back(std::move(source));
    }

    // Joins multiply.
    std::size_t rowsMax() const { return isLarge_ ? 12000 : 300; }

    void addStep(const StepKind& kind) {
        const auto from = draw_.one(streams_), with = draw_.one(streams_);
        const auto drawn = kind.draw(draw_, from, with);
        if (!drawn || drawn->made.slide > 6 || drawn->made.fields.empty()) return;
        for (const auto& [tick, rows] : drawn->made.history)
            if (rows.size() > rowsMax()) return;
        ++counts_[drawn->kind];
        streams_.push_back(drawn->made);
        streams_.back().name = "s" + std::to_string(streams_.size() - 1);
        steps_ += "\n[[step]]\nname = \"" + streams_.back().name + "\"\n" +
                  (drawn->toml.find("do = \"sql\"") == 0 ? "" : "from = \"" + from.name + "\"\n") +
                  drawn->toml + "\n";
    }

    std::string jobText(const std::filesystem::path& out) const {
        std::string text = "[job]\nname = \"j\"\non_error = \"skip\"\n" + sourceText_ + steps_;
        for (const auto& stream : streams_)
            text += "\n[[output]]\nto = \"json_lines\"\nfrom = \"" + stream.name + "\"\npath = \"" +
                    (out / stream.name).string() + "\"\n";
        return text;
    }

    void live(const LifePlan& plan, const std::filesystem::path& directory, std::int64_t lastTick) {
        auto job = tools::parseJobFile(jobText(directory / "out"), "job.toml");
        ASSERT_TRUE(job) << job.error().message << "\n" << description();
        if (durable_) job->options.directory = directory / "data";
        job->options.workers = plan.workers;
        job->options.checkpointInterval = Duration(checkpointMillis_);
        if (tinyDelta_) job->options.deltaBudgetBytes = 64 << 10;
        // A batch that is due when the job starts runs at once.
        const bool late = plan.ticks.front() > lastTick + 1;
        Life life(job->options, fromMillis(kTickMillis * (late ? plan.ticks.front() : lastTick)));
        std::map<std::string, DStream<std::string_view>> sources;
        for (std::size_t i = 0; i < sources_.size(); ++i) {
            const auto feed = std::make_shared<TextFeed>(seed_);
            for (const auto tick : plan.ticks) feed->push(sources_[i].text.at(tick));
            sources.emplace("lines" + std::to_string(i), TextFeed::stream(life.context(), feed));
        }
        const auto planned = tools::planJob(*job, life.context(), sources);
        ASSERT_TRUE(planned) << planned.error().message << "\n" << description();
        try {
            life.start();
            if (late) life.await(1);
            life.run(plan.ticks.size() - (late ? 1 : 0));
            life.context().stop(plan.graceful);
            life.context().awaitTermination();
        } catch (const std::exception& error) {
            FAIL() << error.what() << "\n" << description();
        }
    }

    bool compare(const NaiveStream& stream, const std::filesystem::path& out) {
        ++counts_[stream.ordered ? "compared in order" : "compared sorted"];
        for (std::size_t batch = 1; batch <= ticks_.size(); ++batch)
            if (!compare(stream, out, batch)) return false;
        return true;
    }

    bool compare(const NaiveStream& stream, const std::filesystem::path& out, std::size_t batch) {
        const auto tick = ticks_[batch - 1];
        Lines expected;
        if (const auto found = stream.history.find(tick); found != stream.history.end())
            for (const auto& row : found->second) expected.push_back(spelling(row, stream.fields));
        Lines got = rowsOf(stream, out, batch);
        if (!stream.ordered) {
            std::sort(expected.begin(), expected.end());
            std::sort(got.begin(), got.end());
        }
        if (got == expected) return true;
        const auto [gotAt, expectedAt] =
            std::mismatch(got.begin(), got.end(), expected.begin(), expected.end());
        ADD_FAILURE() << stream.name << " batch " << batch << " at tick " << tick << ": row "
                      << gotAt - got.begin() << " of " << got.size() << " is\n  "
                      << (gotAt == got.end() ? "missing" : *gotAt) << "\nof " << expected.size()
                      << " expected\n  " << (expectedAt == expected.end() ? "none" : *expectedAt)
                      << "\n"
                      << description();
        return false;
    }

    Lines rowsOf(const NaiveStream& stream, const std::filesystem::path& out, std::size_t batch) {
        char name[40];
        std::snprintf(name, sizeof name, "%020zu.jsonl", batch);
        std::ifstream file(out / stream.name / name);
        Lines rows;
        for (std::string line; std::getline(file, line);) {
            const auto object = nlohmann::ordered_json::parse(line, nullptr, false);
            if (!object.is_object() || object.size() != stream.fields.size() + 2 ||
                object.value("batch", std::size_t{0}) != batch ||
                object.value("time", std::int64_t{0}) != ticks_[batch - 1] * kTickMillis) {
                rows.push_back("no such row: " + line);
                continue;
            }
            std::string row;
            for (const auto& field : stream.fields)
                row += (row.empty() ? "" : ", ") + field.name + "=" + spellingOf(object, field);
            rows.push_back(std::move(row));
        }
        return rows;
    }

    static std::string spellingOf(const nlohmann::ordered_json& object, const Field& field) {
        if (!object.contains(field.name)) return "missing";
        const auto& value = object[field.name];
        if (value.is_null()) return spelling(Cell(), field.type);
        switch (field.type) {
            case Type::kInt:
                if (value.is_number_integer())
                    return spelling(value.get<std::int64_t>(), field.type);
                break;
            case Type::kFloat:
                if (value.is_number()) return spelling(value.get<double>(), field.type);
                if (value == "NaN" || value == "Infinity" || value == "-Infinity")
                    return spelling(std::strtod(value.get<std::string>().c_str(), nullptr),
                                    field.type);
                break;
            case Type::kBool:
                if (value.is_boolean()) return spelling(value.get<bool>(), field.type);
                break;
            case Type::kText:
                if (value.is_string()) return spelling(value.get<std::string>(), field.type);
                break;
            case Type::kTime:
                if (value.is_string()) return value.get<std::string>();
                break;
            case Type::kJson: return spelling(value.dump(), field.type);
        }
        return "of another type: " + value.dump();
    }

    std::string description() const {
        std::string text = replayCommand("rows_differential_test", seed_) + "\n" + steps_;
        for (const auto& life : lives_)
            text += "  life of ticks " + std::to_string(life.ticks.front()) + " to " +
                    std::to_string(life.ticks.back()) + " on " + std::to_string(life.workers) +
                    " workers, " + (life.graceful ? "stopped" : "killed") + "\n";
        return text;
    }

    const unsigned seed_;
    std::mt19937 random_;
    std::map<std::string, long>& counts_;
    std::vector<LifePlan> lives_;
    std::vector<std::int64_t> ticks_;
    int names_ = 0;
    Draw draw_{random_, ticks_, counts_, names_};
    bool isLarge_ = false;
    bool durable_ = false;
    bool tinyDelta_ = false;
    std::int64_t checkpointMillis_ = 1000;
    std::vector<DrawnSource> sources_;
    std::vector<NaiveStream> streams_;
    std::string sourceText_, steps_;
};

TEST(RowsDifferential, RandomJobsGiveWhatANaiveEngineComputes) {
    core::setLogLevel(core::LogLevel::kError);
    // The job is killed here, not the machine: files in memory will do.
    if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 0);
    std::map<std::string, long> counts;
    for (const char* name : {"life ended by a kill",
                             "life ended gracefully",
                             "life after a downtime",
                             "life in memory",
                             "batches of many chunks",
                             "compared in order",
                             "compared sorted",
                             "window tumbling",
                             "window sliding",
                             "window no multiple of its slide",
                             "window shorter than its slide",
                             "running",
                             "running, with ttl",
                             "join inner",
                             "join left",
                             "join right",
                             "join full",
                             "explode json",
                             "explode text",
                             "union",
                             "top",
                             "distinct",
                             "distinct by some",
                             "sql select",
                             "sql group by",
                             "sql distinct",
                             "line that is no record",
                             "fields by split",
                             "fields by csv",
                             "fields by json",
                             "fields by logfmt",
                             "fields by key_value",
                             "fields by regex"})
        counts[name] = 0;
    runSeeds("rows_differential_test", counts,
             [&](unsigned seed) { RandomJob(seed, counts).run(); });
}

}  // namespace
}  // namespace tidemill::rows::test
