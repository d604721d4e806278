#include "core/check.h"

#include <cstdio>
#include <cstdlib>

namespace tidemill::core {

void checkFailed(const char* condition, const char* file, int line, const char* message) noexcept {
    std::fprintf(stderr, "tidemill: internal check failed: %s (%s) at %s:%d\n", message, condition,
                 file, line);
    std::abort();
}

}  // namespace tidemill::core
