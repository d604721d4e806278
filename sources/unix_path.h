// Addresses "unix:PATH": sockets of this machine that are files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"

namespace tidemill::sources {

inline constexpr std::string_view kUnixPrefix = "unix:";

// The path in "unix:PATH"; none: it is no such address.
std::optional<std::string> unixPathOf(std::string_view address);

// Errors: kInvalid (it is empty, has a zero byte, or more bytes than an address of a socket holds).
core::Result<> checkUnixPath(const std::string& path);

}  // namespace tidemill::sources
