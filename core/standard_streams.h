// Descriptors 0 to 2, and writing results to one of them.
#pragma once

#include <string_view>

#include "core/error.h"

namespace tidemill::core {

// Opens /dev/null in place of those of descriptors 0, 1 and 2 that are closed, so that no file that
// is opened later gets such a number and is taken for standard output. Call it before opening
// anything. Thread safety: externally synchronized.
void holdStandardStreams();

// Writes all bytes, and waits where a non-blocking descriptor takes no more. `what` names it in
// messages: "standard output". Errors: kIo, kNoSpace; part of the bytes may be written then.
Result<> writeFully(int fd, std::string_view bytes, std::string_view what);

}  // namespace tidemill::core
