#include "tidemill/state_stream.h"

#include <xxhash.h>

#include <stdexcept>

#include "core/byte_codec.h"

namespace tidemill::detail {

DeclaredState::DeclaredState(Job& job, const char* operation, std::string name,
                             const std::string& types, state::ValueKind kind, Duration slide)
    : table_(std::make_shared<state::BoundTable>()), place_(job.states.size()), kind_(kind) {
    table_->slide = slide;
    const bool isNamed = !name.empty();
    job.states.push_back(
        {name.empty() ? job.stableName(operation) : std::move(name),
         std::string(operation) + " " + types +
             (slide == Duration(0) ? "" : " of_slide_ms=" + std::to_string(slide.count())),
         [table = table_, kind](state::StateStore& store, core::OperatorId id,
                                const state::OperatorStart& start) {
             table->bind(store, id, kind, start);
         }});
    job.states.back().isNamed = isNamed;
}

void DeclaredState::madeBy(Job& job, const core::Node& node) const {
    job.states.at(place_).node = &node;
}

const core::Node& DeclaredState::node(const Job& job) const { return *job.states.at(place_).node; }

void DeclaredState::named(Job& job, std::string name) const {
    requireNotStarted(job, "named");
    job.states.at(place_).name = std::move(name);
    job.states.at(place_).isNamed = true;
}

void DeclaredState::ttl(Job& job, Duration idle) const {
    requireNotStarted(job, "ttl");
    if (idle <= Duration(0) || idle > kDurationMax)
        throw std::invalid_argument("the time after which an idle key goes (" +
                                    std::to_string(idle.count()) +
                                    " ms) must be at least 1 ms and at most " +
                                    std::to_string(kDurationMax.count()) + " ms");
    table_->ttl = idle;
    job.states.at(place_).lifetime = idle;
}

void DeclaredState::initial(Job& job, std::string key, std::string value) const {
    requireNotStarted(job, "initialState");
    if (kind_ != state::ValueKind::kBytes)
        throw std::invalid_argument(
            "runningTotals begin at zero; for an initial state use "
            "updateStateByKey");
    core::ByteWriter all;
    auto& hash = job.states.at(place_).initialStates;
    all.u64(hash);
    all.string(key);
    all.string(value);
    hash = XXH3_64bits(all.bytes().data(), all.bytes().size());
    table_->initial.emplace_back(std::move(key), std::move(value));
}

}  // namespace tidemill::detail
