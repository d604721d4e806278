#include "tools/listen_address.h"

#include "core/logging.h"
#include "tools/listen_conflicts.h"

namespace tidemill::tools {

std::optional<sources::Endpoint> readListenAddress(TomlTable& table, const std::string& who,
                                                   const std::string& example,
                                                   JobFileErrors& errors) {
    const auto listen = table.requiredText("listen");
    if (listen.empty()) return std::nullopt;
    auto endpoint = sources::parseEndpoint(listen);
    if (!endpoint) {
        errors.add(table.at("listen"), "listen: " + endpoint.error().message);
        return std::nullopt;
    }
    if (endpoint->host == "localhost") endpoint->host = "127.0.0.1";
    if (isAddress(endpoint->host)) return std::move(*endpoint);
    errors.add(table.at("listen"), "listen is \"" + core::escaped(listen, 60) + "\", but " + who +
                                       " needs a port, or an address of this machine and a port, "
                                       "such as \"" +
                                       example + "\"");
    return std::nullopt;
}

}  // namespace tidemill::tools
