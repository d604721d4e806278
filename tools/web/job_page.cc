#include "tools/web/job_page.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/logging.h"
#include "tools/web/metrics.h"

namespace tidemill::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kHtml = "text/html; charset=utf-8";
constexpr const char* kJson = "application/json";
constexpr const char* kPlain = "text/plain; charset=utf-8";

// A batch that takes so much longer than others come does not get on: what looks after the process
// may start it again.
constexpr double kStuckIntervals = 10;
constexpr double kStuckSeconds = 60;

// Whether the process lives: batches complete, or it starts or stops.
HttpResponse health(const Json& report) {
    const auto& batch = report.at("batch");
    const double longest =
        kStuckSeconds + kStuckIntervals * batch.at("interval_ms").get<double>() / 1000;
    const bool stuck = report.at("phase") == "running" && batch.at("age_s") > longest;
    if (stuck)
        return {503, kPlain,
                "no batch has come to its end for " + batch.at("age_s").dump() + " s\n"};
    return {200, kPlain, "ok\n"};
}

HttpResponse readiness(const Json& report) {
    const bool ready = report.at("phase") == "running";
    return {ready ? 200u : 503u, kPlain, report.at("phase").get<std::string>() + "\n"};
}

std::uint64_t numberIn(const std::string& text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

}  // namespace

JobPage::JobPage(HttpAddress address, const DaemonStatus& status, const BatchHistory& batches,
                 std::string plan)
    : address_(std::move(address)), status_(status), batches_(batches), plan_(std::move(plan)) {}

void JobPage::tryListen() {
    if (server_) return;
    auto server = HttpServer::listen(
        address_, [this](const HttpRequest& request) { return answer(request); });
    const bool first = !std::exchange(said_, true);
    if (server) {
        server_ = std::move(*server);
        core::logInfo("page: http://" + address_.host + ":" + std::to_string(server_->port()) +
                      "/");
    } else if (first) {
        core::logWarning("the job runs without its page for now: " + server.error().message);
    }
}

HttpResponse JobPage::answer(const HttpRequest& request) const {
    if (request.path == "/") return {200, kHtml, std::string(pageHtml())};
    if (request.path == "/metrics") return {200, kMetricsType, metricsText(status_.report())};
    if (request.path == "/healthz") return health(status_.report());
    if (request.path == "/readyz") return readiness(status_.report());
    if (request.path == "/api/v1/status") return {200, kJson, status_.report().dump() + "\n"};
    if (request.path == "/api/v1/plan") return {200, kPlain, plan_};
    if (request.path == "/api/v1/batches")
        return {200, kJson, batches_.behind(numberIn(request.argument("after"))).dump() + "\n"};
    return {404, kPlain,
            "there is no such page; there are: / /metrics /healthz /readyz /api/v1/status "
            "/api/v1/batches /api/v1/plan\n"};
}

}  // namespace tidemill::tools
