// Where lines of the log go, and in which form; see logging.h.
#pragma once

#include <string>

#include "core/error.h"

namespace tidemill::core {

enum class LogFormat {
    kText,    // 2026-11-29T11:24:11.042+00:00 info resumed behind batch 7
    kLogfmt,  // time=2026-11-29T11:24:11.042+00:00 level=info msg="resumed behind batch 7"
    kJson,    // {"time": "2026-…", "level": "info", "message": "resumed behind batch 7"}
};

// Lines go to the end of `file`, which is made when it is missing; empty: to standard error. What
// cannot be written to the file, on a full disk, goes to standard error. Thread-safe. Errors: kIo
// when the file cannot be opened; nothing has changed then.
Result<> setLogTarget(const std::string& file, LogFormat format);
// Opens the file of that name again, after a rotation renamed it. Without a file nothing is done.
Result<> reopenLog();
// Empty: standard error.
std::string logFile();

}  // namespace tidemill::core
