// JSON text for keys and values that may be any bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemill::rows {

// True when `bytes` are well-formed UTF-8, so that JSON can hold them as they are.
bool isUtf8(std::string_view bytes);

// Appends a quoted JSON string; `bytes` must be UTF-8.
void appendJsonString(std::string& out, std::string_view bytes);

// Appends "NAME": "…", or "NAME_base64": "…" when `bytes` are not UTF-8.
void appendJsonBytes(std::string& out, std::string_view name, std::string_view bytes);

// RFC 4648 base64 with padding.
std::string base64(std::string_view bytes);

}  // namespace tidemill::rows
