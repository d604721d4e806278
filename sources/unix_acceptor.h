// A Unix socket that clients connect to. Private to sources/.
#pragma once

#include <memory>
#include <string>

#include "sources/acceptor.h"

namespace tidemill::sources {

// The file is for its owner and group (mode 0660). One that a process has left behind which is gone
// is replaced; close() removes the file, unless another has taken its place. Errors: kInvalid (a
// path that cannot be, or a file there that is no socket), kIo (another process listens there, and
// what else the system says).
core::Result<std::unique_ptr<Acceptor>> makeUnixAcceptor(asio::io_context& io,
                                                         const std::string& path);

}  // namespace tidemill::sources
