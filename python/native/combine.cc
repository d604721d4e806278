#include "python/native/combine.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "core/chunk_keys.h"
#include "core/operators/keyed_shuffle.h"
#include "core/slot_values.h"

namespace tidemill::python {
namespace {

class Reducing final : public Combiner {
public:
    explicit Reducing(Function function) : function_(std::move(function)) {}
    Object create(Object value) const override { return value; }
    void add(Object& combined, Object value) const override {
        combined = function_(combined.get(), value.get());
    }
    void merge(Object& combined, Object other) const override { add(combined, std::move(other)); }
    core::FunctionIdentity identity() const override { return function_.identity(); }

private:
    const Function function_;
};

class Grouping final : public Combiner {
public:
    Object create(Object value) const override {
        auto list = orThrow(PyList_New(1));
        PyList_SET_ITEM(list.get(), 0, value.release());
        return list;
    }
    void add(Object& list, Object value) const override {
        if (PyList_Append(list.get(), value.get()) != 0) throwPythonError();
    }
    void merge(Object& list, Object other) const override {
        const Py_ssize_t size = PyList_GET_SIZE(list.get());
        if (PyList_SetSlice(list.get(), size, size, other.get()) != 0) throwPythonError();
    }
    core::FunctionIdentity identity() const override { return {"python:group", {}}; }
};

class Combining final : public Combiner {
public:
    Combining(Function create, Function mergeValue, Function mergeCombiners)
        : create_(std::move(create)),
          mergeValue_(std::move(mergeValue)),
          mergeCombiners_(std::move(mergeCombiners)) {}
    Object create(Object value) const override { return create_(value.get()); }
    void add(Object& combined, Object value) const override {
        combined = mergeValue_(combined.get(), value.get());
    }
    void merge(Object& combined, Object other) const override {
        combined = mergeCombiners_(combined.get(), other.get());
    }
    core::FunctionIdentity identity() const override {
        return core::identityOf(create_, mergeValue_, mergeCombiners_);
    }

private:
    const Function create_;
    const Function mergeValue_;
    const Function mergeCombiners_;
};

struct Table {
    core::KeyTable table;
    core::SlotValues<Entry> values;

    core::KeyTable& keys() { return table; }
    void clear() {
        values.clear();
        table.clear();
    }
};

// As core/operators/combine_by_key.h, with Python's lock taken once for each chunk.
class CombineNode final : public core::KeyedShuffle<Pair, Pair, Table> {
public:
    using Shuffle = core::KeyedShuffle<Pair, Pair, Table>;

    CombineNode(std::string kind, std::shared_ptr<core::StreamNode<Pair>> parent,
                std::shared_ptr<const Combiner> combiner)
        : Shuffle(std::move(kind), std::move(parent)), combiner_(std::move(combiner)) {
        this->setUserFunction(combiner_->identity());
    }

private:
    class CombineSink final : public Shuffle::PhaseOne {
    public:
        CombineSink(CombineNode& node, core::TaskContext& task)
            : Shuffle::PhaseOne(node, task), combiner_(*node.combiner_) {}
        void take(std::span<Pair> chunk) override {
            const GilScope gil;
            Table& into = table();
            std::array<core::KeyTable::Slot*, core::kChunkElements> slots;
            std::array<std::uint64_t, core::kChunkElements / 64> fresh;
            const core::KeyViews keys = core::pairKeys(keys_, chunk);
            into.table.locate(keys.first, keys.strideBytes, chunk.size(), slots.data(),
                              fresh.data());
            for (std::size_t i = 0; i < chunk.size(); ++i) {
                if (i % kAhead == 0) prefetch(slots.data() + i, std::min(chunk.size() - i, kAhead));
                Entry& entry = chunk[i].second;
                if ((fresh[i / 64] >> (i % 64) & 1) != 0) {
                    entry.value = combiner_.create(std::move(entry.value));
                    into.values.create(*slots[i], std::move(entry));
                } else {
                    into.values.update(*slots[i], [&](Entry& combined) {
                        combiner_.add(combined.value, std::move(entry.value));
                    });
                }
            }
        }
        // Keys are copied into the table.
        bool flush() override { return true; }

    private:
        static constexpr std::size_t kAhead = 64;
        // Of slots that were there before; fresh ones hold no address yet.
        static void prefetch(core::KeyTable::Slot* const* slots, std::size_t count) {
            core::SlotValues<Entry>::prefetch(slots, count);
        }

        const Combiner& combiner_;
        core::ChunkKeys<std::string_view> keys_;
    };

    std::size_t bytesOf(Table& of) const override { return of.table.bytes() + of.values.bytes(); }
    std::unique_ptr<Table> makeTable() const override { return std::make_unique<Table>(); }
    std::unique_ptr<core::Sink<Pair>> makePhaseOne(core::TaskContext& task) override {
        return std::make_unique<CombineSink>(*this, task);
    }

    void merge(Table& into, Table& from, std::span<const std::uint32_t> ranks) const override {
        while (!ranks.empty()) {
            const GilScope gil;
            const auto chunk = ranks.first(std::min(ranks.size(), core::kChunkElements));
            ranks = ranks.subspan(chunk.size());
            for (const auto rank : chunk) {
                auto& slot = from.table.slotAt(rank);
                bool fresh = false;
                auto& found = into.table.insert(from.table.keyOf(slot), fresh);
                Entry entry = from.values.take(slot);
                if (fresh) {
                    into.values.create(found, std::move(entry));
                } else {
                    into.values.update(found, [&](Entry& combined) {
                        combiner_->merge(combined.value, std::move(entry.value));
                    });
                }
            }
        }
    }

    void push(core::TaskContext&, Table& from, const std::uint32_t* ranks, std::size_t count,
              core::Sink<Pair>& sink) const override {
        std::vector<Pair> chunk;
        for (std::size_t begin = 0; begin < count;) {
            const std::size_t size = std::min({core::kChunkElements, count - begin, sink.wanted()});
            if (size == 0) return;
            const GilScope gil;
            for (std::size_t i = begin; i < begin + size; ++i) {
                const auto& slot =
                    from.table.slotAt(ranks != nullptr ? ranks[i] : static_cast<std::uint32_t>(i));
                chunk.emplace_back(from.table.keyOf(slot), from.values.get(slot));
            }
            sink.take(chunk);
            chunk.clear();
            begin += size;
        }
    }

    const std::shared_ptr<const Combiner> combiner_;
};

}  // namespace

std::shared_ptr<const Combiner> reducing(Function function) {
    return std::make_shared<Reducing>(std::move(function));
}
std::shared_ptr<const Combiner> grouping() { return std::make_shared<Grouping>(); }
std::shared_ptr<const Combiner> combining(Function create, Function mergeValue,
                                          Function mergeCombiners) {
    return std::make_shared<Combining>(std::move(create), std::move(mergeValue),
                                       std::move(mergeCombiners));
}

std::shared_ptr<core::StreamNode<Pair>> makeCombine(std::string kind,
                                                    std::shared_ptr<core::StreamNode<Pair>> pairs,
                                                    std::shared_ptr<const Combiner> combiner) {
    return std::make_shared<CombineNode>(std::move(kind), std::move(pairs), std::move(combiner));
}

}  // namespace tidemill::python
