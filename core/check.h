// Checks of our own logic, on in release builds. Never for bytes that come from disk or wire.
#pragma once

namespace tidemill::core {

[[noreturn]] void checkFailed(const char* condition, const char* file, int line,
                              const char* message) noexcept;

}  // namespace tidemill::core

// Aborts the process with the condition, the place and `message` when `condition` is false.
#define TM_CHECK(condition, message)                                                \
    do {                                                                            \
        if (!(condition)) [[unlikely]]                                              \
            ::tidemill::core::checkFailed(#condition, __FILE__, __LINE__, message); \
    } while (false)
