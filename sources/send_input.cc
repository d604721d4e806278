#include "sources/send_input.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace tidemill::sources {

using core::ErrorKind;
using core::Result;

SendInput::SendInput(int fd, bool canRestart, UnfinishedLineNote unfinished, std::size_t bytesMax,
                     std::function<void(const std::string&)> note)
    : fd_(fd),
      unfinished_(std::move(unfinished)),
      note_(std::move(note)),
      window_(bytesMax),
      bytesMax_(bytesMax) {
    struct stat status {};
    if (canRestart && ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode))
        start_ = ::lseek(fd_, 0, SEEK_CUR);
}

Result<> SendInput::read() {
    const auto room = window_.room();
    if (room.empty()) return {};
    const ssize_t count = ::read(fd_, room.data(), room.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return {};
    if (count < 0) return core::failErrno(errno, "reading the input failed");
    full_ = false;
    if (count > 0) {
        window_.added(static_cast<std::size_t>(count));
        return {};
    }
    end_ = start_ + static_cast<off_t>(window_.end());
    endedLine_.reset();
    if (window_.end() != window_.lineEnd()) noteUnfinished();
    window_.endLine();
    ended_ = true;
    return {};
}

// Before the line is sent: whatever happens then, a later run knows where it ended.
void SendInput::noteUnfinished() {
    endedLine_ = window_.lines() + 1;
    if (start_ < 0) return;
    if (const auto written = unfinished_.write({*endedLine_, end_}); !written)
        note_("line " + std::to_string(*endedLine_) +
              ", the last one, has no line end and is sent as it is; should the file grow, nobody "
              "will notice that this line has (" +
              written.error().message + ")");
}

Result<> SendInput::makeRoom(std::uint64_t linesDurable, std::uint64_t sentTo) {
    full_ = true;
    // Without a whole line in the window no answer will ever make room.
    if (window_.lines() > linesDurable || sentTo < window_.end()) return {};
    if (start_ < 0)
        return core::fail(ErrorKind::kInvalid, "line " + std::to_string(window_.lines() + 1) +
                                                   " is longer than a sender may hold: " +
                                                   std::to_string(bytesMax_) + " bytes");
    // A file can be read again, should the connection be lost.
    window_.giveUp(sentTo);
    return {};
}

Result<bool> SendInput::restart() {
    if (start_ < 0) return false;
    if (::lseek(fd_, start_, SEEK_SET) < 0)
        return core::failErrno(errno, "going back to the start of the input failed");
    window_.restart(0);
    ended_ = full_ = false;
    return true;
}

std::optional<std::uint64_t> SendInput::grownSinceEarlierRun(std::uint64_t lines) const {
    if (start_ < 0) return std::nullopt;
    const auto line = unfinished_.read();
    if (!line || line->number > lines) return std::nullopt;
    if (hasGrownInside(fd_, line->end)) return line->number;
    if (char next = 0; ::pread(fd_, &next, 1, line->end) == 1)
        unfinished_.remove();  // its line end has come
    return std::nullopt;
}

Result<std::optional<std::uint64_t>> SendInput::grownLine() const {
    if (start_ < 0) return std::nullopt;
    struct stat status {};
    if (::fstat(fd_, &status) != 0) return core::failErrno(errno, "looking at the input failed");
    if (status.st_size < end_)
        return core::fail(ErrorKind::kIo, "the input has become shorter while it was sent: " +
                                              std::to_string(end_) + " bytes were read, " +
                                              std::to_string(status.st_size) + " are left");
    if (status.st_size > end_)
        note_("the input has grown since its end was read; run again for the rest");
    if (endedLine_ && hasGrownInside(fd_, end_)) return endedLine_;
    return std::nullopt;
}

}  // namespace tidemill::sources
