// The generic keyed reduction behind reduceByKey, combineByKey and groupByKey. How tasks' tables
// become one is in core/operators/keyed_shuffle.h.
//
// Values of up to 32 bytes lie in the line of their key, and numbers as keys are never bytes: 75 ->
// 116 million/s in numbers.memory.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/chunk_keys.h"
#include "core/kept.h"
#include "core/key_table.h"
#include "core/operators/keyed_shuffle.h"
#include "core/slot_values.h"
#include "core/views.h"

namespace tidemill::core {

// A combiner says how values V of a key become one C:
//   C create(V&&); void add(C&, V&&); void merge(C&, C&&)
template <class V, class C, class Create, class MergeValue, class MergeCombiners>
struct FunctionCombiner {
    Create createFrom;
    MergeValue mergeValue;
    MergeCombiners mergeCombiners;

    FunctionIdentity identity() const { return identityOf(createFrom, mergeValue, mergeCombiners); }
    C create(V&& value) const { return std::invoke(createFrom, std::move(value)); }
    void add(C& c, V&& value) const { c = std::invoke(mergeValue, std::move(c), std::move(value)); }
    void merge(C& c, C&& other) const {
        c = std::invoke(mergeCombiners, std::move(c), std::move(other));
    }
};

namespace combine_detail {

template <class K, class V, class C, class Combiner>
struct CombineTable {
    using In = std::pair<K, V>;
    static constexpr bool kNumbers = KeyCodec<K>::kFixedWidth && (kInlineValue<C> || kWideValue<C>);

    KeyTable table{KeyTable::processSeed(), kSlotWidth<C>};
    SlotValues<C> values;

    KeyTable& keys() { return table; }

    void add(const Combiner& combiner, KeyViews keys, std::size_t count, auto&& valueAt,
             auto&& create, auto&& change) {
        std::array<KeyTable::Slot*, kChunkElements> slots;
        std::array<std::uint64_t, kChunkElements / 64> fresh;
        table.locate(keys.first, keys.strideBytes, count, slots.data(), fresh.data());
        for (std::size_t group = 0; group < count; group += 64) {
            const std::size_t end = std::min(count, group + 64);
            std::uint64_t isFresh = fresh[group / 64];
            SlotValues<C>::prefetch(slots.data() + group, end - group);
            if (isFresh == 0) {
                for (std::size_t i = group; i < end; ++i)
                    values.update(*slots[i], [&](C& c) { change(combiner, c, valueAt(i)); });
                continue;
            }
            for (std::size_t i = group; i < end; ++i, isFresh >>= 1) {
                if (isFresh & 1) values.create(*slots[i], create(combiner, valueAt(i)));
                else values.update(*slots[i], [&](C& c) { change(combiner, c, valueAt(i)); });
            }
        }
    }

    // Numbers as keys, whose values lie beside them: made, found and changed 64 at a time.
    void addNumbers(const Combiner& combiner, std::span<In> chunk) requires kNumbers {
        constexpr std::uint64_t kSize = std::uint64_t{sizeof(K) + 1} << 56;
        table.visitWords(
            chunk.size(),
            [&](std::size_t i) {
                return KeyGroupProbe::Words{KeyCodec<K>::encodedWord(chunk[i].first), kSize};
            },
            [&](std::size_t i, KeyTable::Slot& slot, bool isFresh) {
                V&& value = std::move(chunk[i].second);
                if (isFresh) values.create(slot, combiner.create(std::move(value)));
                else values.update(slot, [&](C& c) { combiner.add(c, std::move(value)); });
            });
    }

