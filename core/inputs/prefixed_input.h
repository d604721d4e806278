// The stream of a source whose logged records have a form of their own.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "core/inputs/prefixed_records.h"
#include "core/stream_node.h"

namespace tidemill::core {

// Form::decoderOf<T>(block) gives a function that makes a T of each record's bytes; both may throw
// TaskFailure.
template <class T, class Form>
class PrefixedInputNode final : public RootNode<T> {
public:
    PrefixedInputNode(std::string kind, SourceId source)
        : RootNode<T>(std::move(kind)), source_(source) {}

    bool holdsElements() const override { return false; }
    bool probes() const override { return true; }

    std::uint32_t partitions(BatchRun& run) override {
        return static_cast<std::uint32_t>(run.record().cuts.size());
    }

    void scan(TaskContext& task, BatchRun& run, Sink<T>& sink) override {
        scanPrefixed(task, run, source_, sink,
                     [](const Block& block) { return Form::template decoderOf<T>(block); });
    }

private:
    SourceId source_;
};

// What a record or a block of the log is that its form does not allow.
[[noreturn]] inline void throwCorrupt(const char* what, const Block& block) {
    throw TaskFailure(
        Error{ErrorKind::kCorrupt, std::string(what) + ": lsn=" + toString(block.lsn())});
}

}  // namespace tidemill::core
