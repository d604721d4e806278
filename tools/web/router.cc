#include "tools/web/router.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "core/logging.h"
#include "core/suggestion.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;
using Json = nlohmann::ordered_json;

std::string RouteRequest::argument(std::string_view name) const {
    for (const auto& [known, value] : arguments_)
        if (known == name) return value;
    return {};
}

Result<std::optional<std::uint64_t>> RouteRequest::number(std::string_view name,
                                                          std::uint64_t least,
                                                          std::uint64_t most) const {
    const auto inPath = names_.find(std::string(name));
    const auto text = inPath != names_.end() ? inPath->second : argument(name);
    if (text.empty() && inPath == names_.end()) return std::optional<std::uint64_t>();
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || number < least ||
        number > most)
        return core::fail(ErrorKind::kInvalid, std::string(name) + " is a number from " +
                                                   std::to_string(least) + " to " +
                                                   std::to_string(most) + ", not \"" +
                                                   core::escaped(text.substr(0, 80)) + "\"");
    return std::optional(number);
}

namespace {

constexpr const char* kJsonType = "application/json";

unsigned codeOf(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::kInvalid: return 400;
        case ErrorKind::kNotFound: return 404;
        case ErrorKind::kConflict: return 409;
        default: return 500;
    }
}

// "/api/v1/{name}" in its parts.
std::vector<std::string_view> partsOf(std::string_view path) {
    std::vector<std::string_view> parts;
    for (path.remove_prefix(1);;) {
        const auto slash = std::min(path.find('/'), path.size());
        parts.push_back(path.substr(0, slash));
        if (slash == path.size()) return parts;
        path.remove_prefix(slash + 1);
    }
}

// What stands in the places of names; none: the path is another one.
std::optional<std::map<std::string, std::string>> matched(const Route& route,
                                                          const std::vector<std::string>& path) {
    const auto parts = partsOf(route.path);
    if (parts.size() != path.size()) return std::nullopt;
    std::map<std::string, std::string> names;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (!parts[i].starts_with('{')) {
            if (parts[i] != path[i]) return std::nullopt;
        } else if (path[i].empty()) {
            return std::nullopt;
        } else {
            names.emplace(parts[i].substr(1, parts[i].size() - 2), path[i]);
        }
    }
    return names;
}

}  // namespace

HttpResponse jsonError(unsigned code, const std::string& why) {
    return {code, kJsonType,
            Json{{"error", why}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}
HttpResponse jsonError(const core::Error& error) {
    return jsonError(codeOf(error.kind), error.message);
}
HttpResponse jsonAnswer(const Json& json) {
    return {200, kJsonType, json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}
HttpResponse jsonAnswer(const Result<Json>& json) {
    return json ? jsonAnswer(*json) : jsonError(json.error());
}

HttpAnswer Router::answer(std::string_view text) const {
    const auto target = parseTarget(text);
    if (!target) return jsonError(target.error());
    // What programs ask must be meant so; people's bookmarks may have anything behind them.
    const bool isApi = target->path.front() == "api";
    for (const auto& route : routes_) {
        auto names = matched(route, target->path);
        if (!names) continue;
        for (const auto& [name, value] : target->arguments)
            if (isApi && std::find(route.parameters.begin(), route.parameters.end(), name) ==
                             route.parameters.end())
                return jsonError(400, "unknown parameter \"" + core::escaped(name) + "\" of " +
                                          route.path + core::suggestion(name, route.parameters));
        return route.answer({std::move(*names), target->arguments});
    }
    std::string all;
    for (const auto& route : routes_) all += " " + route.path;
    if (isApi) return jsonError(404, "there is no such path; there are:" + all);
    return HttpResponse{404, "text/plain; charset=utf-8",
                        "there is no such page; there are:" + all + "\n"};
}

}  // namespace tidemill::tools
