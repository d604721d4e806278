// What each source and step of a job gave in one batch, for people to look at.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "tools/job_plan.h"

namespace tidemill::tools {

// Elements are JSON objects: {"value": …} of text, {"key": …, "value": …} of a count step, else
// the columns of a row.
struct GivenElements {
    std::string key;    // what the source or step is known by in a changed job, too
    std::string label;  // what messages call it
    std::uint64_t count = 0;
    std::uint64_t wanted = 0;        // of these, that are looked for; without a key all
    std::vector<std::string> first;  // of the wanted ones
    // All that are wanted, and how often each came, as long as there is room.
    std::map<std::string, std::uint64_t> all;
    bool holdsAll = true;
    bool isActive = true;  // false: a window that slides at other batches
};

struct GivenOptions {
    // Only elements with a value that reads so, and texts that hold it; empty: all.
    std::string key;
    std::size_t firstMax = 10;
    bool holdsAll = false;  // else `all` stays empty
};

// Watches the streams of a job: each gets an output that looks through what the stream gives. Lives
// as long as the job. Thread safety: externally synchronized; elements() when the job has ended.
class GivenStreams {
public:
    explicit GivenStreams(GivenOptions options) : options_(std::move(options)) {}

    StreamObserver observer();
    const std::deque<GivenElements>& elements() const { return elements_; }

    // For the outputs: one element of a batch. `text`: bytes to look for the key in; null: the
    // object's values.
    void take(GivenElements& into, const std::string& object, const std::string_view* text);
    const GivenOptions& options() const { return options_; }

private:
    const GivenOptions options_;
    std::deque<GivenElements> elements_;  // stay where they are
    std::size_t heldBytes_ = 0;
};

}  // namespace tidemill::tools
