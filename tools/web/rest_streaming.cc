#include "tools/web/rest_streaming.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "core/logging.h"
#include "tools/control/shown_text.h"

namespace tidemill::tools {
namespace {

using core::ErrorKind;
using core::Result;
using Json = nlohmann::ordered_json;

constexpr std::uint64_t kBatchMost = ~std::uint64_t{0};

double millis(const std::optional<std::chrono::nanoseconds>& time) {
    return time ? std::chrono::duration<double, std::milli>(*time).count() : 0;
}

// "2015-02-03T16:42:40.000GMT", as Spark writes it.
std::string sparkTime(std::int64_t millis) {
    const auto inSecond = (millis % 1000 + 1000) % 1000;
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}GMT", fmt::gmtime((millis - inSecond) / 1000),
                       inSecond);
}

std::int64_t nowMillis() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string userName() {
    std::array<char, 4096> space;
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(::geteuid(), &entry, space.data(), space.size(), &found) == 0 && found)
        return found->pw_name;
    return std::to_string(::geteuid());
}

Json applicationJson(const Json& report) {
    const auto started = report.at("started_ms").get<std::int64_t>();
    const auto now = nowMillis();
    const Json attempt{{"startTime", sparkTime(started)},
                       {"endTime", sparkTime(-1)},
                       {"lastUpdated", sparkTime(now)},
                       {"duration", now - started},
                       {"sparkUser", userName()},
                       {"completed", false},
                       {"appSparkVersion", report.at("version")},
                       {"startTimeEpoch", started},
                       {"endTimeEpoch", -1},
                       {"lastUpdatedEpoch", now}};
    return {
        {"id", report.at("job")}, {"name", report.at("job")}, {"attempts", Json::array({attempt})}};
}

// Means over the batches that are complete.
class Means {
public:
    void add(const SeenBatch& batch) {
        ++batches_;
        records_ += batch.info.records();
        waited_ += millis(batch.info.schedulingDelay);
        took_ += millis(batch.info.processingDelay);
        total_ += millis(batch.info.totalDelay);
    }
    std::uint64_t batches() const { return batches_; }
    // In events a second, where one comes every `intervalSeconds`.
    void into(Json& json, double intervalSeconds) const {
        if (batches_ == 0) return;
        const auto count = static_cast<double>(batches_);
        json["avgInputRate"] = static_cast<double>(records_) / count / intervalSeconds;
        json["avgSchedulingDelay"] = waited_ / count;
        json["avgProcessingTime"] = took_ / count;
        json["avgTotalDelay"] = total_ / count;
    }

private:
    std::uint64_t batches_ = 0;
    std::uint64_t records_ = 0;
    double waited_ = 0, took_ = 0, total_ = 0;
};

Json statisticsJson(const StreamingOptions& options, const Json& report,
                    const std::vector<SeenBatch>& batches) {
    Means means;
    std::uint64_t running = 0, received = 0, active = 0;
    for (const auto& batch : batches)
        if (batch.isComplete) means.add(batch);
        else ++running;
    const auto& sources = report.at("sources");
    for (const auto& source : sources) {
        received += source.at("records").get<std::uint64_t>();
        active += source.at("paused") == false && source.at("retries") == false;
    }
    Json json{{"startTime", sparkTime(report.at("started_ms").get<std::int64_t>())},
              {"batchDuration", options.interval.count()},
              {"numReceivers", sources.size()},
              {"numActiveReceivers", active},
              {"numInactiveReceivers", sources.size() - active},
              {"numTotalCompletedBatches", report.at("batch").at("since_start")},
              {"numRetainedCompletedBatches", means.batches()},
              {"numActiveBatches", running},
              {"numProcessedRecords", report.at("batch").at("records")},
              {"numReceivedRecords", received}};
    means.into(json, static_cast<double>(options.interval.count()) / 1e3);
    return json;
}

