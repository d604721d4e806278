// What all keyed windows share: the pairs of each batch are kept by pane until the pane has left
// the window; at slide times a strategy turns panes that enter and leave into changes of a result
// table. A slide costs the panes that enter and leave, not the window.
//
// A strategy (inverse_window.h, sum_window.h, cut_window.h, tumbling_window.h) is
//   kForm, kRows   its form and what the rows of its result are: part of the signature that its
//                  state is kept under, since no form reads what another wrote
//   kStoresPanes   whether it stores the pairs of panes, encoded
//   Value          reads a value from a row of the result, for the view
//   reduced(a, b)  two values of one key in one pane, a before b
//   Range          one key range of it, by these calls:
//     leave(last)    takes out what a window that ends with pane `last` does not hold
//     enter(pane, number, entries, bytes)
//                    takes a piece of a pane in, numbered from 0; keys differ from piece to piece;
//                    `bytes` are the entries encoded, if it stores panes
//     slid()         the slide is complete
//   For each slide time: leave and enter for each pane that enters, oldest first; then leave for
//   the last pane of the window, and slid.
//
// What a batch brings stays decoded until the batch ends: it is encoded once, to be stored.
//
// Takes a stream of pairs whose keys lie in their ranges, each once.
#pragma once

#include <array>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "state/operators/state_views.h"
#include "state/operators/window_result.h"
#include "state/time_rows.h"
#include "state/window_times.h"

namespace tidemill::state {

// The tables of a window; `table` of the base holds its result.
struct WindowTables : VisibleTable {
    StateTable* panes = nullptr;  // by the strategy, TimeRows by pane
    StateTable* open = nullptr;   // of panes that no slide time has taken in yet, likewise
};

// The pairs of a piece that was stored, decoded; keys hold as long as its bytes. Errors: kCorrupt.
template <class V>
core::Result<std::vector<PaneEntry<V>>> readPaneEntries(std::string_view bytes) {
    std::vector<PaneEntry<V>> entries;
    entries.reserve(bytes.size() / kLikelyPairBytes);
    TM_TRY(forEachPanePair(bytes, [&](const PanePair& pair) {
        entries.push_back({pair.key, valueFrom<V>(ValueKind::kBytes, pair.value)});
    }));
    return entries;
}

// What the values of each key in one pane come to, in the order in which keys came first.
template <class V, class Strategy>
class PaneMerge {
public:
    explicit PaneMerge(const Strategy& strategy) : strategy_(strategy) {}

    // `ownKey`: the key's bytes do not last.
    void add(std::string_view key, const V& value, bool ownKey) {
        const auto found = places_.find(key);
        if (found != places_.end()) {
            V& held = entries_[found->second].value;
            held = strategy_.reduced(held, value);
            return;
        }
        if (ownKey) key = keys_.copy(key);
        places_.emplace(key, entries_.size());
        entries_.push_back({key, value});
    }
    std::span<const PaneEntry<V>> entries() const { return entries_; }

private:
    const Strategy& strategy_;
    std::unordered_map<std::string_view, std::size_t> places_;
    std::vector<PaneEntry<V>> entries_;
    core::Arena keys_;
};

// One key range of a window.
template <class V, class Strategy>
class WindowRange {
public:
    using Entries = std::span<const PaneEntry<V>>;

    WindowRange(WindowTables& tables, const WindowTimes& times, std::uint32_t range,
                const Strategy& strategy)
        : times_(times),
          strategy_(strategy),
          limits_(tables.open->range(range).limits()),
          open_(tables.open->range(range)),
          window_(strategy, times, tables.table->range(range), tables.panes->range(range)) {}

    // The pairs of a batch of pane `pane`, at whose time the window slides or not.
    core::Result<> take(std::uint64_t pane, bool slides, Entries entries) {
        if (!slides) {
            if (entries.empty()) return {};
            mayBeOpen_ = true;
            return inPieces(entries, [&](Entries, std::string_view bytes) {
                return open_.append(pane, bytes);
            });
        }
        TM_TRY(enterOpen(pane, entries));
        TM_TRY(window_.leave(pane));
        return window_.slid();
    }

private:
    // Calls take(entries, bytes) for pieces of `entries`, encoded.
    template <class Take>
    core::Result<> inPieces(Entries entries, Take take) {
        while (!entries.empty()) {
            piece_.clear();
            std::size_t count = 0;
            for (; count < entries.size() && piece_.size() < limits_.pieceBytes; ++count) {
                value_.clear();
                core::ValueCodec<V>::encode(entries[count].value, value_);
                const auto key = entries[count].key;
                if (key.size() + value_.size() > limits_.rowBytes) [[unlikely]]
                    TM_TRY(limits_.check(key, value_.size()));
                appendPanePair(piece_, key, value_);
            }
            TM_TRY(take(entries.first(count), std::string_view(piece_)));
            entries = entries.subspan(count);
        }
        return {};
    }

    // Open panes and this last batch, pane by pane. What a downtime made too old is passed over.
    core::Result<> enterOpen(std::uint64_t last, Entries entries) {
        if (!std::exchange(mayBeOpen_, false)) return enterLast(last, entries);
        const auto first = times_.leftBy(last) + 1;
        std::map<std::uint64_t, std::size_t> sizes;
        TM_TRY(open_.visit(first, last + 1, [&](std::uint64_t pane, std::string_view bytes) {
            sizes[pane] += bytes.size();
            return core::Result<>();
        }));
        if (sizes.empty()) return enterLast(last, entries);
        if (!entries.empty()) sizes[last] += entries.size() * kLikelyPairBytes;
        for (const auto& [pane, bytes] : sizes)
            TM_TRY(enterMerged(pane, bytes, pane == last ? entries : Entries()));
        return open_.removeBefore(last + 1);
    }

