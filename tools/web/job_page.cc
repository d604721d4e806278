#include "tools/web/job_page.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/logging.h"
#include "tools/web/metrics.h"
#include "tools/web/rest_state.h"
#include "tools/web/rest_streaming.h"

namespace tidemill::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kHtml = "text/html; charset=utf-8";
constexpr const char* kPlain = "text/plain; charset=utf-8";

// A batch that takes so much longer than others come does not get on: what looks after the process
// may start it again.
constexpr double kStuckIntervals = 10;
constexpr double kStuckSeconds = 60;
// More of batches is asked for by those who want it.
constexpr std::size_t kEventBytesMost = 128 << 10;

// Whether the process lives: batches complete, or it starts or stops.
HttpResponse health(const Json& report) {
    const auto& batch = report.at("batch");
    const double longest =
        kStuckSeconds + kStuckIntervals * batch.at("interval_ms").get<double>() / 1000;
    const auto& outputs = report.at("outputs");
    const bool waits = std::any_of(outputs.begin(), outputs.end(),
                                   [](const Json& output) { return output.at("waits") == true; });
    const bool stuck = report.at("phase") == "running" && !waits && batch.at("age_s") > longest;
    if (stuck)
        return {503, kPlain,
                "no batch has come to its end for " + batch.at("age_s").dump() + " s\n"};
    return {200, kPlain, "ok\n"};
}

HttpResponse readiness(const Json& report) {
    const bool ready = report.at("phase") == "running";
    return {ready ? 200u : 503u, kPlain, report.at("phase").get<std::string>() + "\n"};
}

std::string dumped(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

HttpAnswer batchesBehind(const BatchHistory& batches, const RouteRequest& request) {
    const auto after = request.number("after", 0, ~std::uint64_t{0});
    if (!after) return jsonError(after.error());
    return jsonAnswer(batches.behind(after->value_or(0)));
}

}  // namespace

std::vector<Route> pageRoutes(const StreamingOptions& options, const DaemonStatus& status,
                              const BatchHistory& batches, std::string plan) {
    const auto ofReport = [&status](HttpResponse (*answer)(const Json&)) {
        return [&status, answer](const RouteRequest&) { return answer(status.report()); };
    };
    std::vector<Route> routes{
        {"/",
         {},
         [](const RouteRequest&) {
             return HttpResponse{200, kHtml, std::string(pageHtml())};
         }},
        {"/metrics", {}, ofReport([](const Json& report) {
             return HttpResponse{200, kMetricsType, metricsText(report)};
         })},
        {"/healthz", {}, ofReport(&health)},
        {"/readyz", {}, ofReport(&readiness)},
        {"/api/v1/status", {}, ofReport([](const Json& report) { return jsonAnswer(report); })},
        {"/api/v1/batches",
         {"after"},
         [&batches](const RouteRequest& request) { return batchesBehind(batches, request); }},
        {"/api/v1/events",
         {},
         [&status](const RouteRequest&) {
             return HttpEvents{eventText("status", dumped(status.report()))};
         }},
        {"/api/v1/plan", {}, [plan = std::move(plan)](const RouteRequest&) {
             return HttpResponse{200, kPlain, plan};
         }}};
    for (auto& route : streamingRoutes(options, status, batches))
        routes.push_back(std::move(route));
    for (auto& route : stateRoutes(options)) routes.push_back(std::move(route));
    return routes;
}

JobPage::JobPage(HttpAddress address, PageSecurity security, const StreamingOptions& options,
                 const DaemonStatus& status, const BatchHistory& batches, std::string plan)
    : address_(std::move(address)),
      security_(std::move(security)),
      status_(status),
      batches_(batches),
      router_(pageRoutes(options, status, batches, std::move(plan))) {}

void JobPage::everySecond() {
    if (server_) sendEvents();
    else tryListen();
}

// Nothing is made that nobody hears.
void JobPage::sendEvents() {
    const auto newest = batches_.newest();
    const auto before = std::exchange(sentBatch_, newest);
    if (server_->listeners() == 0) return;
    server_->event(eventText("status", dumped(status_.report())));
    if (newest == before) return;
    auto batches = dumped(batches_.behind(before));
    if (batches.size() > kEventBytesMost) batches = "null";
    server_->event(eventText("batches", batches));
}

void JobPage::tryListen() {
    auto server = HttpServer::listen(
        address_, [this](std::string_view target) { return router_.answer(target); }, security_);
    const bool first = !std::exchange(said_, true);
    if (server) {
        server_ = std::move(*server);
        core::logInfo("page: " + std::string(security_.encrypts() ? "https" : "http") + "://" +
                      address_.host + ":" + std::to_string(server_->port()) + "/");
    } else if (first) {
        core::logWarning("the job runs without its page for now: " + server.error().message);
    }
}

}  // namespace tidemill::tools