    void clear() {
        values.clear();
        table.clear();
    }
};

}  // namespace combine_detail

template <class K, class V, class C, class Combiner>
class CombineByKeyNode final
    : public KeyedShuffle<std::pair<K, V>, std::pair<K, C>,
                          combine_detail::CombineTable<K, V, C, Combiner>> {
public:
    using In = std::pair<K, V>;
    using Out = std::pair<K, C>;
    using Table = combine_detail::CombineTable<K, V, C, Combiner>;
    using Shuffle = KeyedShuffle<In, Out, Table>;

    CombineByKeyNode(std::string kind, std::shared_ptr<StreamNode<In>> parent, Combiner combiner)
        : Shuffle(std::move(kind), std::move(parent)), combiner_(combiner) {
        this->setUserFunction(identityOf(combiner_));
    }

    // What a key has may grow with its records: the values of a group.
    bool perRecord() const override { return kGrows && Shuffle::perRecord(); }
    bool holdsElements() const override { return kGrows; }

private:
    static constexpr bool kGrows = !std::is_trivially_copyable_v<C>;

    class PhaseOne final : public Shuffle::PhaseOne {
    public:
        PhaseOne(CombineByKeyNode& node, TaskContext& task)
            : Shuffle::PhaseOne(node, task), combiner_(node.combiner_, task.arena) {}
        void take(std::span<In> chunk) override {
            if constexpr (Table::kNumbers) {
                this->table().addNumbers(*combiner_, chunk);
            } else {
                this->table().add(
                    *combiner_, pairKeys(keys_, chunk), chunk.size(),
                    [&](std::size_t i) -> V&& { return std::move(chunk[i].second); },
                    [](const Combiner& combiner, V&& v) { return combiner.create(std::move(v)); },
                    [](const Combiner& combiner, C& c, V&& v) { combiner.add(c, std::move(v)); });
            }
        }
        bool flush() override { return !kMayHoldViews<C>; }

    private:
        TaskFunction<Combiner, kMayHoldViews<C>> combiner_;
        ChunkKeys<K> keys_;
    };

    std::size_t bytesOf(Table& table) const override {
        return table.table.bytes() + table.values.bytes();
    }

    std::unique_ptr<Table> makeTable() const override { return std::make_unique<Table>(); }

    std::unique_ptr<Sink<In>> makePhaseOne(TaskContext& task) override {
        return std::make_unique<PhaseOne>(*this, task);
    }

    void merge(Table& into, Table& from, std::span<const std::uint32_t> ranks) const override {
        std::vector<std::string_view> keys(kChunkElements);
        std::vector<KeyTable::Slot*> slots(kChunkElements);
        for (std::size_t begin = 0; begin < ranks.size(); begin += kChunkElements) {
            const std::size_t count = std::min(kChunkElements, ranks.size() - begin);
            for (std::size_t i = 0; i < count; ++i) {
                from.table.prefetchAt(
                    ranks[std::min(begin + i + KeyTable::kRanksAhead, ranks.size() - 1)]);
                slots[i] = &from.table.slotAt(ranks[begin + i]);
                keys[i] = from.table.keyOf(*slots[i]);
            }
            into.add(
                combiner_, {reinterpret_cast<const char*>(keys.data())}, count,
                [&](std::size_t i) { return from.values.take(*slots[i]); },
                [](const Combiner&, C&& c) { return std::move(c); },
                [](const Combiner& combiner, C& c, C&& other) {
                    combiner.merge(c, std::move(other));
                });
        }
    }

    void push(TaskContext&, Table& from, const std::uint32_t* ranks, std::size_t count,
              Sink<Out>& sink) const override {
        const auto rankAt = [&](std::size_t i) {
            return ranks != nullptr ? ranks[i] : static_cast<std::uint32_t>(i);
        };
        std::vector<Out> chunk;
        for (std::size_t begin = 0; begin < count;) {
            const std::size_t size = std::min({kChunkElements, count - begin, sink.wanted()});
            if (size == 0) return;
            chunk.clear();
            for (std::size_t i = begin; i < begin + size; ++i) {
                from.table.prefetchAt(rankAt(std::min(i + KeyTable::kRanksAhead, count - 1)));
                const auto& slot = from.table.slotAt(rankAt(i));
                chunk.emplace_back(KeyCodec<K>::decode(from.table.keyOf(slot)),
                                   from.values.get(slot));
            }
            sink.take(chunk);
            begin += size;
        }
    }

    Combiner combiner_;
};

}  // namespace tidemill::core
