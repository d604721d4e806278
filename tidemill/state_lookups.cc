#include "tidemill/state_lookups.h"

#include <utility>

#include "core/suggestion.h"
#include "state/operators/bound_table.h"
#include "tidemill/job.h"
#include "tidemill/running_job.h"

namespace tidemill {

using core::ErrorKind;
using core::Result;

Result<> StateLookups::ask(const Job& job, const std::string& state, std::string key, Done done) {
    std::vector<std::string> names;
    std::optional<std::size_t> place;
    for (std::size_t i = 0; i < job.states.size(); ++i) {
        names.push_back(job.states[i].name);
        if (names.back() == state) place = i;
    }
    if (!place)
        return core::fail(ErrorKind::kInvalid, "the job has no state \"" + state + "\"" +
                                                   core::suggestion(state, names));
    const std::lock_guard lock(mutex_);
    if (ended_) return core::fail(ErrorKind::kConflict, "the job has ended");
    if (waiting_.size() == kWaitingMost)
        return core::fail(ErrorKind::kConflict, "too many wait for the end of a batch already");
    waiting_.push_back({*place, std::move(key), std::move(done)});
    return {};
}

void StateLookups::atBoundary(RunningJob& parts) {
    std::deque<Waiting> all;
    {
        const std::lock_guard lock(mutex_);
        all.swap(waiting_);
    }
    for (const auto& waiting : all) waiting.done(lookUp(waiting, parts));
}

Result<StateAtBoundary> StateLookups::lookUp(const Waiting& waiting, RunningJob& parts) {
    StateAtBoundary found;
    found.boundary = *parts.lastComplete;
    auto* const table =
        parts.store->find(parts.operators.ids.at(waiting.state), state::kVisibleTable);
    if (table == nullptr) return found;
    state::Lookup lookup;
    const std::string_view key = waiting.key;
    TM_TRY(table->rangeOf(key).get({reinterpret_cast<const char*>(&key)}, 1, lookup));
    if (lookup.found(0)) found.value = std::string(lookup.bytes(0));
    return found;
}

void StateLookups::end() {
    std::deque<Waiting> all;
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        all.swap(waiting_);
    }
    for (const auto& waiting : all)
        waiting.done(core::fail(ErrorKind::kConflict, "the job has ended"));
}

}  // namespace tidemill
