// Which path is answered by whom.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "tools/web/http_server.h"
#include "tools/web/request_target.h"

namespace tidemill::tools {

// What a route is given. Thread safety: immutable.
class RouteRequest {
public:
    RouteRequest(std::map<std::string, std::string> names,
                 std::vector<std::pair<std::string, std::string>> arguments)
        : names_(std::move(names)), arguments_(std::move(arguments)) {}

    // What stands in the path in the place of {name}.
    const std::string& at(const std::string& name) const { return names_.at(name); }
    // A parameter of the query; empty: it is not there.
    std::string argument(std::string_view name) const;
    // Of a number, in the path or the query. Errors: kInvalid, with what must stand there.
    core::Result<std::optional<std::uint64_t>> number(std::string_view name, std::uint64_t least,
                                                      std::uint64_t most) const;

private:
    std::map<std::string, std::string> names_;
    std::vector<std::pair<std::string, std::string>> arguments_;
};

struct Route {
    std::string path;                     // "/api/v1/batches/{batch}"
    std::vector<std::string> parameters;  // of the query
    std::function<HttpAnswer(const RouteRequest&)> answer;
};

// {"error": …}, with the code that an error of this kind has.
HttpResponse jsonError(const core::Error& error);
HttpResponse jsonError(unsigned code, const std::string& why);
HttpResponse jsonAnswer(const nlohmann::ordered_json& json);
HttpResponse jsonAnswer(const core::Result<nlohmann::ordered_json>& json);

// Thread safety: immutable.
class Router {
public:
    explicit Router(std::vector<Route> routes) : routes_(std::move(routes)) {}

    const std::vector<Route>& routes() const { return routes_; }

    // Addresses that are none, paths that are none and parameters that a path does not have are
    // answered with 400 and 404, under /api as {"error": …}.
    HttpAnswer answer(std::string_view target) const;

private:
    std::vector<Route> routes_;
};

}  // namespace tidemill::tools
