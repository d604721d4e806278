// The client's side of docs/formats/control.md.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/error.h"

namespace tidemill::tools {

// Asks the daemon that has `directory`. Errors: kNotFound when none runs there, kConflict when it
// refuses, in its words, or does not answer, kCorrupt for an answer that is no JSON object, kIo.
core::Result<nlohmann::ordered_json> askForJson(const std::string& directory,
                                                std::string_view request);

}  // namespace tidemill::tools
