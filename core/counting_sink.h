// Sinks that count what passes them, a chunk at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "core/batch_run.h"
#include "core/chunk.h"
#include "core/output_activity.h"

namespace tidemill::core {

// An element may stand for many: it says so in recordCount().
template <class T>
std::uint64_t elementsIn(std::span<T> chunk) {
    if constexpr (requires(const T& element) { element.recordCount(); }) {
        std::uint64_t count = 0;
        for (const T& element : chunk) count += element.recordCount();
        return count;
    } else {
        return chunk.size();
    }
}

// Before the operators behind a stream, in a stage: tells the stream's node (noteElements) once, at
// the end of its task.
template <class T, class Node>
class CountedSinks : public Sink<T> {
public:
    CountedSinks(Node& node, std::unique_ptr<Sink<T>> below)
        : node_(node), below_(std::move(below)) {}

    void take(std::span<T> chunk) final {
        elements_ += elementsIn(chunk);
        below_->take(chunk);
    }
    void finish() final {
        below_->finish();
        node_.noteElements(std::exchange(elements_, 0));
    }
    std::size_t wanted() const final { return below_->wanted(); }
    bool flush() final { return below_->flush(); }

protected:
    Node& node_;
    std::unique_ptr<Sink<T>> below_;
    std::uint64_t elements_ = 0;
};

template <class T, class Node>
class CountedSink final : public CountedSinks<T, Node> {
public:
    using CountedSinks<T, Node>::CountedSinks;
};

// Text that is not cut into lines yet is not counted: its source knows how many there are.
template <class Node>
class CountedSink<std::string_view, Node> final : public CountedSinks<std::string_view, Node> {
public:
    using CountedSinks<std::string_view, Node>::CountedSinks;
    void takeText(std::string_view text) override { this->below_->takeText(text); }
};

// Before what an output reads of the stream of node number `node`.
template <class T>
class ReadSink final : public Sink<T> {
public:
    ReadSink(BatchRun& run, std::uint32_t node, Sink<T>& reader)
        : run_(run), node_(node), reader_(reader), making_(run.outputActivity()) {}
    ~ReadSink() override { run_.noteRead(node_, elements_); }

    void take(std::span<T> chunk) override {
        elements_ += elementsIn(chunk);
        run_.workers().noteWork();
        const OutputActivity::Making::Pause pause(making_);
        reader_.take(chunk);
    }
    void finish() override {}
    std::size_t wanted() const override { return reader_.wanted(); }
    bool flush() override { return reader_.flush(); }

private:
    BatchRun& run_;
    const std::uint32_t node_;
    Sink<T>& reader_;
    OutputActivity::Making making_;
    std::uint64_t elements_ = 0;
};

}  // namespace tidemill::core
