// Whether an address can be dialled, or listened on, as a source of text would; for
// `tidemill run --check --connect`.
#pragma once

#include <cstdint>
#include <string>

#include "core/peer_check.h"

namespace tidemill::sources {

// Connects and closes at once. `host` may be "unix:PATH".
core::PeerAnswer askToDial(const std::string& host, std::uint16_t port);

// Binds a port without listening on it; looks at the place of a Unix socket without making one.
core::PeerAnswer askToListen(const std::string& host, std::uint16_t port);

}  // namespace tidemill::sources
