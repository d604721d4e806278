#include "tools/control/live_state.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/suggestion.h"
#include "tidemill/lineage.h"
#include "tools/tables/table_text.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;
using Json = nlohmann::ordered_json;

struct LiveState::Answers {
    struct Answer {
        std::uint64_t request = 0;
        state::TableSummary table;
        std::string key;
        std::optional<Result<StateAtBoundary>> found{};
    };
    mutable std::mutex mutex;
    std::uint64_t asked = 0;
    std::deque<Answer> all;  // by number

    void done(std::uint64_t request, Result<StateAtBoundary> found) {
        const std::lock_guard lock(mutex);
        for (auto& answer : all)
            if (answer.request == request) answer.found = std::move(found);
    }
};

LiveState::LiveState(StreamingContext& context)
    : context_(context), answers_(std::make_shared<Answers>()) {}
LiveState::~LiveState() = default;

namespace {

// As a checkpoint would describe the table.
Result<state::TableSummary> tableOf(const Job& job, const std::string& name) {
    std::vector<std::string> names;
    for (const auto& declared : job.states) {
        if (declared.name == name) {
            state::TableSummary table;
            table.operatorName = name;
            table.signature = splitSignature(declared.signature).signature;
            return table;
        }
        names.push_back(declared.name);
    }
    return core::fail(ErrorKind::kInvalid,
                      "the job has no state \"" + name + "\"" + core::suggestion(name, names));
}

}  // namespace

Result<Json> LiveState::ask(const std::string& table, const std::string& key) {
    TM_ASSIGN(const auto summary, tableOf(*context_.job(), table));
    TM_ASSIGN(const auto bytes, TableText(summary).keyOf(key));
    std::uint64_t request = 0;
    {
        const std::lock_guard lock(answers_->mutex);
        request = ++answers_->asked;
        answers_->all.push_back({request, summary, bytes});
        if (answers_->all.size() > kAnswersMost) answers_->all.pop_front();
    }
    try {
        context_.lookUpState(table, bytes, [answers = answers_, request](auto found) {
            answers->done(request, std::move(found));
        });
    } catch (const StreamingError& error) {
        return core::fail(error.kind(), error.what());
    }
    return Json{{"request", request}};
}

Result<Json> LiveState::answer(std::uint64_t request) const {
    const std::lock_guard lock(answers_->mutex);
    const auto& all = answers_->all;
    const auto answer = std::find_if(all.begin(), all.end(),
                                     [&](const auto& one) { return one.request == request; });
    if (answer == all.end())
        return core::fail(ErrorKind::kNotFound,
                          "no look-up has the number " + std::to_string(request));
    Json json{{"request", request}, {"done", answer->found.has_value()}};
    if (!answer->found) return json;
    const auto& found = *answer->found;
    if (!found) return core::fail(found.error());
    json["batch"] = found->boundary.batch.value;
    json["time_ms"] = toMillis(found->boundary.time);
    json["present"] = found->value.has_value();
    if (!found->value) return json;
    TableText text(answer->table);
    TM_ASSIGN(const auto members, text.members(answer->key, *found->value));
    TM_ASSIGN(const auto line, text.line(false, answer->key, *found->value));
    json["row"] = Json::parse("{" + members + "}");
    json["line"] = line;
    return json;
}

}  // namespace tidemill::tools
