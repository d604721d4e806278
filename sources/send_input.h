// What a sender reads: a file or a pipe, cut into lines, with the part that is not acknowledged
// yet.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/error.h"
#include "sources/send_window.h"
#include "sources/unfinished_line.h"

namespace tidemill::sources {

// Thread safety: externally synchronized.
class SendInput {
public:
    // Reads from `fd`, which stays the caller's. `canRestart`: a regular file may be read again
    // from where it stands now. At most `bytesMax` bytes are held. `note` takes what people should
    // know.
    SendInput(int fd, bool canRestart, UnfinishedLineNote unfinished, std::size_t bytesMax,
              std::function<void(const std::string&)> note);

    int fd() const { return fd_; }
    SendWindow& window() { return window_; }
    const SendWindow& window() const { return window_; }
    // Everything that the input holds has been read.
    bool ended() const { return ended_; }
    // The window had no room when it was last looked at.
    bool full() const { return full_; }

    // Reads once what there is room for. Errors: kIo.
    core::Result<> read();
    // For a full window: room for the rest of a line longer than the window. Errors: kInvalid when
    // the input cannot be read again.
    core::Result<> makeRoom(std::uint64_t linesDurable, std::uint64_t sentTo);
    // Goes back to the start; false when this input cannot. Errors: kIo.
    core::Result<bool> restart();

    // A line that an earlier run ended where the input had no line end, when it is among the first
    // `lines` and has grown since.
    std::optional<std::uint64_t> grownSinceEarlierRun(std::uint64_t lines) const;
    // When everything is durable, is it what the input holds? The number of a last line that has
    // grown since. Errors: kIo.
    core::Result<std::optional<std::uint64_t>> grownLine() const;

private:
    void noteUnfinished();

    const int fd_;
    const UnfinishedLineNote unfinished_;
    const std::function<void(const std::string&)> note_;
    SendWindow window_;
    const std::size_t bytesMax_;
    off_t start_ = -1;                        // where a file can be read again from
    off_t end_ = 0;                           // of a file: where its end was met
    std::optional<std::uint64_t> endedLine_;  // the last line, when it got its line end from us
    bool ended_ = false;
    bool full_ = false;
};

}  // namespace tidemill::sources
