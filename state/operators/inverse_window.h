// Windows of a function with an inverse: what enters is reduced into the result, what leaves is
// taken out of it.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "state/operators/keyed_window.h"

namespace tidemill::state {

// `inverse` takes from a reduced value what `function` reduced into it. A key leaves the result
// when `filter` does not hold for what it comes to at a slide time.
template <class K, class V, class F, class Inverse, class Filter = KeepAll>
struct InverseWindow {
    F function;
    Inverse inverse;
    Filter filter;

    static constexpr const char* kForm = "inverse";
    static constexpr const char* kRows = "value";

    class Range {
    public:
        Range(const InverseWindow& window, const WindowTimes& times, StateRange& result,
              StateRange& panes)
            : window_(window), times_(times), result_(result), panes_(panes) {}

        core::Result<std::string> merge(const std::vector<std::string>& parts) {
            return mergeParts<V>(parts, window_.function);
        }

        core::Result<> enter(std::uint64_t pane, const std::vector<PanePair>& pairs,
                             std::string_view bytes) {
            TM_TRY(leave(pane));
            TM_TRY(panes_.put(pane, bytes));
            return changeRows(result_, pairs, [&](const PanePair& pair, auto before, auto& after) {
                const V entering = decoded(pair.value);
                if (!before) return put(pair.key, entering, after);
                const V held = decoded(*before);
                return put(pair.key, std::invoke(window_.function, held, entering), after);
            });
        }

        core::Result<> advance(std::uint64_t last) {
            TM_TRY(leave(last));
            if constexpr (!std::is_same_v<Filter, KeepAll>) {
                std::vector<PanePair> doubtful;
                for (const auto& key : doubtful_) doubtful.push_back({key, {}});
                TM_TRY(changeRows(result_, doubtful, [&](const PanePair& pair, auto before, auto&) {
                    return before && !keeps(pair.key, decoded(*before)) ? RowChange::kRemove
                                                                        : RowChange::kKeep;
                }));
                doubtful_.clear();
            }
            return {};
        }

    private:
        // Takes out what a window that ends with pane `last` does not hold.
        core::Result<> leave(std::uint64_t last) {
            const auto end = times_.leftBy(last) + 1;
            if (end == 1) return {};
            TM_TRY(panes_.visit(0, end, [&](std::uint64_t, std::string_view bytes) -> core::Result<> {
                TM_ASSIGN(const auto pairs, readPanePairs(bytes));
                return changeRows(result_, pairs,
                                  [&](const PanePair& pair, auto before, auto& after) {
                                      // The filter may have let go of the key.
                                      if (!before) return RowChange::kKeep;
                                      const V held = decoded(*before);
                                      const V leaving = decoded(pair.value);
                                      return put(pair.key,
                                                 std::invoke(window_.inverse, held, leaving),
                                                 after);
                                  });
            }));
            return panes_.removeBefore(end);
        }

        RowChange put(std::string_view key, const V& value, std::string& after) {
            core::ValueCodec<V>::encode(value, after);
            if constexpr (!std::is_same_v<Filter, KeepAll>)
                if (!keeps(key, value)) doubtful_.emplace(key);
            return RowChange::kPut;
        }

        bool keeps(std::string_view key, const V& value) {
            return std::invoke(window_.filter,
                               std::pair<K, V>(core::KeyCodec<K>::decode(key), value));
        }

        static V decoded(std::string_view bytes) { return valueFrom<V>(ValueKind::kBytes, bytes); }

        InverseWindow window_;
        const WindowTimes& times_;
        StateRange& result_;
        TimeRows panes_;
        // Keys for which the filter did not hold in between; what counts is where the slide ends.
        std::set<std::string> doubtful_;
    };
};

}  // namespace tidemill::state
