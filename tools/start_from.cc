#include "tools/start_from.h"

#include <algorithm>

#include "core/logging.h"
#include "recovery/inspect.h"
#include "recovery/savepoint_fork.h"
#include "recovery/savepoints.h"
#include "state/state_store.h"
#include "tools/control/ask.h"
#include "tools/control/daemon_control.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Path;
using core::Result;

namespace {

// Whether the job has run a batch behind the mark, or may do so any moment.
Result<bool> wentOn(const Path& directory, const core::BatchMark& mark) {
    if (askForJson(directory.string(), kStatusRequest)) return true;
    bool later = false;
    TM_TRY(recovery::dumpLog(core::posixFileSystem(), directory, mark.endLsn,
                             [&](const recovery::DumpedFrame& frame) -> Result<> {
                                 later =
                                     later || (frame.record && frame.record->batch > mark.batch);
                                 return {};
                             }));
    return later;
}

Result<> refuseDoubles(const JobFile& job, const Path& savepoint) {
    const bool toKafka =
        std::any_of(job.outputs.begin(), job.outputs.end(),
                    [](const auto& output) { return output.type == OutputSpec::Type::kKafka; });
    if (!toKafka) return {};
    const Path directory = savepoint.parent_path().parent_path();
    const recovery::Savepoints savepoints(core::posixFileSystem(), directory);
    TM_ASSIGN(const auto manifest, savepoints.manifest(savepoint.filename().string()));
    TM_ASSIGN(const bool later, wentOn(directory, manifest.mark));
    if (!later) return {};
    return core::fail(ErrorKind::kConflict,
                      "the job on " + directory.string() + " has gone on behind batch " +
                          core::toString(manifest.mark.batch) +
                          " of the savepoint, and topics of Kafka would get again what it has sent "
                          "there since; give the job other topics and make the directory with "
                          "tidemill fork --from " +
                          savepoint.filename().string() + " --with-outputs, then run it there");
}

}  // namespace

Result<> beginFrom(const std::string& from, const JobFile& job, const std::string& directory) {
    auto& files = core::posixFileSystem();
    if (files.exists(directory))
        return core::fail(ErrorKind::kConflict,
                          "the data directory exists, and a job goes on from what it holds: start "
                          "it without --from, or name another with --data-dir: directory=" +
                              directory);
    Path savepoint = from;
    if (!savepoint.has_filename()) savepoint = savepoint.parent_path();
    TM_TRY(refuseDoubles(job, savepoint));
    TM_ASSIGN(const auto identity, recovery::randomLogUuid());
    TM_ASSIGN(const auto report,
              recovery::forkSavepoint(files, savepoint, directory,
                                      [&](const Path& path, const recovery::Manifest&) {
                                          return state::verifyFiles(files, path);
                                      },
                                      {identity, true}));
    core::logInfo("made " + directory + " of the savepoint " + savepoint.string() + ", of batch " +
                  core::toString(*report.checkpoint));
    return {};
}

}  // namespace tidemill::tools
