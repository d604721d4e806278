// A sender ends a last line that has no line end. When the file grows later, that line is another
// one than was sent, and only a note can tell: it is kept at the file, as an extended attribute.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "core/error.h"

namespace tidemill::sources {

// Thread safety: externally synchronized.
class UnfinishedLineNote {
public:
    struct Line {
        std::uint64_t number = 0;  // in the session
        off_t end = 0;             // where the file ended when it was sent
    };
    // Of the file `fd` and the session of `server`. The file needs to be writable for us, not `fd`.
    UnfinishedLineNote(int fd, const std::string& server, const std::string& session);

    std::optional<Line> read() const;
    core::Result<> write(const Line& line) const;
    void remove() const;

private:
    int fd_;
    std::string attribute_;
};

// What has become of a line that was sent when the file ended at `end`: it ends there still, or the
// file has gone on with a line end; or with something else, and the line is another one now.
bool hasGrownInside(int fd, off_t end);

}  // namespace tidemill::sources
