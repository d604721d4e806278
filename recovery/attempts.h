// What is known of a batch that did not come to its end: how often it has ended the process, and
// how. A small file in the data directory, written when a batch fails and around the replay of the
// last recorded one; never while batches run well.
//
// Batch 15 is the last one that was recorded, and ends each process that runs it:
//
//   what happens                        in the file behind it   the next start knows
//   it runs, and the process is killed  none                    ended 1: it may have ended in 15
//   it runs, and a function throws      ended 1, threw          ended 1, threw
//   a start runs it again: begin()      ended 1, begun          ended 2: this one came to no end
//   … and a function throws: failed()   ended 2, threw          ended 2, threw
//   … and it comes to its end: clear()  none                    nothing
//
// From kAttemptsSuspicious on, or with an error, it may be run in another way (mayBeMended); when
// two ended without a word, it runs one record after another (tidemill/replay.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/batch_record.h"
#include "core/error.h"
#include "core/file_system.h"

namespace tidemill::recovery {

struct Attempts {
    core::BatchId batch;
    // Processes that it has ended: of kThrew, the one that says so too; of kBegun, those before.
    std::uint32_t ended = 0;
    enum class How {
        kBegun,  // a replay has begun and has neither failed nor come to its end
        kThrew,  // it failed with `error`
    } how = How::kBegun;
    std::string error;  // one line
    bool operator==(const Attempts&) const = default;
};

// So often, and a batch is taken for the reason.
inline constexpr std::uint32_t kAttemptsSuspicious = 3;

// True when the batch surely did not come to its end, so that it may be run in another way.
bool mayBeMended(const Attempts& attempts);
// The process ended while the batch ran again, and no function threw: it crashed or was killed.
bool endedWithoutWord(const Attempts& attempts);

// Format: docs/formats/data_directory.md. `error` is cut to 4 KiB.
std::string encodeAttempts(const Attempts& attempts);
// Errors: kCorrupt.
core::Result<Attempts> decodeAttempts(std::string_view text);

// The file ATTEMPTS of a data directory. Thread safety: externally synchronized.
class AttemptsFile {
public:
    // Reads the file.
    AttemptsFile(core::FileSystem& files, const core::Path& directory);

    // None when there is no file, or none that can be read: it is advice, not state.
    const std::optional<Attempts>& known() const { return known_; }

    // A replay of `batch` begins; returns what is known of it by now. Durable when it returns.
    core::Result<Attempts> begin(core::BatchId batch);
    // `batch` has failed. Durable when it returns.
    core::Result<Attempts> failed(core::BatchId batch, std::string_view error);
    // It has come to its end.
    core::Result<> clear();

private:
    core::Result<> write(Attempts attempts);

    core::FileSystem& files_;
    const core::Path path_;
    std::optional<Attempts> known_;
};

}  // namespace tidemill::recovery