Json receiverJson(const StreamingOptions& options, const Json& report,
                  const std::vector<SeenBatch>& batches, std::size_t place) {
    const auto& source = report.at("sources").at(place);
    const double seconds = static_cast<double>(options.interval.count()) / 1e3;
    Json rates = Json::array();
    double sum = 0;
    for (auto batch = batches.rbegin(); batch != batches.rend(); ++batch) {
        if (!batch->isComplete) continue;
        double rate = 0;
        for (const auto& input : batch->info.inputs)
            if (input.source == place) rate = static_cast<double>(input.records) / seconds;
        rates.push_back(Json::array({toMillis(batch->info.time), rate}));
        sum += rate;
    }
    Json json{{"streamId", place + 1},
              {"streamName", source.at("description")},
              {"isActive", source.at("paused") == false && source.at("retries") == false}};
    for (const auto& error : report.at("errors"))
        if (error.at("source") == source.at("label")) {
            json["lastErrorTime"] = sparkTime(error.at("time_ms").get<std::int64_t>());
            json["lastErrorMessage"] = error.at("message");
        }
    if (!rates.empty()) json["avgEventRate"] = sum / static_cast<double>(rates.size());
    json["eventRates"] = std::move(rates);
    return json;
}

Json batchJson(const StreamingOptions& options, std::size_t outputs, const SeenBatch& batch) {
    const auto& info = batch.info;
    std::size_t completed = 0, failed = 0, active = 0;
    for (const auto& output : batch.outputs)
        if (output.info.error) ++failed;
        else if (output.info.duration) ++completed;
        else ++active;
    Json json{{"batchId", info.id},
              {"batchTime", sparkTime(toMillis(info.time))},
              {"status", batch.isComplete ? "COMPLETED" : "PROCESSING"},
              {"batchDuration", options.interval.count()},
              {"inputSize", info.records()}};
    if (info.schedulingDelay) json["schedulingDelay"] = millis(info.schedulingDelay);
    if (info.processingDelay) json["processingTime"] = millis(info.processingDelay);
    if (info.totalDelay) json["totalDelay"] = millis(info.totalDelay);
    json["numActiveOutputOps"] = active;
    json["numCompletedOutputOps"] = completed;
    json["numFailedOutputOps"] = failed;
    json["numTotalOutputOps"] = outputs;
    return json;
}

Json operationJson(const SeenOutput& output) {
    Json json{{"outputOpId", output.info.output + 1},
              {"name", shownText(output.info.description)},
              {"description", shownText(output.info.description)},
              {"startTime", sparkTime(output.startedMillis)}};
    if (output.info.duration) {
        const auto took = millis(output.info.duration);
        json["endTime"] = sparkTime(output.startedMillis + static_cast<std::int64_t>(took));
        json["duration"] = took;
    }
    if (output.info.error) json["failureReason"] = shownText(*output.info.error);
    json["jobIds"] = Json::array();
    return json;
}

// What the routes are made of.
class Streaming {
public:
    Streaming(const StreamingOptions& options, const DaemonStatus& status,
              const BatchHistory& batches)
        : options_(options), status_(status), batches_(batches) {}

