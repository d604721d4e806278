// Memory that is used again, made visible: what is still looked at afterwards is no longer there.
//
// With poison.cc linked in, memory that is freed is filled with a pattern (the address sanitizer
// sees it by itself).
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "core/stream_node.h"
#include "tidemill/dstream.h"

namespace tidemill::test {

inline constexpr int kPoison = 0xDB;

// Hands on every chunk in memory of its own, which is filled with the pattern afterwards.
template <class T>
class PoisonNode final : public core::NarrowNode<T, T> {
public:
    explicit PoisonNode(std::shared_ptr<core::StreamNode<T>> parent)
        : core::NarrowNode<T, T>("poison", std::move(parent)) {}

    core::Keyed keyed() const override { return this->parent().keyed(); }

private:
    class PoisonSink final : public core::Sink<T> {
    public:
        explicit PoisonSink(core::Downstream<T> below) : below_(std::move(below)) {}
        void take(std::span<T> chunk) override {
            std::allocator<T> allocator;
            T* const copy = allocator.allocate(chunk.size());
            std::uninitialized_move(chunk.begin(), chunk.end(), copy);
            below_->take({copy, chunk.size()});
            std::destroy_n(copy, chunk.size());
            std::memset(static_cast<void*>(copy), kPoison, chunk.size() * sizeof(T));
            allocator.deallocate(copy, chunk.size());
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override { return below_->wanted(); }

    private:
        core::Downstream<T> below_;
    };

    std::unique_ptr<core::Sink<T>> makeSink(core::TaskContext&,
                                            core::Downstream<T> below) override {
        return std::make_unique<PoisonSink>(std::move(below));
    }
};

// The same stream, whose elements' memory is filled with the pattern behind every chunk.
template <class T>
DStream<T> poisoned(const DStream<T>& stream) {
    return {stream.job(), stream.job()->graph.add(std::make_shared<PoisonNode<T>>(stream.node()))};
}

}  // namespace tidemill::test
