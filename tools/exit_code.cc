#include "tools/exit_code.h"

#include <cstdio>

namespace tidemill::tools {

int exitCodeOf(const core::Error& error) {
    switch (error.kind) {
        case core::ErrorKind::kConflict:
        case core::ErrorKind::kUnsupported: return kExitRefused;
        case core::ErrorKind::kCorrupt: return error.heals ? kExitHeals : kExitDamaged;
        default: return kExitFailed;
    }
}

int sayFailure(const core::Error& error) {
    std::fprintf(stderr, "tidemill: %s\n", error.message.c_str());
    return exitCodeOf(error);
}

}  // namespace tidemill::tools
