// Windows of a function with an inverse: what enters is reduced into the result, what leaves is
// taken out of it.
#pragma once

#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "state/operators/keyed_window.h"

namespace tidemill::state {

// `inverse` takes from a reduced value what `function` reduced into it. A key is forgotten when no
// pane of the window holds it and `filter` does not hold for what is left of it; the view of the
// result hides the others for which it does not hold.
template <class K, class V, class F, class Inverse, class Filter = KeepAll>
struct InverseWindow {
    F function;
    Inverse inverse;
    Filter filter;

    core::FunctionIdentity identity() const { return core::identityOf(function, inverse, filter); }

    static constexpr const char* kForm = "inverse";
    static constexpr const char* kRows = "panes_value";
    static constexpr bool kStoresPanes = true;
    using Entry = PaneEntry<V>;

    V reduced(const V& held, const V& entering) const {
        return std::invoke(function, held, entering);
    }

    // A row of the result: in how many panes of the window the key is (u32), and the value.
    struct Row {
        std::uint32_t panes;
        std::string_view value;

        explicit Row(std::string_view bytes) : panes(0) {
            if (bytes.size() < sizeof panes)
                throw core::TaskFailure(core::Error{core::ErrorKind::kCorrupt,
                                                    "a stored result of a window does not parse"});
            std::memcpy(&panes, bytes.data(), sizeof panes);
            value = bytes.substr(sizeof panes);
        }
        static void encode(std::uint32_t panes, const V& value, std::string& into) {
            into.append(reinterpret_cast<const char*>(&panes), sizeof panes);
            core::ValueCodec<V>::encode(value, into);
        }
    };

    // What a row comes to.
    struct Value {
        V operator()(ValueKind, std::string_view bytes) const { return decoded(Row(bytes).value); }
    };

    class Range {
    public:
        Range(const InverseWindow& window, const WindowTimes& times, StateRange& result,
              StateRange& panes)
            : window_(window), times_(times), result_(result), panes_(panes) {}

        core::Result<> leave(std::uint64_t last) {
            const auto end = times_.leftBy(last) + 1;
            if (end == 1) return {};
            TM_TRY(
                panes_.visit(0, end, [&](std::uint64_t, std::string_view bytes) -> core::Result<> {
                    TM_ASSIGN(const auto entries, readPaneEntries<V>(bytes));
                    return changeRows(
                        result_, std::span(entries),
                        [&](const Entry& leaving, auto before, auto& after) {
                            if (!before) return RowChange::kKeep;
                            const Row row(*before);
                            Row::encode(
                                row.panes - 1,
                                std::invoke(window_.inverse, decoded(row.value), leaving.value),
                                after);
                            if (isGone(leaving.key, Row(after))) gone_.emplace(leaving.key);
                            return RowChange::kPut;
                        });
                }));
            return panes_.removeBefore(end);
        }

        core::Result<> enter(std::uint64_t pane, std::uint32_t number,
                             std::span<const Entry> entries, std::string_view bytes) {
            TM_TRY(panes_.put(pane, bytes, number));
            return changeRows(
                result_, entries, [&](const Entry& entering, auto before, auto& after) {
                    if (!before) {
                        Row::encode(1, entering.value, after);
                    } else {
                        const Row row(*before);
                        Row::encode(row.panes + 1,
                                    window_.reduced(decoded(row.value), entering.value), after);
                    }
                    return RowChange::kPut;
                });
        }

        core::Result<> slid() {
            std::vector<PanePair> gone;
            for (const auto& key : gone_) gone.push_back({key, {}});
            TM_TRY(changeRows(result_, std::span<const PanePair>(gone),
                              [&](const PanePair& pair, auto before, auto&) {
                                  return before && isGone(pair.key, Row(*before))
                                             ? RowChange::kRemove
                                             : RowChange::kKeep;
                              }));
            gone_.clear();
            return {};
        }

    private:
        bool isGone(std::string_view key, const Row& row) {
            if constexpr (std::is_same_v<Filter, KeepAll>) return false;
            return row.panes == 0 &&
                   !std::invoke(window_.filter, std::pair<K, V>(core::KeyCodec<K>::decode(key),
                                                                decoded(row.value)));
        }

        InverseWindow window_;
        const WindowTimes& times_;
        StateRange& result_;
        TimeRows panes_;
        // Keys whose last pane has left; they may come again before the slide ends.
        std::set<std::string> gone_;
    };

private:
    static V decoded(std::string_view bytes) { return valueFrom<V>(ValueKind::kBytes, bytes); }
};

}  // namespace tidemill::state
