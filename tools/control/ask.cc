#include "tools/control/ask.h"

#include "tools/control/control_socket.h"

namespace tidemill::tools {

using core::ErrorKind;
using Json = nlohmann::ordered_json;

core::Result<Json> askForJson(const std::string& directory, std::string_view request) {
    TM_ASSIGN(const auto answer, askDaemon(directory, request));
    auto json = Json::parse(answer, nullptr, false);
    if (!json.is_object())
        return core::fail(ErrorKind::kCorrupt,
                          "the daemon's answer is no JSON object: directory=" + directory);
    if (json.contains("error"))
        return core::fail(ErrorKind::kConflict, json["error"].get<std::string>());
    return json;
}

}  // namespace tidemill::tools
