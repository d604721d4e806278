// The keys of an [[output]] with to = "kafka".
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "outputs/kafka/options.h"

namespace tidemill::tools {

class JobFileErrors;
class TomlTable;

struct KafkaOutputSpec {
    KafkaOutputOptions options;
    // Of rows.
    std::vector<std::string> key;
    std::string value;
    std::vector<std::pair<std::string, std::string>> headers;  // name, column

    bool needsRows() const { return !key.empty() || !value.empty() || !headers.empty(); }
};

// `job`: its name, which the progress topic's default has.
KafkaOutputSpec readKafkaOutput(TomlTable& table, const std::string& job, JobFileErrors& errors);

}  // namespace tidemill::tools
