#include <optional>

#include "tests/differential/model.h"

namespace tidemill::test {
namespace {

struct Kept {
    std::int64_t value = 0;
    std::int64_t touched = 0;  // tick
};
using Table = std::map<std::string, Kept>;

// Goes through the batches with a table that each changes; change(table, groups, tick) gives the
// batch's elements.
template <class Build, class Change>
Operator stateful(const Draw& draw, Build build, Change change, Table initial = {},
                  bool ordered = true) {
    Operator made;
    made.slide = draw.parentSlide;
    made.ordered = ordered;
    made.build = [build](const std::vector<Stream>& parents) { return built(build, parents[0]); };
    made.compute = [change, initial](const std::vector<History>& parents) {
        Table table = initial;
        bool first = true;
        History result;
        for (const auto& [tick, records] : parents[0]) {
            if (first)
                for (auto& [key, kept] : table) kept.touched = tick;
            first = false;
            result[tick] = change(table, grouped(records), tick);
        }
        return result;
    };
    return made;
}

Records allOf(const Table& table) {
    Records all;
    for (const auto& [key, kept] : table) all.emplace_back(key, kept.value);
    return stored(all);
}

void removeIdle(Table& table, std::int64_t tick, std::int64_t idle) {
    std::erase_if(table, [&](const auto& entry) { return entry.second.touched < tick - idle; });
}

std::optional<std::int64_t> sum(std::span<const std::int64_t> values,
                                std::optional<std::int64_t> before) {
    std::int64_t all = before.value_or(0);
    for (const auto value : values) all += value;
    return all;
}

// A state that grows too large, or meets no record, goes.
std::optional<std::int64_t> bounded(std::span<const std::int64_t> values,
                                    std::optional<std::int64_t> before) {
    if (values.empty() && before && *before % 2 == 0) return std::nullopt;
    const auto all = sum(values, before);
    if (*all > 40) return std::nullopt;
    return all;
}

std::int64_t counted(std::string_view, std::optional<std::int64_t>, State<std::int64_t>& state) {
    state.update(state.getOption().value_or(0) + 1);
    return state.get();
}

// "key" counts up; a key that times out says so once.
Record describe(const std::string& key, std::optional<std::int64_t>, State<std::int64_t>& state) {
    if (state.isTimingOut()) return {key + " out", state.get()};
    state.update(state.getOption().value_or(0) + 1);
    return {key, state.get()};
}

}  // namespace

std::vector<OperatorKind> stateOperators() {
    std::vector<OperatorKind> kinds;
    kinds.push_back({"runningTotals", 1, [](Draw& draw) {
                         return stateful(
                             draw, [](const auto& s) { return s.runningTotals(); },
                             [](Table& table, const Groups& groups, std::int64_t) {
                                 Records touched;
                                 for (const auto& [key, values] : groups)
                                     touched.emplace_back(key, table[key].value += sumOf(values));
                                 return touched;
                             });
                     }});
    kinds.push_back({"runningTotals, all", 1, [](Draw& draw) {
                         return stateful(
                             draw, [](const auto& s) { return s.runningTotals().all(); },
                             [](Table& table, const Groups& groups, std::int64_t) {
                                 for (const auto& [key, values] : groups)
                                     table[key].value += sumOf(values);
                                 return allOf(table);
                             });
                     }});
    kinds.push_back({"runningTotals, ttl", 1, [](Draw& draw) {
                         const auto idle = draw.number(1, 4);
                         return stateful(
                             draw,
                             [idle](const auto& s) {
                                 return s.runningTotals().ttl(Duration(kTickMillis * idle)).all();
                             },
                             [idle](Table& table, const Groups& groups, std::int64_t tick) {
                                 for (const auto& [key, values] : groups) {
                                     table[key].value += sumOf(values);
                                     table[key].touched = tick;
                                 }
                                 removeIdle(table, tick, idle);
                                 return allOf(table);
                             });
                     }});
    kinds.push_back(
        {"updateStateByKey", 1, [](Draw& draw) {
             return stateful(
                 draw,
                 [](const auto& s) { return s.template updateStateByKey<std::int64_t>(bounded); },
                 [](Table& table, const Groups& groups, std::int64_t) {
                     for (const auto& [key, values] : groups) table.try_emplace(key, Kept{-1});
                     Table next;
                     for (const auto& [key, kept] : table) {
                         const bool isNew = kept.value == -1 && kept.touched == 0;
                         const auto after = bounded(
                             groups.of(key), isNew ? std::nullopt : std::optional(kept.value));
                         if (after) next[key] = {*after, 1};
                     }
                     table = next;
                     return allOf(table);
                 });
         }});
    kinds.push_back({"updateStateByKey, touched keys", 1, [](Draw& draw) {
                         const OfValues of = ofValues(draw);
                         return stateful(
                             draw,
                             [of](const auto& s) {
                                 return s.template updateStateByKey<std::int64_t>(
                                     [of](std::span<const std::int64_t> values,
                                          std::optional<std::int64_t> before) {
                                         return std::optional<std::int64_t>(
                                             before.value_or(0) % 1000003 * 7 +
                                             of({values.begin(), values.end()}));
                                     },
                                     Visit::kTouchedKeys);
                             },
                             [of](Table& table, const Groups& groups, std::int64_t) {
                                 Records touched;
                                 for (const auto& [key, values] : groups) {
                                     auto& kept = table[key].value;
                                     kept = kept % 1000003 * 7 + of(values);
                                     touched.emplace_back(key, kept);
                                 }
                                 return touched;
                             });
                     }});
    kinds.push_back(
        {"totals of two branches", 1, [](Draw& draw) {
             return stateful(
                 draw,
                 [](const auto& s) {
                     const auto change = [](std::int64_t v) { return v * 3; };
                     const auto totals = s.mapValues(change).unionWith(s).runningTotals();
                     return totals.mapValues(change).unionWith(totals.all());
                 },
                 [](Table& table, const Groups& groups, std::int64_t) {
                     Records seen;
                     for (const auto& [key, values] : groups)
                         seen.emplace_back(key, 3 * (table[key].value += 4 * sumOf(values)));
                     for (auto& total : allOf(table)) seen.push_back(std::move(total));
                     return seen;
                 });
         }});
    kinds.push_back({"updateStateByKey, initial state", 1, [](Draw& draw) {
                         return stateful(
                             draw,
                             [](const auto& s) {
                                 return s.template updateStateByKey<std::int64_t>(sum).initialState(
                                     {{"a", 5}, {"z", 7}});
                             },
                             [](Table& table, const Groups& groups, std::int64_t) {
                                 for (const auto& [key, values] : groups)
                                     table[key].value += sumOf(values);
                                 return allOf(table);
                             },
                             {{"a", {5}}, {"z", {7}}});
                     }});
    kinds.push_back(
        {"updateStateByKey, time", 1, [](Draw& draw) {
             return stateful(
                 draw,
                 [](const Owning& s) {
                     return s.updateStateByKey<std::int64_t>(
                         [](BatchTime time, const std::string& key,
                            std::span<const std::int64_t> values,
                            std::optional<std::int64_t> before) -> std::optional<std::int64_t> {
                             if (values.empty()) return before;
                             return toMillis(time) / kTickMillis * 100 +
                                    static_cast<std::int64_t>(key.size());
                         });
                 },
                 [](Table& table, const Groups& groups, std::int64_t tick) {
                     for (const auto& [key, values] : groups)
                         table[key].value = tick * 100 + static_cast<std::int64_t>(key.size());
                     return allOf(table);
                 });
         }});
    kinds.push_back({"mapWithState", 1, [](Draw& draw) {
                         return stateful(
                             draw,
                             [](const auto& s) {
                                 return s.template mapWithState<std::int64_t>(counted).map(
                                     [](std::int64_t n) { return Record("n", n); });
                             },
                             [](Table& table, const Groups& groups, std::int64_t) {
                                 Records made;
                                 for (const auto& [key, values] : groups)
                                     for (std::size_t i = 0; i < values.size(); ++i)
                                         made.emplace_back("n", ++table[key].value);
                                 return made;
                             });
                     }});
    kinds.push_back({"mapWithState, snapshots", 1, [](Draw& draw) {
                         return stateful(
                             draw,
                             [](const auto& s) {
                                 return s.template mapWithState<std::int64_t>(counted)
                                     .initialState({{"b", 100}})
                                     .stateSnapshots();
                             },
                             [](Table& table, const Groups& groups, std::int64_t) {
                                 for (const auto& [key, values] : groups)
                                     table[key].value += static_cast<std::int64_t>(values.size());
                                 return allOf(table);
                             },
                             {{"b", {100}}});
                     }});
    kinds.push_back({"mapWithState, timeout", 1, [](Draw& draw) {
                         const auto idle = draw.number(1, 4);
                         return stateful(
                             draw,
                             [idle](const Owning& s) {
                                 return s.mapWithState<std::int64_t>(describe).timeout(
                                     Duration(kTickMillis * idle));
                             },
                             [idle](Table& table, const Groups& groups, std::int64_t tick) {
                                 Records made;
                                 for (const auto& [key, values] : groups)
                                     for (std::size_t i = 0; i < values.size(); ++i) {
                                         auto& kept = table[key];
                                         kept.touched = tick;
                                         made.emplace_back(key, ++kept.value);
                                     }
                                 for (const auto& [key, kept] : table)
                                     if (kept.touched < tick - idle)
                                         made.emplace_back(key + " out", kept.value);
                                 removeIdle(table, tick, idle);
                                 return made;
                             },
                             {}, false);
                     }});
    return kinds;
}

}  // namespace tidemill::test
