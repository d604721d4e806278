// tidemill wal and tidemill checkpoint: look at the log and at the generations.
#include <cstdio>

#include "core/connection_number.h"
#include "recovery/inspect.h"
#include "rows/json.h"
#include "state/state_store.h"
#include "tools/commands.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"

namespace tidemill::tools {
namespace {

using core::Result;
using recovery::DumpedFrame;

std::string number(std::uint64_t value) { return std::to_string(value); }

// {"name": value, …} from text and numbers, in the order of adding.
class JsonObject {
public:
    JsonObject& text(std::string_view name, std::string_view value) {
        separate();
        rows::appendJsonBytes(out_, name, value);
        return *this;
    }
    JsonObject& plain(std::string_view name, const std::string& value) {
        separate();
        out_ += "\"" + std::string(name) + "\": " + value;
        return *this;
    }
    std::string line() const { return out_ + "}\n"; }

private:
    void separate() {
        if (out_.size() > 1) out_ += ", ";
    }
    std::string out_ = "{";
};

recovery::ReadsAll readsAll() {
    return [](const core::Path& path, const recovery::Manifest&) {
        return state::verifyFiles(core::posixFileSystem(), path);
    };
}

template <class... Args>
void print(const char* format, Args... args) {
    char line[1024];
    std::snprintf(line, sizeof line, format, args...);
    put(line);
}

Result<> list(const InspectOptions& options) {
    TM_ASSIGN(const auto report,
              recovery::inspectLog(core::posixFileSystem(), options.dataDirectory));
    if (!options.json)
        put("segment                                 epoch   first LSN    last LSN    frames  "
            "batches     used bytes\n");
    for (const auto& segment : report.segments) {
        if (options.json) {
            put(JsonObject()
                    .text("segment", segment.file)
                    .plain("epoch", number(segment.epoch))
                    .plain("first_lsn", number(segment.firstLsn.value))
                    .plain("last_lsn", number(segment.lastLsn.value))
                    .plain("frames", number(segment.frames))
                    .plain("batch_records", number(segment.batchRecords))
                    .plain("used_bytes", number(segment.usedBytes))
                    .plain("size_bytes", number(segment.sizeBytes))
                    .plain("superseded", segment.isSuperseded ? "true" : "false")
                    .line());
        } else {
            print("%-38s %6u %11llu %11llu %9llu %8llu %14llu%s\n", segment.file.c_str(),
                  segment.epoch, static_cast<unsigned long long>(segment.firstLsn.value),
                  static_cast<unsigned long long>(segment.lastLsn.value),
                  static_cast<unsigned long long>(segment.frames),
                  static_cast<unsigned long long>(segment.batchRecords),
                  static_cast<unsigned long long>(segment.usedBytes),
                  segment.isSuperseded ? "  superseded" : "");
        }
    }
    return {};
}

std::string dumped(const InspectOptions& options, const DumpedFrame& frame) {
    JsonObject object;
    object.plain("lsn", number(frame.lsn.value))
        .text("segment", frame.file)
        .plain("offset", number(frame.offset))
        .plain("bytes", number(frame.frameBytes));
    if (frame.record) {
        const auto& record = *frame.record;
        object.text("type", "batch")
            .plain("batch", number(record.batch.value))
            .plain("time", std::to_string(toMillis(record.time)))
            .plain("end_lsn", number(record.endLsn.value))
            .plain("partitions", number(record.cuts.size()))
            .plain("fingerprint", number(record.fingerprint));
    } else {
        const auto& origin = *frame.origin;
        object.text("type", "block").plain("source", number(origin.source.value));
        if (origin.lane.empty()) object.plain("connection", number(origin.connection));
        else object.text("session", origin.lane);
        object.plain("first_line", number(origin.firstLine))
            .plain("lines", number(origin.lines))
            .plain("oversize", number(origin.oversize))
            .plain("payload_bytes", number(frame.bytes.size()));
    }
    if (options.json) return object.line();
    if (frame.record)
        return "LSN " + number(frame.lsn.value) + "  batch " + number(frame.record->batch.value) +
               "  time " + std::to_string(toMillis(frame.record->time)) + " ms  owns up to LSN " +
               number(frame.record->endLsn.value) + "\n";
    const auto& origin = *frame.origin;
    std::string from = core::describeConnection(origin.connection);
    if (!origin.lane.empty()) from = "session " + origin.lane;
    return "LSN " + number(frame.lsn.value) + "  block of source " + number(origin.source.value) +
           ", " + from + ": " + number(origin.lines) + " lines from " + number(origin.firstLine) +
           (origin.oversize == 0 ? "" : ", " + number(origin.oversize) + " too long") + ", " +
           number(frame.bytes.size()) + " bytes\n";
}

Result<> dump(const InspectOptions& options) {
    return recovery::dumpLog(core::posixFileSystem(), options.dataDirectory,
                             core::Lsn(options.afterLsn),
                             [&](const DumpedFrame& frame) -> Result<> {
                                 put(dumped(options, frame));
                                 return {};
                             });
}

Result<> verify(const InspectOptions& options, bool& sound) {
    TM_ASSIGN(const auto report,
              recovery::inspectLog(core::posixFileSystem(), options.dataDirectory, readsAll()));
    sound = report.sound();
    for (const auto& problem : report.problems) {
        const char* kind = problem.unfinishedTail ? "unfinished" : "damaged";
        if (options.json) {
            JsonObject object;
            object.text("problem", kind).text("message", problem.message);
            if (problem.lost)
                object.plain("first_lost_lsn", number(problem.lost->first.value))
                    .plain("last_lost_lsn", number(problem.lost->last.value));
            put(object.line());
        } else {
            put(std::string(kind) + ": " + problem.message + "\n");
        }
    }
    std::uint64_t frames = 0;
    for (const auto& segment : report.segments) frames += segment.frames;
    if (options.json)
        put(JsonObject()
                .plain("sound", sound ? "true" : "false")
                .plain("segments", number(report.segments.size()))
                .plain("frames", number(frames))
                .line());
    else
        put((sound ? "sound: " : "DAMAGED: ") + number(report.segments.size()) + " segments, " +
            number(frames) + " frames\n");
    return {};
}

// The log says whether there were any.
Result<> missingCheckpoints(const InspectOptions& options, bool& sound) {
    TM_ASSIGN(const auto report,
              recovery::inspectLog(core::posixFileSystem(), options.dataDirectory));
    const auto verdict = report.decision.verdict;
    if (verdict != recovery::Verdict::kRefuseBeginsLate &&
        verdict != recovery::Verdict::kRefuseNoCheckpoint)
        return {};
    sound = false;
    put(options.json
            ? JsonObject().plain("sound", "false").text("problem", report.decision.message).line()
            : "DAMAGED: " + report.decision.message + "\n");
    return {};
}

Result<> checkpoints(const InspectOptions& options, bool readAll, bool& sound) {
    TM_ASSIGN(const auto generations,
              recovery::inspectGenerations(core::posixFileSystem(), options.dataDirectory,
                                           readAll ? readsAll() : recovery::ReadsAll()));
    for (const auto& generation : generations) {
        const std::string name = recovery::toString(generation.name);
        const std::string problem = generation.problem;
        sound = sound && problem.empty();
        if (options.json) {
            JsonObject object;
            object.text("checkpoint", name)
                .plain("batch", number(generation.name.batch.value))
                .plain("files", number(generation.files))
                .plain("bytes", number(generation.sizeBytes));
            if (generation.mark)
                object.plain("time", std::to_string(toMillis(generation.mark->time)))
                    .plain("end_lsn", number(generation.mark->endLsn.value));
            object.plain("sound", problem.empty() ? "true" : "false");
            if (!problem.empty()) object.text("problem", problem);
            put(object.line());
        } else {
            put("batch " + number(generation.name.batch.value) + "  " + name + "  " +
                number(generation.files) + " files, " + number(generation.sizeBytes) + " bytes  " +
                (problem.empty() ? (readAll ? "every byte checked" : "complete")
                                 : "DAMAGED: " + problem) +
                "\n");
        }
    }
    if (!generations.empty()) return {};
    if (readAll) TM_TRY(missingCheckpoints(options, sound));
    if (sound && !options.json) put("no checkpoint yet\n");
    return {};
}

int finish(const Result<>& result, bool sound = true) {
    if (!result) return sayFailure(result.error());
    if (const int code = finishOutput(); code != kExitDone) return code;
    return sound ? kExitDone : kExitDamaged;
}

}  // namespace

int listLog(const InspectOptions& options) { return finish(list(options)); }
int dumpLogFrames(const InspectOptions& options) { return finish(dump(options)); }
int verifyLog(const InspectOptions& options) {
    bool sound = true;
    const auto result = verify(options, sound);
    return finish(result, sound);
}
int listCheckpoints(const InspectOptions& options, bool readAll) {
    bool sound = true;
    const auto result = checkpoints(options, readAll, sound);
    return finish(result, sound);
}

int checkDirectory(const InspectOptions& options) {
    bool sound = true;
    auto result = verify(options, sound);
    bool checkpointsSound = true;
    if (result) result = checkpoints(options, true, checkpointsSound);
    sound = sound && checkpointsSound;
    if (result && !options.json)
        put(sound ? "a start goes on from here and loses nothing\n"
                  : "what is damaged is named above; docs/recovery.md says what a start does with "
                    "it\n");
    return finish(result, sound);
}

}  // namespace tidemill::tools
