// What `tidemill status` says to a person.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tidemill::tools {

// Of a daemon's answer to `status`: what a person wants to know, the answer to "is it well?" first.
std::string statusInWords(const nlohmann::ordered_json& status);

// "1.5 s", "3 min 4 s", "2 days 3 h".
std::string spanInWords(double seconds);

}  // namespace tidemill::tools
