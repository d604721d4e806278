#include "tools/connect/known_directory.h"

#include "recovery/data_directory.h"
#include "recovery/inspect.h"
#include "state/state_store.h"
#include "tools/tables/stored_state.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;

namespace {

constexpr std::size_t kFormatBytesMax = 64 << 10;

}  // namespace

Result<KnownDirectory> readKnownDirectory(const std::string& path) {
    KnownDirectory known;
    auto& files = core::posixFileSystem();
    const core::Path directory(path);
    if (!files.exists(directory / "FORMAT")) return known;
    TM_ASSIGN(const auto text, core::readWholeFile(files, directory / "FORMAT", kFormatBytesMax));
    TM_ASSIGN(const auto format, recovery::decodeDirectoryFormat(text));
    known.identity = recovery::toString(format.identity());
    core::Lsn behind;
    const auto checkpoint = openNewest(path, std::nullopt);
    if (!checkpoint && checkpoint.error().kind != ErrorKind::kNotFound)
        return core::fail(checkpoint.error());
    if (checkpoint) {
        behind = (*checkpoint)->mark().endLsn;
        TM_TRY((*checkpoint)
                   ->scan(core::kSystemOperator, state::kLaneTable, {},
                          [&](std::string_view lane, std::string_view position) {
                              known.lanes[std::string(lane)] = position;
                              return true;
                          }));
    }
    TM_TRY(recovery::dumpLog(files, directory, behind, [&](const recovery::DumpedFrame& frame) {
        if (frame.origin && !frame.origin->lane.empty())
            known.lanes[frame.origin->lane] = frame.origin->to;
        return Result<>();
    }));
    return known;
}

}  // namespace tidemill::tools
