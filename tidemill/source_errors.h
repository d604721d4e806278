// The errors of a job's sources that came last, kept over restarts: DIR/SOURCE_ERRORS.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/file_system.h"
#include "core/time.h"

namespace tidemill {

struct SourceError {
    BatchTime time{};     // by the wall clock
    std::string source;   // "source 0 (socketTextStream)", or what the job file calls it
    std::string message;  // one line
    bool endedJob = false;
    bool operator==(const SourceError&) const = default;
};

// Format: docs/formats/data_directory.md.
std::string encodeSourceErrors(const std::deque<SourceError>& errors);
// Errors: kCorrupt.
core::Result<std::deque<SourceError>> decodeSourceErrors(std::string_view text);

// Thread safety: thread-safe.
class SourceErrors {
public:
    static constexpr std::size_t kMost = 100;
    static constexpr std::size_t kMessageBytesMax = 1024;

    // Reads what an earlier life has kept in `directory`. It is advice, not state: a file that
    // cannot be read is none. `stillOurs` says before each write whether it may be made.
    void open(core::FileSystem& files, const core::Path& directory,
              std::function<core::Result<>()> stillOurs);

    void add(SourceError error);
    // Oldest first.
    std::vector<SourceError> recent() const;

    // Writes what has come since the last time, if anything; durable when it returns. Without a
    // directory nothing is kept.
    core::Result<> keep();

private:
    mutable std::mutex mutex_;
    std::deque<SourceError> errors_;
    bool changed_ = false;
    core::FileSystem* files_ = nullptr;
    core::Path path_;
    std::function<core::Result<>()> stillOurs_;
};

}  // namespace tidemill
