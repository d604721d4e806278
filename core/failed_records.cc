#include "core/failed_records.h"

namespace tidemill::core {

void FailedRecords::add(std::uint32_t node, std::uint32_t pass, FailedRecord record) {
    std::lock_guard lock(mutex_);
    Counts& counts = counts_[node];
    if (++counts.passes[pass] > counts.most) {
        ++counts.most;
        ++count_;
    }
    if (rules_.onError == OnError::kDeadLetter && count_ > rules_.deadLettersMax)
        throw TaskFailure(Error{
            ErrorKind::kUserCode,
            record.operation + " threw for more than " + std::to_string(rules_.deadLettersMax) +
                " records of the batch, which is as many as may become dead letters "
                "(max_dead_letters); the last: " + record.error +
                ". Give it a larger number, or skip what fails (on_error = \"skip\")"});
    auto found = kept_.find({node, record});
    if (found == kept_.end()) {
        if (kept_.size() >= keptMax()) return;
        found = kept_.emplace(std::pair(node, std::move(record)), Passes{}).first;
    }
    ++found->second[pass];
}

void FailedRecords::stop(FailedCall call) {
    std::lock_guard lock(mutex_);
    if (!stopped_) stopped_ = std::move(call);
}

std::optional<FailedCall> FailedRecords::stopped() const {
    std::lock_guard lock(mutex_);
    return stopped_;
}

std::uint64_t FailedRecords::count() const {
    std::lock_guard lock(mutex_);
    return count_;
}

std::string currentExceptionText() {
    try {
        throw;
    } catch (const std::exception& thrown) {
        return thrown.what();
    } catch (...) {
        return "something that is no std::exception";
    }
}

}  // namespace tidemill::core
