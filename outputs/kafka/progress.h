// How far a job has come in a Kafka cluster, as the last record of each of its transactions says.
// Format: docs/formats/kafka_progress.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "outputs/progress.h"

namespace tidemill::outputs {

std::string encodeProgress(const Progress& progress);
// None: not what encodeProgress makes.
std::optional<Progress> parseProgress(std::string_view text);

}  // namespace tidemill::outputs