    // What is open of a pane, and `more`; a share of the keys at a time when all do not fit into
    // memory.
    core::Result<> enterMerged(std::uint64_t pane, std::size_t bytes, Entries more) {
        const std::size_t scans = bytes / limits_.scanBytes + 1;
        std::uint32_t number = 0;
        TM_TRY(window_.leave(pane));
        for (std::size_t scan = 0; scan < scans; ++scan) {
            PaneMerge<V, Strategy> merge(strategy_);
            TM_TRY(open_.visit(pane, pane + 1, [&](std::uint64_t, std::string_view stored) {
                return forEachPanePair(stored, [&](const PanePair& pair) {
                    if (scanOf(pair.key, scans) == scan)
                        merge.add(pair.key, valueFrom<V>(ValueKind::kBytes, pair.value), true);
                });
            }));
            for (const auto& entry : more)
                if (scanOf(entry.key, scans) == scan) merge.add(entry.key, entry.value, false);
            TM_TRY(enter(pane, number, merge.entries()));
        }
        return {};
    }

    core::Result<> enterLast(std::uint64_t pane, Entries entries) {
        if (entries.empty()) return {};
        std::uint32_t number = 0;
        TM_TRY(window_.leave(pane));
        return enter(pane, number, entries);
    }

    // The pieces take the numbers from `number` on.
    core::Result<> enter(std::uint64_t pane, std::uint32_t& number, Entries entries) {
        if constexpr (!Strategy::kStoresPanes)
            return entries.empty() ? core::Result<>()
                                   : window_.enter(pane, number++, entries, std::string_view());
        else
            return inPieces(entries, [&](Entries piece, std::string_view bytes) {
                return window_.enter(pane, number++, piece, bytes);
            });
    }

    const WindowTimes& times_;
    const Strategy& strategy_;
    const StateLimits limits_;
    TimeRows open_;
    bool mayBeOpen_ = true;  // after a start, who knows
    typename Strategy::Range window_;
    std::string piece_;
    std::string value_;
};

template <class K, class V, class Strategy>
class KeyedWindowNode final : public core::Node, public core::Consumer<std::pair<K, V>> {
public:
    using In = std::pair<K, V>;
    // What is kept of a value, which may be a view itself.
    using Kept = decltype(Strategy::Entry::value);

    KeyedWindowNode(std::string kind, std::shared_ptr<core::StreamNode<In>> parent,
                    std::shared_ptr<WindowTables> tables, WindowTimes times, Strategy strategy)
        : Node(std::move(kind)),
          parent_(std::move(parent)),
          tables_(std::move(tables)),
          times_(times),
          strategy_(std::move(strategy)) {
        addParent(*parent_);
        parent_->addConsumer(*this);
        require();
        setUserFunction(core::identityOf(strategy_));
    }

    std::unique_ptr<core::Sink<In>> open(core::TaskContext& task) override {
        return std::make_unique<CollectSink>(arrived_[task.partition], task.arena);
    }

    std::size_t heldBytes() const override {
        std::size_t bytes = 0;
        for (const auto& entries : arrived_) bytes += entries.capacity() * sizeof(PaneEntry<Kept>);
        return bytes;
    }

    // Also when nothing arrived: panes leave.
    void runStage(core::BatchRun& run) override {
        if (!run.isActive(parent_->slide())) return;
        const auto pane = times_.paneOf(run.record());
        const bool slides = run.isActive(times_.slide);
        core::orThrow(run.workers().run(core::kKeyRanges, [&](std::size_t range) {
            auto& of = ranges_[range];
            if (!of) of.emplace(*tables_, times_, static_cast<std::uint32_t>(range), strategy_);
            core::orThrow(of->take(pane, slides, arrived_[range]));
        }));
    }

    void endBatch() override {
        for (auto& entries : arrived_) entries.clear();
    }

private:
    // Keys that are views last as long as the batch.
    class CollectSink final : public core::Sink<In> {
    public:
        CollectSink(std::vector<PaneEntry<Kept>>& entries, core::Arena& arena)
            : entries_(entries), arena_(arena) {}
        void take(std::span<In> chunk) override {
            const core::KeyViews keys = core::pairKeys(keys_, chunk);
            for (std::size_t i = 0; i < chunk.size(); ++i) {
                std::string_view key = keys[i];
                if constexpr (!std::is_same_v<K, std::string_view>) key = arena_.copy(key);
                entries_.push_back({key, Kept(std::move(chunk[i].second))});
            }
        }
        void finish() override {}

    private:
        std::vector<PaneEntry<Kept>>& entries_;
        core::Arena& arena_;
        core::ChunkKeys<K> keys_;
    };

    std::shared_ptr<core::StreamNode<In>> parent_;
    std::shared_ptr<WindowTables> tables_;
    const WindowTimes times_;
    const Strategy strategy_;
    std::array<std::vector<PaneEntry<Kept>>, core::kKeyRanges> arrived_;
    std::array<std::optional<WindowRange<Kept, Strategy>>, core::kKeyRanges> ranges_;
};

}  // namespace tidemill::state
