// What a program may choose of a stream of files that grow.
#pragma once

#include <optional>

#include "core/rate.h"
#include "core/time.h"

namespace tidemill {

// Where the files are begun that are there when a stream follows them for the first time. Files
// that come later are read from their first byte.
enum class FollowStart {
    kBegin,  // at their first byte
    kEnd,    // behind their last whole line
};

struct FollowOptions {
    FollowStart start = FollowStart::kBegin;
    // More waits in the files.
    std::optional<Rate> maxRate{};
    // How often files are looked at whose file system tells of no changes.
    Duration lookEvery{250};
};

}  // namespace tidemill
