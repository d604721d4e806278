#include "tools/testing/run_case.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <vector>

#include "core/clock.h"
#include "core/file_system.h"
#include "recovery/inspect.h"
#include "state/state_reader.h"
#include "tidemill/streaming_context.h"
#include "tools/job_plan.h"
#include "tools/sandbox.h"
#include "tools/tables/table_text.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;
namespace fs = std::filesystem;
using Files = std::map<std::string, std::string>;

namespace {

// 2026-01-01T00:00:00Z.
constexpr std::int64_t kStartMillis = 1'767'225'600'000;
constexpr std::chrono::minutes kBatchMost{5};
constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 30;

std::string outputName(std::size_t number) { return "output-" + std::to_string(number + 1); }

// Lines that a batch does not take from outside, and results that nobody outside sees.
JobFile confined(JobFile job, const fs::path& scratch) {
    using Type = OutputSpec::Type;
    for (std::size_t i = 0; i < job.sources.size(); ++i) {
        job.sources[i].name = testNameOf(job, i);
        job.sources[i].maxRate.reset();
    }
    for (std::size_t i = 0; i < job.outputs.size(); ++i) {
        auto& output = job.outputs[i];
        // All but those that write files of lines.
        if (output.type != Type::kCsv && output.type != Type::kTsv && output.type != Type::kText)
            output.type = Type::kJsonLines;
        output.path = (scratch / outputName(i)).string();
        output.emptyBatches = false;
        output.growing.reset();
        output.compression = Compression::kNone;
    }
    auto& options = job.options;
    options.directory = scratch / "data";
    options.deadLetterDirectory.clear();
    options.workers = 1;
    options.checkpointInterval = Duration(0);
    options.checkpointBytes = 0;
    return job;
}

Result<> live(const JobFile& job, const TestCase& wanted) {
    auto options = job.options;
    const auto clock = std::make_shared<ManualClock>(fromMillis(kStartMillis));
    options.clock = clock;
    options.name = job.name;
    StreamingContext context(options);
    std::map<std::string, DStream<std::string_view>> sources;
    for (std::size_t i = 0; i < job.sources.size(); ++i) {
        RecordQueue<std::string> queue;
        for (const auto& lines : wanted.inputs[i]) queue.push(lines);
        sources.emplace(job.sources[i].name,
                        context.queueStream(queue).map(
                            [](const std::string& line) { return std::string_view(line); }));
    }
    TM_TRY(planJob(job, context, sources));
    TM_TRY(context.job()->validate());
    try {
        context.start();
        for (std::uint64_t batch = 1; batch <= wanted.batches; ++batch) {
            clock->advance(options.interval);
            if (!context.awaitBatch(batch, kBatchMost))
                return core::fail(ErrorKind::kIo, "batch " + std::to_string(batch) +
                                                      " was not complete in 5 minutes");
        }
        context.stop(true);
    } catch (const StreamingError& error) {
        return core::fail(error.kind(), error.what());
    }
    return {};
}

Result<std::string> contentOf(const fs::path& path) {
    return core::readWholeFile(core::posixFileSystem(), path, kFileBytesMax);
}

// The files of an output, one behind the other in the order of their batches.
Result<> collectOutput(const fs::path& directory, const std::string& name, Files& into) {
    std::vector<fs::path> parts;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(directory, none))
        if (!entry.path().filename().string().starts_with(".")) parts.push_back(entry.path());
    std::sort(parts.begin(), parts.end());
    for (const auto& part : parts) {
        TM_ASSIGN(const auto text, contentOf(part));
        into[name + part.extension().string()] += text;
    }
    return {};
}

// Tidemill's own, or what an operator keeps beside its table.
bool isInternal(const std::string& table) {
    const auto internal = table.rfind(" (internal ");
    return table == "(sessions)" || table == "(sources)" ||
           (internal != table.npos && table.ends_with(")"));
}

Result<> collectState(const fs::path& directory, Files& into) {
    TM_ASSIGN(const auto generations,
              recovery::inspectGenerations(core::posixFileSystem(), directory));
    if (generations.empty()) return {};
    TM_ASSIGN(const auto reader, state::StateReader::open(generations.front().path));
    TM_ASSIGN(auto tables, reader->tables(false));
    for (auto& table : tables) {
        if (!nameTable(table) || isInternal(table.operatorName)) continue;
        TableText rows(table);
        std::string text;
        Result<> outcome;
        TM_TRY(reader->scan(table.operatorId, table.number, {},
                            [&](std::string_view key, std::string_view value) {
                                const auto line = rows.line(true, key, value);
                                if (!line) outcome = core::fail(line.error());
                                else text += *line;
                                return line.has_value();
                            }));
        TM_TRY(outcome);
        std::string name = table.operatorName;
        std::replace(name.begin(), name.end(), '/', '_');
        if (!text.empty()) into["state-" + name + ".jsonl"] += text;
    }
    return {};
}

}  // namespace

Result<Files> runTestCase(const JobFile& job, const TestCase& wanted) {
    TM_ASSIGN(const auto scratch, ScratchDirectory::makeTemporary());
    const auto inside = confined(job, scratch->path());
    TM_TRY(live(inside, wanted));
    Files found;
    for (std::size_t i = 0; i < inside.outputs.size(); ++i)
        TM_TRY(collectOutput(inside.outputs[i].path, outputName(i), found));
    TM_TRY(collectState(scratch->path() / "data", found));
    TM_TRY(collectOutput(scratch->path() / "data" / "dead_letters", "dead-letters", found));
    return found;
}

}  // namespace tidemill::tools
