// What the process reports to its operator: one line each on stderr, with time and level. No
// records of users are ever part of a message.
#pragma once

#include <string>
#include <string_view>

namespace tidemill::core {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

// Lines below `level` are not written. Default: kInfo. Thread-safe.
void setLogLevel(LogLevel level);

void logDebug(std::string_view message);
void logInfo(std::string_view message);
void logWarning(std::string_view message);
void logError(std::string_view message);

// `bytes` with control bytes, backslashes and bytes that are not ASCII-printable shown as \xNN
// (newline as \n …), at most `bytesMax` of them: for names that come from outside.
std::string escaped(std::string_view bytes, std::size_t bytesMax = 256);

}  // namespace tidemill::core
