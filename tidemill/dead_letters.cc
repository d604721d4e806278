#include "tidemill/dead_letters.h"

#include <nlohmann/json.hpp>

#include "core/logging.h"

namespace tidemill {

core::Result<> DeadLetters::tell(const core::BatchRun& run) {
    const auto* failed = run.failedRecords();
    if (failed == nullptr || failed->count() == 0) return {};
    const auto count = failed->count();
    count_ += count;
    std::string where;
    if (run.record().onError == core::OnError::kDeadLetter) {
        TM_TRY(write(run));
        where = "; they are in " + files_.directory().string();
    }
    std::string first;
    failed->forEachKept([&](const core::FailedRecord& record, std::uint64_t) {
        if (first.empty()) first = record.operation + ": " + core::escaped(record.error);
    });
    core::logWarning("batch " + core::toString(run.record().id) + " left out " +
                     std::to_string(count) + (count == 1 ? " record" : " records") +
                     " because a function threw; the first: " + first + where);
    return {};
}

core::Result<> DeadLetters::write(const core::BatchRun& run) {
    TM_ASSIGN(const auto file, files_.begin(run.mark()));
    if (!file) return {};
    core::Result<> written;
    run.failedRecords()->forEachKept([&](const core::FailedRecord& failed, std::uint64_t times) {
        nlohmann::ordered_json line;
        line["batch"] = run.record().id.value;
        line["time_ms"] = toMillis(run.record().time);
        line["operation"] = failed.operation;
        line["record"] = failed.record;
        line["error"] = failed.error;
        const auto text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
        for (; times > 0 && written; --times) written = file->append(text);
    });
    TM_TRY(written);
    return file->commit();
}

}  // namespace tidemill
