// Which addresses of this machine cannot be listened on at the same port.
#pragma once

#include <string>

namespace tidemill::tools {

// Both are IPv4 or IPv6 addresses or "localhost". The same address in two forms is one, and a
// wildcard takes in all others: 0.0.0.0 those of IPv4, :: all. Thread safety: pure.
bool overlap(const std::string& one, const std::string& other);

// An address of either kind, or "localhost".
bool isAddress(const std::string& host);

// Whether `host` is surely this machine: "localhost" or a loopback address.
bool isThisMachine(const std::string& host);

}  // namespace tidemill::tools
