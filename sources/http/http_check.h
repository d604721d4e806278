// What can be said of the options of an HTTP source before it starts. Private to sources/, but for
// job files.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/error.h"
#include "sources/http/http_options.h"

namespace tidemill::sources::http {

inline constexpr std::size_t kRequestBytesMin = 1 << 10;
inline constexpr std::size_t kRequestBytesMost = 32 << 20;

// Errors (kInvalid): a path or a limit that cannot be.
core::Result<> checkOptions(const HttpOptions& options);

// What the log calls the sessions of a path: "http/orders:" and the session's name.
std::string lanePrefix(std::string_view path);

// The token in a file: 16 … 1,024 printable ASCII bytes without spaces. Errors (kInvalid, kIo,
// kNotFound): the file cannot be read, or holds none; the token is no part of the message.
core::Result<std::string> readToken(const std::string& path);

// Takes as long for every `given` of one length.
bool isSame(std::string_view token, std::string_view given);

}  // namespace tidemill::sources::http
