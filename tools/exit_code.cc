#include "tools/exit_code.h"

#include <cstdio>

namespace tidemill::tools {

int exitCodeOf(core::ErrorKind kind) {
    switch (kind) {
        case core::ErrorKind::kConflict:
        case core::ErrorKind::kUnsupported: return kExitRefused;
        case core::ErrorKind::kCorrupt: return kExitDamaged;
        default: return kExitFailed;
    }
}

int sayFailure(const core::Error& error) {
    std::fprintf(stderr, "tidemill: %s\n", error.message.c_str());
    return exitCodeOf(error.kind);
}

}  // namespace tidemill::tools
