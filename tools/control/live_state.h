// Keys of the state of the job that runs here, as its last complete batch left them.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tidemill/streaming_context.h"

namespace tidemill::tools {

// An answer comes at the end of a batch, so whoever asks gets a number and asks again with that.
// Answers that nobody fetches go when kAnswersMost newer ones were asked for. Thread safety:
// thread-safe.
class LiveState {
public:
    static constexpr std::size_t kAnswersMost = 256;

    explicit LiveState(StreamingContext& context);
    ~LiveState();

    // `key` as `state export` prints it. {"request": 3}. Errors: kInvalid for a table that is none
    // or a key that is none of its type, kConflict when the job does not run.
    core::Result<nlohmann::ordered_json> ask(const std::string& table, const std::string& key);

    // {"request": 3, "done": false}; or done, with "batch", "time_ms", "present", and of a key that
    // is there its "row" and its "line" for people. Errors: kNotFound for a number that was not
    // given, or long ago; those of the state.
    core::Result<nlohmann::ordered_json> answer(std::uint64_t request) const;

private:
    struct Answers;
    StreamingContext& context_;
    // Shared with look-ups under way.
    std::shared_ptr<Answers> answers_;
};

}  // namespace tidemill::tools
