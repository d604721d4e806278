#include "tidemill/dead_letters.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/logging.h"

namespace tidemill {

core::Result<> DeadLetters::tell(const core::BatchRun& run) {
    if (run.failedRecords() == nullptr) return {};
    const auto records = run.failedRecords()->all();
    if (records.empty()) return {};
    count_ += records.size();
    std::string where;
    if (!directory_.empty()) {
        TM_TRY(write(run.record(), records));
        where = "; they are in " + directory_.string();
    }
    const auto& first = records.front();
    core::logWarning("batch " + core::toString(run.record().id) + " left out " +
                     std::to_string(records.size()) + (records.size() == 1 ? " record" : " records") +
                     " because a function threw; the first: " +
                     first.operation + ": " + core::escaped(first.error) + where);
    return {};
}

core::Result<> DeadLetters::write(const core::BatchRecord& batch,
                                  const std::vector<core::FailedRecord>& records) const {
    std::string lines;
    for (const auto& failed : records) {
        nlohmann::ordered_json line;
        line["batch"] = batch.id.value;
        line["time_ms"] = toMillis(batch.time);
        line["operation"] = failed.operation;
        line["record"] = failed.record;
        line["error"] = failed.error;
        lines += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    }
    char name[32];
    std::snprintf(name, sizeof name, "%020llu.jsonl",
                  static_cast<unsigned long long>(batch.id.value));
    TM_TRY(files_.createDirectory(directory_));
    return core::publishFile(files_, directory_ / name, lines);
}

}  // namespace tidemill
