// What all keyed windows share: the pairs of each batch are kept by pane until the pane has left
// the window; at slide times a strategy turns panes that enter and leave into changes of a result
// table. A slide costs the panes that enter and leave, not the window.
//
// A strategy (inverse_window.h, sum_window.h, cut_window.h, tumbling_window.h) is
//   kForm, kRows   its form and what the rows of its result are: part of the signature that its
//                  state is kept under, since no form reads what another wrote
//   Value          reads a value from a row of the result, for the view
//   Range          one key range of it, by these calls:
//     merge(parts)   pairs of one pane out of those of several batches
//     leave(last)    takes out what a window that ends with pane `last` does not hold
//     enter(pane, number, pairs, bytes)
//                    takes a piece of a pane in, numbered from 0; keys differ from piece to piece;
//                    `bytes` are the pairs as they are stored
//     slid()         the slide is complete
//   For each slide time: leave and enter for each pane that enters, oldest first; then leave for
//   the last pane of the window, and slid.
//
// Takes a stream of pairs whose keys lie in their ranges, each once.
#pragma once

#include <array>
#include <limits>
#include <map>
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
          limits_(tables.open->range(range).limits()),
          open_(tables.open->range(range)),
          strategy_(strategy, times, tables.table->range(range), tables.panes->range(range)) {}

    // The pairs of a batch of pane `pane`, at whose time the window slides or not.
    core::Result<> take(std::uint64_t pane, bool slides, const PanePairs& pairs) {
        if (!slides) {
            if (pairs.empty()) return {};
            mayBeOpen_ = true;
            for (const auto& piece : pairs.pieces()) TM_TRY(open_.append(pane, piece));
            return {};
        }
        TM_TRY(enterOpen(pane, pairs));
        TM_TRY(strategy_.leave(pane));
        return strategy_.slid();
    }

private:
    static constexpr std::size_t kPartsMax = 16;

    struct Piece {
        std::uint64_t pane;
        std::string bytes;
    };

    // Open panes and this last batch, pane by pane. What a downtime made too old is passed over.
    core::Result<> enterOpen(std::uint64_t last, const PanePairs& pairs) {
        if (!std::exchange(mayBeOpen_, false))
            return pairs.empty() ? core::Result<>() : enterFirst(last, pairs);
        const auto first = times_.leftBy(last) + 1;
        std::vector<Piece> open;  // as long as they fit into memory
        std::map<std::uint64_t, std::size_t> sizes;
        std::size_t total = pairs.sizeBytes();
        TM_TRY(open_.visit(first, last + 1, [&](std::uint64_t pane, std::string_view bytes) {
            sizes[pane] += bytes.size();
            total += bytes.size();
            if (total <= limits_.passBytes) open.push_back({pane, std::string(bytes)});
            return core::Result<>();
        }));
        if (sizes.empty()) return pairs.empty() ? core::Result<>() : enterFirst(last, pairs);
        if (!pairs.empty()) sizes[last] += pairs.sizeBytes();
        for (const auto& [pane, bytes] : sizes) {
            const PanePairs none;
            const auto& more = pane == last ? pairs : none;
            TM_TRY(total <= limits_.passBytes ? enterHeld(pane, open, more)
                                              : enterInPasses(pane, bytes, more));
        }
        return open_.removeBefore(last + 1);
    }

    core::Result<> enterHeld(std::uint64_t pane, std::vector<Piece>& open, const PanePairs& more) {
        std::vector<std::string> parts;
        for (auto& piece : open)
            if (piece.pane == pane) parts.push_back(std::move(piece.bytes));
        parts.insert(parts.end(), more.pieces().begin(), more.pieces().end());
        TM_ASSIGN(const auto merged, strategy_.merge(parts));
        return enterFirst(pane, merged);
    }

    // A pane that does not fit into memory: a share of its keys at a time.
    core::Result<> enterInPasses(std::uint64_t pane, std::size_t bytes, const PanePairs& more) {
        const std::size_t passes = bytes / limits_.passBytes + 1;
        std::uint32_t number = 0;
        TM_TRY(strategy_.leave(pane));
        for (std::size_t pass = 0; pass < passes; ++pass) {
            std::vector<std::string> parts;
            const auto add = [&](std::uint64_t, std::string_view piece) -> core::Result<> {
                TM_ASSIGN(auto chosen, pairsOfPass(piece, passes, pass));
                if (!chosen.empty()) parts.push_back(std::move(chosen));
                if (parts.size() < kPartsMax) return {};
                TM_ASSIGN(const auto merged, strategy_.merge(parts));
                parts = merged.pieces();
                return {};
            };
            TM_TRY(open_.visit(pane, pane + 1, add));
            for (const auto& piece : more.pieces()) TM_TRY(add(pane, piece));
            if (parts.empty()) continue;
            TM_ASSIGN(const auto merged, strategy_.merge(parts));
            TM_TRY(enter(pane, number, merged));
        }
        return {};
    }

    core::Result<> enterFirst(std::uint64_t pane, const PanePairs& pairs) {
        std::uint32_t number = 0;
        TM_TRY(strategy_.leave(pane));
        return enter(pane, number, pairs);
    }

    // The pieces take the numbers from `number` on.
    core::Result<> enter(std::uint64_t pane, std::uint32_t& number, const PanePairs& pairs) {
        for (const auto& piece : pairs.pieces()) {
            TM_ASSIGN(const auto read, readPanePairs(piece));
            TM_TRY(strategy_.enter(pane, number++, read, piece));
        }
        return {};
    }

    const WindowTimes& times_;
    const StateLimits limits_;
    TimeRows open_;
    bool mayBeOpen_ = true;  // after a start, who knows
    typename Strategy::Range strategy_;
};

