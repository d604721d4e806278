// Windows that follow each other without overlap: the result begins anew with each of them, and
// nothing need be known of what leaves.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "state/operators/keyed_window.h"

namespace tidemill::state {

template <class V, class F>
struct TumblingWindow {
    F function;

    core::FunctionIdentity identity() const { return core::identityOf(function); }

    static constexpr const char* kForm = "tumbling";
    static constexpr const char* kRows = "value";
    static constexpr bool kStoresPanes = false;
    using Entry = PaneEntry<V>;

    V reduced(const V& held, const V& entering) const {
        return std::invoke(function, held, entering);
    }

    class Range {
    public:
        Range(const TumblingWindow&, const WindowTimes&, StateRange& result, StateRange& panes)
            : result_(result), panes_(panes) {}

        core::Result<> leave(std::uint64_t last) {
            if (!std::exchange(searched_, true)) {
                TM_ASSIGN(const auto oldest, panes_.oldest());
                newest_ = oldest.value_or(0);
            }
            if (newest_ == 0 || newest_ >= last) return {};
            newest_ = 0;
            auto walker = result_.walk();
            for (;;) {
                TM_ASSIGN(const bool more, walker.next());
                if (!more) break;
                TM_TRY(walker.remove());
            }
            return panes_.removeBefore(last);
        }

        core::Result<> enter(std::uint64_t pane, std::uint32_t, std::span<const Entry> entries,
                             std::string_view) {
            // Says whose result this is; its pairs are in the result.
            TM_TRY(panes_.put(pane, {}));
            newest_ = pane;
            return changeRows(result_, entries, [](const Entry& entry, auto, auto& after) {
                core::ValueCodec<V>::encode(entry.value, after);
                return RowChange::kPut;
            });
        }

        core::Result<> slid() { return {}; }

    private:
        StateRange& result_;
        TimeRows panes_;
        std::uint64_t newest_ = 0;  // the pane that the result holds; 0: none
        bool searched_ = false;
    };
};

}  // namespace tidemill::state
