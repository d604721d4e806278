// Faults that a build with TIDEMILL_MUTANTS makes on purpose, one at a time, so that it can be seen
// that a test finds each. tests/mutants.txt lists them, tools/mutants runs them.
//
//   if (!TM_MUTANT(log_not_synced)) TM_TRY(file_->sync());
//
// True when the environment variable TIDEMILL_MUTANT holds that name; in every other build it is
// the constant false, and nothing of it is left. Thread-safe.
#pragma once

#if defined(TIDEMILL_MUTANTS)

#include <cstdlib>
#include <string_view>

namespace tidemill::core {

inline bool isMutant(std::string_view name) {
    static const char* const chosen = std::getenv("TIDEMILL_MUTANT");
    return chosen != nullptr && name == chosen;
}

}  // namespace tidemill::core

#define TM_MUTANT(name) ::tidemill::core::isMutant(#name)

#else

#define TM_MUTANT(name) false

#endif
