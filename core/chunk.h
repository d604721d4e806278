// Chunks of elements and the sinks that take them: how records move between operators.
// One indirect call per chunk and operator; the user's function is inlined in the loop, and what it
// emits is pushed from registers (ChunkBuffer::Pusher): words.lambda 0.81 -> 0.85 of its reference.
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

#include "core/views.h"

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
    // is complete, or until flush() says that none is held.
    virtual void take(std::span<T> chunk) = 0;

    // No more elements of this task come: hands on what it still holds.
    virtual void finish() = 0;

    // How many elements it can still use. A producer asks between chunks and may stop at 0.
    virtual std::size_t wanted() const { return static_cast<std::size_t>(-1); }

    // Hands on what it still holds of what it took. True: nothing holds views any more of what was
    // taken, so that what they point to may go before the batch is complete. A sink that does not
    // say so keeps the views it is given.
    virtual bool flush() { return !kMayHoldViews<T>; }
};

template <class T>
class Sink : public BasicSink<T> {};

// Lines of text may also come as one piece: an operator that can do without the cutting
// (splitWords) overrides takeText.
template <>
class Sink<std::string_view> : public BasicSink<std::string_view> {
public:
    // `text` is whole lines, each ended by '\n'; a source's last one may lack it.
    // Here: cuts it into lines (without '\n' and one '\r' before it) and takes them in chunks.
    virtual void takeText(std::string_view text);
};

// The elements an operator has made and not handed on yet. Grows beyond a chunk when one input
// element makes many, because chunks are handed on only between input elements.
template <class T>
class ChunkBuffer {
public:
    ChunkBuffer() { reserve(kChunkElements + kChunkElements / 4); }
    ~ChunkBuffer() {
        truncate(0);
        std::allocator<T>().deallocate(begin_, capacity());
    }
    ChunkBuffer(const ChunkBuffer&) = delete;
    ChunkBuffer& operator=(const ChunkBuffer&) = delete;

    bool full() const { return size() >= kChunkElements; }
    bool empty() const { return end_ == begin_; }
    std::size_t size() const { return static_cast<std::size_t>(end_ - begin_); }
    // Forgets what was pushed after `size` elements were there.
    void truncate(std::size_t size) {
        std::destroy(begin_ + size, end_);
        end_ = begin_ + size;
    }

    void flushInto(Sink<T>& sink) {
        for (std::size_t i = 0; i < size(); i += kChunkElements)
            sink.take(std::span<T>(begin_ + i, std::min(kChunkElements, size() - i)));
        truncate(0);
    }

    // Pushes elements, alone while it lives; they are in the buffer when it is gone. It notes the
    // end itself, which so stays in a register through a user's loop.
    class Pusher {
    public:
        explicit Pusher(ChunkBuffer& buffer)
            : buffer_(buffer), end_(buffer.end_), limit_(buffer.limit_) {}
        ~Pusher() { buffer_.end_ = end_; }
        Pusher(const Pusher&) = delete;
        Pusher& operator=(const Pusher&) = delete;

        template <class U>
        void push(U&& element) {
            if (end_ == limit_) [[unlikely]] {
                T made(std::forward<U>(element));  // may be one of the buffer's own
                end_ = buffer_.grownFrom(end_);
                limit_ = buffer_.limit_;
                std::construct_at(end_, std::move(made));
            } else {
                std::construct_at(end_, std::forward<U>(element));
            }
            ++end_;
        }

    private:
        ChunkBuffer& buffer_;
        T* end_;
        T* limit_;
    };

private:
    std::size_t capacity() const { return static_cast<std::size_t>(limit_ - begin_); }

    // Twice as much memory; returns the end of the elements, which was `end`.
    __attribute__((noinline)) T* grownFrom(T* end) {
        end_ = end;
        reserve(2 * capacity());
        return end_;
    }

    void reserve(std::size_t capacity) {
        T* const grown = std::allocator<T>().allocate(capacity);
        T* const end = std::uninitialized_move(begin_, end_, grown);
        std::destroy(begin_, end_);
        if (begin_ != nullptr) std::allocator<T>().deallocate(begin_, this->capacity());
        begin_ = grown;
        end_ = end;
        limit_ = grown + capacity;
    }

    T* begin_ = nullptr;
    T* end_ = nullptr;
    T* limit_ = nullptr;
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
    bool flush() final {
        bool all = true;
        for (auto& sink : sinks_) all = sink->flush() && all;
        return all;
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
