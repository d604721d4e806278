// Text for a daemon's JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/secrets.h"

namespace tidemill::tools {

// `bytes` as a JSON string: without secrets, and with what is no UTF-8 replaced, since descriptions
// and errors may hold what a peer sent.
inline nlohmann::ordered_json shownText(const std::string& bytes) {
    using Json = nlohmann::ordered_json;
    return Json::parse(
        Json(core::withoutSecrets(bytes)).dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace tidemill::tools
