// A daemon's numbers for Prometheus, as OpenMetrics text.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tidemill::tools {

inline constexpr const char* kMetricsType =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

// From a report of DaemonStatus. Names and meanings: docs/monitoring/README.md. Format: OpenMetrics
// 1.0 (https://github.com/OpenObservability/OpenMetrics), which ends with "# EOF".
std::string metricsText(const nlohmann::ordered_json& report);

}  // namespace tidemill::tools
