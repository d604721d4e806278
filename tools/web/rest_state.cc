#include "tools/web/rest_state.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "tools/control/shown_text.h"
#include "tools/tables/stored_state.h"
#include "tools/tables/table_text.h"
#include "tools/web/rest_streaming.h"

namespace tidemill::tools {
namespace {

using core::ErrorKind;
using core::Result;
using Json = nlohmann::ordered_json;

constexpr std::uint64_t kRowsMost = 1000;
constexpr std::uint64_t kRowsByDefault = 100;
// Of an answer, and of a row in it; larger rows are named by their size.
constexpr std::size_t kAnswerBytesMost = 4 << 20;
constexpr std::size_t kRowBytesMost = 64 << 10;
constexpr std::chrono::seconds kSearchMost{5};

GoesOn forAWhile() {
    return [until = std::chrono::steady_clock::now() + kSearchMost] {
        return std::chrono::steady_clock::now() < until;
    };
}

// {"line": "tide\t2", "row": {"key": "tide", "value": 2}}; without a row that is too large.
Json rowJson(const ShownRow& row) {
    Json json;
    json["line"] = row.line.substr(0, std::min<std::size_t>(row.line.find('\n'), 1000));
    if (row.members.size() > kRowBytesMost) json["too_large_bytes"] = row.members.size();
    else json["row"] = Json::parse("{" + row.members + "}");
    return json;
}

Json head(const state::StateReader& reader) {
    return {{"batch", reader.mark().batch.value}, {"time_ms", toMillis(reader.mark().time)}};
}

Result<Json> checkpoints(const std::string& directory) {
    TM_ASSIGN(const auto all, recovery::inspectGenerations(core::posixFileSystem(), directory));
    Json list = Json::array();
    for (const auto& checkpoint : all) {
        Json json{{"batch", checkpoint.name.batch.value}};
        if (checkpoint.mark) json["time_ms"] = toMillis(checkpoint.mark->time);
        json["files"] = checkpoint.files;
        json["bytes"] = checkpoint.sizeBytes;
        json["suspect"] = checkpoint.suspect;
        if (!checkpoint.problem.empty()) json["problem"] = shownText(checkpoint.problem);
        list.push_back(std::move(json));
    }
    return list;
}

Result<Json> tables(const std::string& directory, const RouteRequest& request) {
    TM_ASSIGN(const auto asOf, request.number("asOf", 0, ~std::uint64_t{0}));
    TM_ASSIGN(const auto reader, openNewest(directory, asOf));
    auto json = head(*reader);
    json["tables"] = Json::array();
    for (const auto& entry : reader->mark().operators) {
        TM_ASSIGN(const auto table, findTable(*reader, entry.name));
        json["tables"].push_back(
            {{"name", shownText(entry.name)}, {"types", shownText(table.signature)}});
    }
    return json;
}

// Keys are bytes; their beginning is looked for as people see it, so that it can be typed.
Result<Json> rows(const std::string& directory, const RouteRequest& request) {
    TM_ASSIGN(const auto asOf, request.number("asOf", 0, ~std::uint64_t{0}));
    TM_ASSIGN(const auto limit, request.number("limit", 1, kRowsMost));
    TM_ASSIGN(const auto reader, openNewest(directory, asOf));
    TM_ASSIGN(const auto table, findTable(*reader, request.at("table")));
    TableText text(table);
    const auto prefix = request.argument("prefix");
    state::ScanOptions range;
    // Text that shows as it is stored is found without a look at other rows.
    if (typesOf(table.signature).key == "string" && prefix.find('\\') == prefix.npos)
        range.prefix = prefix;
    auto json = head(*reader);
    json["table"] = request.at("table");
    json["rows"] = Json::array();
    bool more = false;
    std::size_t bytes = 0;
    const auto goesOn = forAWhile();
    const auto take = [&](std::string_view key, std::string_view value) -> Result<bool> {
        if (json["rows"].size() == limit.value_or(kRowsByDefault) || bytes > kAnswerBytesMost ||
            !goesOn()) {
            more = true;
            return false;
        }
        ShownRow row;
        TM_ASSIGN(row.line, text.line(false, key, value));
        if (!row.line.starts_with(prefix)) return true;
        TM_ASSIGN(row.members, text.members(key, value));
        json["rows"].push_back(rowJson(row));
        bytes += std::min(row.members.size(), kRowBytesMost);
        return true;
    };
    Result<bool> outcome = true;
    TM_TRY(reader->scan(table.operatorId, table.number, range,
                        [&](std::string_view key, std::string_view value) {
                            outcome = take(key, value);
                            return outcome && *outcome;
                        }));
    TM_TRY(std::move(outcome));
    json["more"] = more;
    return json;
}

Result<Json> top(const std::string& directory, const RouteRequest& request) {
    TM_ASSIGN(const auto asOf, request.number("asOf", 0, ~std::uint64_t{0}));
    TM_ASSIGN(const auto limit, request.number("limit", 1, kRowsMost));
    TM_ASSIGN(const auto reader, openNewest(directory, asOf));
    TM_ASSIGN(const auto rows, largestRows(*reader, request.at("table"), request.argument("by"),
                                           limit.value_or(10), forAWhile()));
    auto json = head(*reader);
    json["table"] = request.at("table");
    json["rows"] = Json::array();
    for (const auto& row : rows) json["rows"].push_back(rowJson(row));
    return json;
}

Result<Json> history(const std::string& directory, const RouteRequest& request) {
    const auto key = request.argument("key");
    TM_ASSIGN(const auto all, historyOf(directory, request.at("table"), key));
    Json list = Json::array();
    for (const auto& past : all) {
        Json json{{"batch", past.batch}, {"time_ms", past.timeMillis}};
        json["present"] = past.row.has_value();
        if (past.row) json.update(rowJson(*past.row));
        list.push_back(std::move(json));
    }
    return list;
}

}  // namespace

std::vector<Route> stateRoutes(const StreamingOptions& options) {
    const std::string application = "/api/v1/applications/{appId}";
    std::vector<Route> routes;
    const auto add = [&](const std::string& path, std::vector<std::string> parameters,
                         Result<Json> (*answer)(const std::string&, const RouteRequest&)) {
        routes.push_back({application + path, std::move(parameters),
                          [&options, answer](const RouteRequest& request) -> HttpAnswer {
                              if (auto other = otherApplication(options, request)) return *other;
                              return HttpLater([&options, answer, request] {
                                  return jsonAnswer(answer(options.directory.string(), request));
                              });
                          }});
    };
    add("/checkpoints", {},
        [](const std::string& directory, const RouteRequest&) { return checkpoints(directory); });
    add("/state", {"asOf"}, &tables);
    add("/state/{table}", {"prefix", "limit", "asOf"}, &rows);
    add("/state/{table}/top", {"by", "limit", "asOf"}, &top);
    add("/state/{table}/history", {"key"}, &history);
    return routes;
}

}  // namespace tidemill::tools