    Result<Json> statistics(const RouteRequest&) const {
        return statisticsJson(options_, status_.report(), batches_.newestFirst());
    }
    Result<Json> receivers(const RouteRequest&) const {
        const auto report = status_.report();
        const auto batches = batches_.newestFirst();
        Json all = Json::array();
        for (std::size_t i = 0; i < report.at("sources").size(); ++i)
            all.push_back(receiverJson(options_, report, batches, i));
        return all;
    }
    Result<Json> receiver(const RouteRequest& request) const {
        const auto report = status_.report();
        const auto count = report.at("sources").size();
        if (count == 0) return core::fail(ErrorKind::kConflict, "the job has not started yet");
        TM_ASSIGN(const auto number, request.number("streamId", 1, count));
        return receiverJson(options_, report, batches_.newestFirst(), *number - 1);
    }
    Result<Json> batches(const RouteRequest& request) const {
        const auto wanted = request.argument("status");
        if (!wanted.empty() && wanted != "COMPLETED" && wanted != "PROCESSING")
            return core::fail(ErrorKind::kInvalid, "status is COMPLETED or PROCESSING, not \"" +
                                                       core::escaped(wanted) + "\"");
        const auto outputs = status_.report().at("outputs").size();
        Json all = Json::array();
        for (const auto& batch : batches_.newestFirst())
            if (wanted.empty() || batch.isComplete == (wanted == "COMPLETED"))
                all.push_back(batchJson(options_, outputs, batch));
        return all;
    }
    Result<Json> batch(const RouteRequest& request) const {
        TM_ASSIGN(const auto seen, find(request));
        return batchJson(options_, status_.report().at("outputs").size(), seen);
    }
    Result<Json> operations(const RouteRequest& request) const {
        TM_ASSIGN(const auto seen, find(request));
        Json all = Json::array();
        for (const auto& output : seen.outputs) all.push_back(operationJson(output));
        return all;
    }
    Result<Json> operation(const RouteRequest& request) const {
        TM_ASSIGN(const auto seen, find(request));
        TM_ASSIGN(const auto number, request.number("outputOpId", 1, kBatchMost));
        for (const auto& output : seen.outputs)
            if (output.info.output + 1 == *number) return operationJson(output);
        return core::fail(ErrorKind::kNotFound, "batch " + std::to_string(seen.info.id) +
                                                    " has no output " + std::to_string(*number));
    }

private:
    Result<SeenBatch> find(const RouteRequest& request) const {
        TM_ASSIGN(const auto number, request.number("batchId", 1, kBatchMost));
        auto seen = batches_.find(*number);
        if (!seen)
            return core::fail(ErrorKind::kNotFound,
                              "batch " + std::to_string(*number) + " is not among the last " +
                                  std::to_string(BatchHistory::kBatches) + " of this process");
        return *std::move(seen);
    }

    const StreamingOptions& options_;
    const DaemonStatus& status_;
    const BatchHistory& batches_;
};

}  // namespace

std::optional<HttpResponse> otherApplication(const StreamingOptions& options,
                                             const RouteRequest& request) {
    if (request.at("appId") == options.name) return std::nullopt;
    return jsonError(404, "there is no application \"" + core::escaped(request.at("appId")) +
                              "\"; this one is \"" + core::escaped(options.name) + "\"");
}

std::vector<Route> streamingRoutes(const StreamingOptions& options, const DaemonStatus& status,
                                   const BatchHistory& batches) {
    const std::string application = "/api/v1/applications/{appId}";
    std::vector<Route> routes;
    routes.push_back({"/api/v1/applications", {}, [&status](const RouteRequest&) {
                          return jsonAnswer(Json::array({applicationJson(status.report())}));
                      }});
    routes.push_back({application, {}, [&](const RouteRequest& request) -> HttpAnswer {
                          if (auto other = otherApplication(options, request)) return *other;
                          return jsonAnswer(applicationJson(status.report()));
                      }});
    const auto add = [&](const std::string& path, std::vector<std::string> parameters,
                         Result<Json> (Streaming::*answer)(const RouteRequest&) const) {
        routes.push_back(
            {application + "/streaming" + path, std::move(parameters),
             [&options, &status, &batches, answer](const RouteRequest& request) -> HttpAnswer {
                 if (auto other = otherApplication(options, request)) return *other;
                 const Streaming streaming(options, status, batches);
                 return jsonAnswer((streaming.*answer)(request));
             }});
    };
    add("/statistics", {}, &Streaming::statistics);
    add("/receivers", {}, &Streaming::receivers);
    add("/receivers/{streamId}", {}, &Streaming::receiver);
    add("/batches", {"status"}, &Streaming::batches);
    add("/batches/{batchId}", {}, &Streaming::batch);
    add("/batches/{batchId}/operations", {}, &Streaming::operations);
    add("/batches/{batchId}/operations/{outputOpId}", {}, &Streaming::operation);
    return routes;
}

}  // namespace tidemill::tools
