// Access logs of web servers: the common log format (clf) and the combined one.
#pragma once

#include <memory>
#include <vector>

#include "core/error.h"
#include "rows/reader.h"

namespace tidemill::rows {

enum class AccessLog { kCommon, kCombined };

// Every column with its type: host, ident, user text; time time; method, path, protocol text;
// status, bytes int; kCombined: referer, agent text.
std::vector<FieldSpec> accessLogFields(AccessLog kind);

// Places are those columns, or "request": what was asked for, in one. "-" is null everywhere. A
// request that is none of HTTP (bytes of another protocol, "-", nothing) has null for method, path
// and protocol; one of HTTP/0.9 has no protocol. Escapes (\" \\ \xHH) are undone. A user's name may
// have blanks in it. What follows the last column is passed over. Errors: kInvalid.
core::Result<std::shared_ptr<const Reader>> makeAccessLogReader(AccessLog kind,
                                                                std::vector<FieldSpec> fields);

}  // namespace tidemill::rows
