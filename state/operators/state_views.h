// What can be seen of a state table as a stream: the keys a batch touched, or all of them. Both
// read rows only when somebody scans them.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/chunk_keys.h"
#include "core/stream_node.h"
#include "core/value_codec.h"
#include "core/views.h"
#include "state/operators/bound_table.h"
#include "state/state_table.h"

namespace tidemill::state {

// A value as the table's kind keeps it.
template <class S>
S valueFrom(ValueKind kind, std::string_view bytes) {
    if constexpr (std::is_integral_v<S>) {
        if (isNumber(kind)) {
            std::uint64_t number = 0;
            std::memcpy(&number, bytes.data(), sizeof number);
            return static_cast<S>(number);
        }
    }
    S value{};
    core::orThrow(core::ValueCodec<S>::decode(bytes, value));
    return value;
}

// The keys that the batch at hand touched, by range, as bytes that live until the batch is
// complete. One owner a range while a batch runs.
using TouchedKeys = std::array<std::vector<std::string_view>, core::kKeyRanges>;

// (key, state after the batch) of the touched keys that have state.
template <class K, class S>
class TouchedView final : public core::RootNode<std::pair<K, S>> {
public:
    using Out = std::pair<K, S>;

    explicit TouchedView(std::shared_ptr<BoundTable> table)
        : core::RootNode<Out>("touched"), table_(std::move(table)) {}

    // For the operator that touches: nothing need be noted when nobody looks.
    bool noting() const { return this->required(); }
    std::vector<std::string_view>& keys(std::uint32_t range) { return keys_[range]; }

    core::Keyed keyed() const override { return core::Keyed::kRangedUnique; }
    Duration slide() const override { return table_->slide; }
    std::uint32_t partitions(core::BatchRun&) override { return core::kKeyRanges; }
    bool perRecord() const override { return false; }

    void scan(core::TaskContext& task, core::BatchRun&, core::Sink<Out>& sink) override {
        auto& range = table_->table->range(task.partition);
        const auto& keys = keys_[task.partition];
        std::vector<Out> chunk;
        Lookup lookup;
        for (std::size_t begin = 0; begin < keys.size();) {
            const std::size_t count =
                std::min({core::kChunkElements, keys.size() - begin, sink.wanted()});
            if (count == 0) return;
            core::orThrow(range.get({reinterpret_cast<const char*>(&keys[begin])}, count, lookup));
            chunk.clear();
            for (std::size_t i = 0; i < count; ++i)
                if (lookup.found(i))
                    chunk.emplace_back(core::KeyCodec<K>::decode(keys[begin + i]),
                                       valueFrom<S>(table_->table->kind(), lookup.bytes(i)));
            if (!chunk.empty()) sink.take(chunk);
            begin += count;
        }
    }

    void endBatch() override {
        for (auto& keys : keys_) keys.clear();
    }

private:
    std::shared_ptr<BoundTable> table_;
    TouchedKeys keys_;
};

// How a row's value is what the stream holds of it.
template <class S>
struct StoredState {
    S operator()(ValueKind kind, std::string_view bytes) const { return valueFrom<S>(kind, bytes); }
};

// A filter that keeps every key.
struct KeepAll {
    template <class K, class V>
    bool operator()(const std::pair<K, V>&) const {
        return true;
    }
};

// (key, state) of every key that `keep` holds for, in the order of key group and key bytes.
template <class K, class S, class Decode = StoredState<S>, class Keep = KeepAll>
class AllView final : public core::RootNode<std::pair<K, S>> {
public:
    using Out = std::pair<K, S>;

    explicit AllView(std::shared_ptr<VisibleTable> table, std::string kind = "all",
                     Decode decode = {}, Keep keep = {})
        : core::RootNode<Out>(std::move(kind)),
          table_(std::move(table)),
          decode_(std::move(decode)),
          keep_(std::move(keep)) {}

    core::Keyed keyed() const override { return core::Keyed::kRangedUnique; }
    Duration slide() const override { return table_->slide; }
    std::uint32_t partitions(core::BatchRun&) override { return core::kKeyRanges; }
    bool perRecord() const override { return false; }

    void scan(core::TaskContext& task, core::BatchRun& run, core::Sink<Out>& sink) override {
        if (!run.isActive(slide())) return;
        auto walker = table_->table->range(task.partition).walk();
        std::vector<Out> chunk;
        bool more = true;
        while (more) {
            chunk.clear();
            const std::size_t count = std::min(core::kChunkElements, sink.wanted());
            if (count == 0) return;
            while (chunk.size() < count && (more = core::orThrow(walker.next()))) {
                // The walker's bytes change with the next row; keys that are views must not.
                std::string_view key = walker.key();
                if constexpr (core::kHoldsTextViews<K>) key = task.arena.copy(key);
                chunk.emplace_back(core::KeyCodec<K>::decode(key),
                                   decode_(table_->table->kind(), walker.value()));
                if (!std::invoke(keep_, std::as_const(chunk.back()))) chunk.pop_back();
            }
            if (!chunk.empty()) sink.take(chunk);
        }
    }

private:
    std::shared_ptr<VisibleTable> table_;
    Decode decode_;
    Keep keep_;
};

}  // namespace tidemill::state
