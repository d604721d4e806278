// What all keyed windows share: the pairs of each batch are kept by pane until the pane has left
// the window; at slide times a strategy turns panes that enter and leave into changes of a result
// table. A slide costs the panes that enter and leave, not the window.
//
// A strategy (inverse_window.h, sum_window.h, cut_window.h, tumbling_window.h) is
//   kForm, kRows   its form and what the rows of its result are: part of the signature that its
//                  state is kept under, since no form reads what another wrote
//   Value          reads a value from a row of the result, for the view
//   Range          one key range of it, by these calls:
//     merge(parts)               one pane's pairs out of those of several batches
//     leave(last)                takes out what a window that ends with pane `last` does not hold
//     enter(pane, pairs, bytes)  takes a pane in; `bytes` are the pairs as they are stored
//     slid()                     the slide is complete
//   For each slide time: leave and enter for each pane that enters, oldest first; then leave for
//   the last pane of the window, and slid.
//
// Takes a stream of pairs whose keys lie in their ranges, each once.
#pragma once

#include <array>
#include <limits>
#include <memory>
#include <optional>
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
struct WindowTables : ShownTable {
    StateTable* panes = nullptr;  // by the strategy, TimeRows by pane
    StateTable* open = nullptr;   // of panes that no slide time has taken in yet, likewise
};

// One key range of a window.
template <class Strategy>
class WindowRange {
public:
    WindowRange(WindowTables& tables, const WindowTimes& times, std::uint32_t range,
                const Strategy& strategy)
        : times_(times),
          open_(tables.open->range(range)),
          strategy_(strategy, times, tables.table->range(range), tables.panes->range(range)) {}

    // The pairs of a batch of pane `pane`, at whose time the window slides or not.
    core::Result<> take(std::uint64_t pane, bool slides, const PanePairs& pairs) {
        if (!slides) {
            if (pairs.empty()) return {};
            mayBeOpen_ = true;
            return open_.append(pane, pairs.bytes());
        }
        TM_TRY(enterOpen(pane, pairs));
        TM_TRY(strategy_.leave(pane));
        return strategy_.slid();
    }

private:
    static constexpr std::size_t kPartsMax = 16;

    // Open panes and this last batch, pane by pane. What a downtime made too old is passed over.
    core::Result<> enterOpen(std::uint64_t last, const PanePairs& pairs) {
        if (!std::exchange(mayBeOpen_, false))
            return pairs.empty() ? core::Result<>() : enter(last, pairs.bytes());
        std::vector<std::string> parts;
        std::uint64_t of = 0;  // the pane of the parts
        const auto enterParts = [&]() -> core::Result<> {
            if (parts.empty()) return {};
            TM_ASSIGN(const auto merged, strategy_.merge(parts));
            parts.clear();
            return enter(of, merged);
        };
        const auto add = [&](std::uint64_t pane, std::string_view bytes) -> core::Result<> {
            if (pane != of) TM_TRY(enterParts());
            of = pane;
            // Of a pane of many batches only a few are in memory at a time.
            if (parts.size() == kPartsMax) {
                TM_ASSIGN(auto merged, strategy_.merge(parts));
                parts.assign(1, std::move(merged));
            }
            parts.emplace_back(bytes);
            return {};
        };
        TM_TRY(open_.visit(times_.leftBy(last) + 1, last + 1, add));
        if (!pairs.empty()) TM_TRY(add(last, pairs.bytes()));
        TM_TRY(enterParts());
        return open_.removeBefore(last + 1);
    }

    core::Result<> enter(std::uint64_t pane, std::string_view bytes) {
        TM_ASSIGN(const auto pairs, readPanePairs(bytes));
        TM_TRY(strategy_.leave(pane));
        return strategy_.enter(pane, pairs, bytes);
    }

    const WindowTimes& times_;
    TimeRows open_;
    bool mayBeOpen_ = true;  // after a start, who knows
    typename Strategy::Range strategy_;
};

// Reduces the values of equal keys among the parts of one pane, in their order.
template <class V, class F>
core::Result<std::string> mergeParts(const std::vector<std::string>& parts, F& function) {
    if (parts.size() == 1) return parts.front();
    std::unordered_map<std::string_view, V> values;
    for (const auto& part : parts) {
        TM_ASSIGN(const auto pairs, readPanePairs(part));
        for (const auto& pair : pairs) {
            const V value = valueFrom<V>(ValueKind::kBytes, pair.value);
            const auto [at, added] = values.try_emplace(pair.key, value);
            if (!added) at->second = std::invoke(function, std::as_const(at->second), value);
        }
    }
    PanePairs merged;
    std::string bytes;
    for (const auto& [key, value] : values) {
        bytes.clear();
        core::ValueCodec<V>::encode(value, bytes);
        merged.add(key, bytes);
    }
    return merged.bytes();
}

template <class K, class V, class Strategy>
class KeyedWindowNode final : public core::Node, public core::Consumer<std::pair<K, V>> {
public:
    using In = std::pair<K, V>;

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
    }

    std::unique_ptr<core::Sink<In>> open(core::TaskContext& task) override {
        return std::make_unique<CollectSink>(arrived_[task.partition]);
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
        for (auto& pairs : arrived_) pairs = {};
    }

private:
    class CollectSink final : public core::Sink<In> {
    public:
        explicit CollectSink(PanePairs& pairs) : pairs_(pairs) {}
        void take(std::span<In> chunk) override {
            const core::KeyViews keys = core::pairKeys(keys_, chunk);
            for (std::size_t i = 0; i < chunk.size(); ++i) {
                std::string_view key;
                std::memcpy(&key, keys.first + i * keys.strideBytes, sizeof key);
                bytes_.clear();
                core::ValueCodec<V>::encode(chunk[i].second, bytes_);
                pairs_.add(key, bytes_);
            }
        }
        void finish() override {}

    private:
        PanePairs& pairs_;
        core::ChunkKeys<K> keys_;
        std::string bytes_;
    };

    std::shared_ptr<core::StreamNode<In>> parent_;
    std::shared_ptr<WindowTables> tables_;
    const WindowTimes times_;
    const Strategy strategy_;
    std::array<PanePairs, core::kKeyRanges> arrived_;
    std::array<std::optional<WindowRange<Strategy>>, core::kKeyRanges> ranges_;
};

}  // namespace tidemill::state