// Reduces the values of equal keys among the parts of one pane, in their order.
template <class V, class F>
core::Result<PanePairs> mergeParts(const std::vector<std::string>& parts, F& function,
                                   const StateLimits& limits) {
    PanePairs merged(limits.pieceBytes);
    if (parts.size() == 1) {
        merged.addPiece(parts.front());
        return merged;
    }
    std::unordered_map<std::string_view, V> values;
    for (const auto& part : parts) {
        TM_ASSIGN(const auto pairs, readPanePairs(part));
        for (const auto& pair : pairs) {
            const V value = valueFrom<V>(ValueKind::kBytes, pair.value);
            const auto [at, added] = values.try_emplace(pair.key, value);
            if (!added) at->second = std::invoke(function, std::as_const(at->second), value);
        }
    }
    std::string bytes;
    for (const auto& [key, value] : values) {
        bytes.clear();
        core::ValueCodec<V>::encode(value, bytes);
        TM_TRY(limits.check(key, bytes.size()));
        merged.add(key, bytes);
    }
    return merged;
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
        const auto limits = tables_->panes->range(task.partition).limits();
        auto& pairs = arrived_[task.partition];
        if (pairs.empty()) pairs = PanePairs(limits.pieceBytes);
        return std::make_unique<CollectSink>(pairs, limits);
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
        for (auto& pairs : arrived_) pairs = PanePairs();
    }

private:
    class CollectSink final : public core::Sink<In> {
    public:
        CollectSink(PanePairs& pairs, StateLimits limits)
            : pairs_(pairs), limits_(std::move(limits)) {}
        void take(std::span<In> chunk) override {
            const core::KeyViews keys = core::pairKeys(keys_, chunk);
            for (std::size_t i = 0; i < chunk.size(); ++i) {
                std::string_view key;
                std::memcpy(&key, keys.first + i * keys.strideBytes, sizeof key);
                bytes_.clear();
                core::ValueCodec<V>::encode(chunk[i].second, bytes_);
                if (key.size() + bytes_.size() > limits_.rowBytes) [[unlikely]]
                    core::orThrow(limits_.check(key, bytes_.size()));
                pairs_.add(key, bytes_);
            }
        }
        void finish() override {}

    private:
        PanePairs& pairs_;
        const StateLimits limits_;
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
