// Chunks of elements and the sinks that take them: how records move between operators.
// One indirect call per chunk and operator; the user's function is inlined in the loop.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tidemill::core {

inline constexpr std::size_t kChunkElements = 1024;

template <class T>
class Sink;

// What every operator is towards the one before it. Thread safety: worker-confined; a task makes
// its own chain of sinks.
template <class T>
class BasicSink {
public:
    using Element = T;
    virtual ~BasicSink() = default;

    // Takes 1 … kChunkElements elements; may move from them. Views in them live until the batch
    // is complete.
    virtual void take(std::span<T> chunk) = 0;

    // No more elements of this task come: hands on what it still holds.
    virtual void finish() = 0;

    // How many elements it can still use. A producer asks between chunks and may stop at 0.
    virtual std::size_t wanted() const { return static_cast<std::size_t>(-1); }
};

template <class T>
class Sink : public BasicSink<T> {};

// Lines of text may also come as one piece: an operator that can do without the cutting
// (splitWords) overrides takeText.
template <>
class Sink<std::string_view> : public BasicSink<std::string_view> {
public:
    // `text` is whole lines, each ended by '\n', with kBufferSlackBytes readable behind it.
    // Here: cuts it into lines (without '\n' and one '\r' before it) and takes them in chunks.
    virtual void takeText(std::string_view text);
};

// The elements an operator has made and not handed on yet. Grows beyond a chunk when one input
// element makes many, because chunks are handed on only between input elements.
template <class T>
class ChunkBuffer {
public:
    ChunkBuffer() { elements_.reserve(kChunkElements + kChunkElements / 4); }

    template <class U>
    void push(U&& element) {
        elements_.push_back(std::forward<U>(element));
    }
    bool full() const { return elements_.size() >= kChunkElements; }
    bool empty() const { return elements_.empty(); }
    std::size_t size() const { return elements_.size(); }
    // Forgets what was pushed after `size` elements were there.
    void truncate(std::size_t size) { elements_.erase(elements_.begin() + static_cast<std::ptrdiff_t>(size), elements_.end()); }

    void flushInto(Sink<T>& sink) {
        for (std::size_t i = 0; i < elements_.size(); i += kChunkElements) {
            const std::size_t n = std::min(kChunkElements, elements_.size() - i);
            sink.take(std::span<T>(elements_.data() + i, n));
        }
        elements_.clear();
    }

private:
    std::vector<T> elements_;
};

// Moves every element to the end of a vector.
template <class T>
class AppendSink final : public Sink<T> {
public:
    explicit AppendSink(std::vector<T>& into) : into_(into) {}
    void take(std::span<T> chunk) override {
        into_.insert(into_.end(), std::make_move_iterator(chunk.begin()),
                     std::make_move_iterator(chunk.end()));
    }
    void finish() override {}

private:
    std::vector<T>& into_;
};

// Hands every element to several sinks, each its own copy.
template <class T>
class FanOutSinks : public Sink<T> {
public:
    explicit FanOutSinks(std::vector<std::unique_ptr<Sink<T>>> sinks) : sinks_(std::move(sinks)) {}

    void take(std::span<T> chunk) final {
        for (std::size_t i = 0; i + 1 < sinks_.size(); ++i) {
            copy_.assign(chunk.begin(), chunk.end());
            sinks_[i]->take(copy_);
        }
        sinks_.back()->take(chunk);
    }
    void finish() final {
        for (auto& sink : sinks_) sink->finish();
    }
    std::size_t wanted() const final {
        std::size_t most = 0;
        for (const auto& sink : sinks_) most = std::max(most, sink->wanted());
        return most;
    }

protected:
    std::vector<std::unique_ptr<Sink<T>>> sinks_;

private:
    std::vector<T> copy_;
};

template <class T>
class FanOut final : public FanOutSinks<T> {
public:
    using FanOutSinks<T>::FanOutSinks;
};

template <>
class FanOut<std::string_view> final : public FanOutSinks<std::string_view> {
public:
    using FanOutSinks::FanOutSinks;
    void takeText(std::string_view text) override {
        for (auto& sink : sinks_) sink->takeText(text);
    }
};

}  // namespace tidemill::core
