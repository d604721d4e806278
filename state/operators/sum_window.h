// Windows of sums of integers: what enters is added to the result and what leaves is subtracted,
// without reading either. Sums that came to nothing are removed by and by.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/key_group.h"
#include "state/operators/keyed_window.h"

namespace tidemill::state {

template <class F, class V>
inline constexpr bool kIsPlus = std::is_same_v<F, std::plus<>> || std::is_same_v<F, std::plus<V>>;
template <class F, class V>
inline constexpr bool kIsMinus =
    std::is_same_v<F, std::minus<>> || std::is_same_v<F, std::minus<V>>;

// The result is a table of ValueKind::kSum. Rows of 0 that `filter` does not hold for are as good
// as none.
template <class K, class V, class Filter = KeepAll>
struct SumWindow {
    Filter filter;

    core::FunctionIdentity identity() const { return core::identityOf(filter); }

    static constexpr const char* kForm = "sums";
    static constexpr const char* kRows = "value";
    static constexpr bool kStoresPanes = true;
    using Entry = PaneEntry<V>;

    V reduced(V held, V entering) const { return static_cast<V>(held + entering); }

    class Range {
    public:
        Range(const SumWindow& window, const WindowTimes& times, StateRange& result,
              StateRange& panes)
            : filter_(window.filter), times_(times), result_(result), panes_(panes) {}

        core::Result<> leave(std::uint64_t last) {
            const auto end = times_.leftBy(last) + 1;
            if (end == 1) return {};
            TM_TRY(
                panes_.visit(0, end, [&](std::uint64_t, std::string_view bytes) -> core::Result<> {
                    TM_ASSIGN(const auto entries, readPaneEntries<V>(bytes));
                    leftSinceSweep_ += entries.size();
                    return add(entries, true);
                }));
            return panes_.removeBefore(end);
        }

        core::Result<> enter(std::uint64_t pane, std::uint32_t number,
                             std::span<const Entry> entries, std::string_view bytes) {
            TM_TRY(panes_.put(pane, bytes, number));
            return add(entries, false);
        }

        core::Result<> slid() {
            if constexpr (!std::is_same_v<Filter, KeepAll>)
                if (++slides_ % kSlidesPerSweep == 0) return sweep();
            return {};
        }

    private:
        // A walk costs something before its first row, so it is not made at every slide.
        static constexpr std::uint64_t kSlidesPerSweep = 8;
        // Two rows for each that left keep up even when all of them came to nothing.
        static constexpr double kFirstSwept = 1.0 / 4, kMostSwept = 2, kLeastSwept = 1.0 / 32;

        core::Result<> add(std::span<const Entry> entries, bool negative) {
            while (!entries.empty()) {
                const auto chunk = entries.first(std::min(entries.size(), core::kChunkElements));
                entries = entries.subspan(chunk.size());
                operands_.clear();
                for (const auto& entry : chunk) {
                    const auto value = static_cast<std::uint64_t>(entry.value);
                    operands_.push_back(negative ? std::uint64_t{0} - value : value);
                }
                // Keys lie in the entries, one entry apart.
                TM_TRY(result_.merge(
                    {reinterpret_cast<const char*>(&chunk.front().key), sizeof(Entry)},
                    chunk.size(), operands_.data()));
            }
            return {};
        }

        // Looks at rows in proportion to those that left, more where many came to nothing and fewer
        // where few did, so that such rows stay a part of the table at a cost that follows them.
        core::Result<> sweep() {
            const auto rows = static_cast<std::size_t>(
                sweptPerLeft_ * static_cast<double>(std::exchange(leftSinceSweep_, 0)));
            if (rows == 0) return {};
            std::size_t row = 0, removed = 0;
            auto walker = result_.walk();
            if (!sweptTo_.empty()) walker.seek(core::keyGroup(sweptTo_), sweptTo_);
            for (; row < rows; ++row) {
                TM_ASSIGN(const bool more, walker.next());
                if (!more) {
                    sweptTo_.clear();
                    break;
                }
                sweptTo_ = walker.key();
                if (valueFrom<std::uint64_t>(ValueKind::kSum, walker.value()) != 0 ||
                    std::invoke(filter_,
                                std::pair<K, V>(core::KeyCodec<K>::decode(sweptTo_), V{0})))
                    continue;
                TM_TRY(walker.remove());
                ++removed;
            }
            if (removed > row / 8) sweptPerLeft_ = std::min(2 * sweptPerLeft_, kMostSwept);
            if (removed < row / 16) sweptPerLeft_ = std::max(sweptPerLeft_ / 2, kLeastSwept);
            return {};
        }

        Filter filter_;
        const WindowTimes& times_;
        StateRange& result_;
        TimeRows panes_;
        std::vector<std::uint64_t> operands_;
        std::uint64_t slides_ = 0;
        std::size_t leftSinceSweep_ = 0;
        double sweptPerLeft_ = kFirstSwept;
        std::string sweptTo_;
    };
};

}  // namespace tidemill::state
