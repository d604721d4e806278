// What a data directory says of itself before a start: whose results are its own, and how far its
// sources were taken. Takes no lock and writes nothing; its job may run meanwhile.
#pragma once

#include <string>

#include "core/error.h"
#include "core/lanes.h"

namespace tidemill::tools {

struct KnownDirectory {
    std::string identity;  // empty: it is not made yet
    // Of the newest checkpoint, and of what the log holds behind it, as a start would find them.
    core::LanePositions lanes;
};

// Errors: kCorrupt, kUnsupported, kIo.
core::Result<KnownDirectory> readKnownDirectory(const std::string& path);

}  // namespace tidemill::tools
