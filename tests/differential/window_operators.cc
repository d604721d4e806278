#include <algorithm>
#include <optional>
#include <set>

#include "tests/differential/model.h"

namespace tidemill::test {
namespace {

// A window in ticks.
struct Span {
    std::int64_t length;
    std::int64_t slide;

    Duration lengthTime() const { return Duration(kTickMillis * length); }
    Duration slideTime() const { return Duration(kTickMillis * slide); }
    std::string description() const { return std::to_string(length) + "/" + std::to_string(slide); }
};

Span drawSpan(Draw& draw) {
    const auto unit = std::max(draw.parentSlide, draw.grid);
    const Span span{unit * draw.number(1, 5), unit * draw.number(1, 3)};
    const char* form = span.length == span.slide       ? "tumbling"
                       : span.length < span.slide      ? "shorter than its slide"
                       : span.length % span.slide == 0 ? "sliding"
                                                       : "no multiple of its slide";
    ++draw.counts[std::string("window ") + form];
    return span;
}

// A window's batches: at each tick that runs and is a multiple of the slide, what `compute` makes
// of the records of the parent's batches in the window, oldest first.
template <class Compute>
History overWindows(const Span& span, const std::vector<std::int64_t>& ticks, const History& parent,
                    Compute compute) {
    History result;
    for (const auto tick : ticks) {
        if (tick % span.slide != 0) continue;
        Records all;
        for (const auto& [at, records] : parent)
            if (at > tick - span.length && at <= tick)
                all.insert(all.end(), records.begin(), records.end());
        result[tick] = compute(all, tick);
    }
    return result;
}

template <class Build, class Compute>
Operator windowed(Draw& draw, Build build, Compute compute, bool ordered = true) {
    const Span span = drawSpan(draw);
    Operator made;
    made.description = span.description();
    made.slide = span.slide;
    made.ordered = ordered;
    made.build = [build, span](const std::vector<Stream>& parents) {
        const auto ofSpan = [&]<class S>(
            const S& stream) requires std::invocable<const Build&, const S&, const Span&> {
            return build(stream, span);
        };
        return built(ofSpan, parents[0]);
    };
    made.compute = [compute, span, ticks = draw.ticks](const std::vector<History>& parents) {
        return overWindows(span, ticks, parents[0], [&](const Records& all, std::int64_t tick) {
            return compute(all, tick, span, ticks, parents[0]);
        });
    };
    return made;
}

using Ticks = std::vector<std::int64_t>;

// Keys that were in some window up to `tick`: a downtime may have made others too old for all.
std::set<std::string> seenBy(std::int64_t tick, const Span& span, const Ticks& ticks,
                             const History& parent) {
    std::set<std::string> keys;
    for (const auto& [at, records] : parent) {
        const auto slides = std::find_if(ticks.begin(), ticks.end(), [&, born = at](auto t) {
            return t >= born && t % span.slide == 0;
        });
        if (slides == ticks.end() || *slides > tick || at <= *slides - span.length) continue;
        for (const auto& r : records) keys.insert(r.first);
    }
    return keys;
}

std::int64_t positive(std::int64_t value) { return (value < 0 ? -value : value) % 50 + 1; }
std::int64_t largest(std::int64_t a, std::int64_t b) { return std::max(a, b); }
Record smallest(const Record& a, const Record& b) {
    return {std::min(a.first, b.first), std::max(a.second, b.second)};
}
const auto kPlus = std::plus<std::int64_t>();
const auto kMinus = std::minus<std::int64_t>();

}  // namespace

std::vector<OperatorKind> windowOperators() {
    std::vector<OperatorKind> kinds;
    kinds.push_back({"window", 1, [](Draw& draw) {
                         return windowed(
                             draw,
                             [](const auto& s, const Span& w) {
                                 return s.window(w.lengthTime(), w.slideTime());
                             },
                             [](const Records& all, auto&&...) { return all; }, false);
                     }});
    kinds.push_back(
        {"reduceByKeyAndWindow", 1, [](Draw& draw) {
             return windowed(
                 draw,
                 [](const auto& s, const Span& w) {
                     return s.reduceByKeyAndWindow(largest, w.lengthTime(), w.slideTime());
                 },
                 [](const Records& all, auto&&...) {
                     Records made;
                     for (const auto& [key, values] : grouped(all))
                         made.emplace_back(key, *std::max_element(values.begin(), values.end()));
                     return stored(made);
                 });
         }});
    kinds.push_back({"reduceByKeyAndWindow, inverse", 1, [](Draw& draw) {
                         return windowed(
                             draw,
                             [](const auto& s, const Span& w) {
                                 return s.reduceByKeyAndWindow(kPlus, kMinus, w.lengthTime(),
                                                               w.slideTime());
                             },
                             [](const Records& all, std::int64_t tick, const Span& w,
                                const Ticks& ticks, const History& parent) {
                                 const auto groups = grouped(all);
                                 Records made;
                                 for (const auto& key : seenBy(tick, w, ticks, parent))
                                     made.emplace_back(key, sumOf(groups.of(key)));
                                 return stored(made);
                             });
                     }});
    kinds.push_back({"reduceByKeyAndWindow, inverse and filter", 1, [](Draw& draw) {
                         return windowed(
                             draw,
                             [](const auto& s, const Span& w) {
                                 return s.mapValues(positive).reduceByKeyAndWindow(
                                     kPlus, kMinus, w.lengthTime(), w.slideTime(),
                                     [](const auto& r) { return r.second != 0; });
                             },
                             [](const Records& all, auto&&...) {
                                 std::map<std::string, std::int64_t> sums;
                                 for (const auto& r : all) sums[r.first] += positive(r.second);
                                 return stored(Records(sums.begin(), sums.end()));
                             });
                     }});
    kinds.push_back(
        {"groupByKeyAndWindow", 1, [](Draw& draw) {
             const OfValues of = ofValues(draw);
             return windowed(
                 draw,
                 [of](const auto& s, const Span& w) {
                     return s.groupByKeyAndWindow(w.lengthTime(), w.slideTime()).mapValues(of);
                 },
                 [of](const Records& all, auto&&...) {
                     Records made;
                     for (const auto& [key, values] : grouped(all))
                         made.emplace_back(key, of(values));
                     return stored(made);
                 });
         }});
    kinds.push_back({"two branches of a window", 1, [](Draw& draw) {
                         return windowed(
                             draw,
                             [](const auto& s, const Span& w) {
                                 const auto window = s.window(w.lengthTime(), w.slideTime());
                                 return window.mapValues(positive).unionWith(window);
                             },
                             [](Records all, auto&&...) {
                                 const auto once = all;
                                 for (auto& r : all) r.second = positive(r.second);
                                 all.insert(all.end(), once.begin(), once.end());
                                 return all;
                             },
                             false);
                     }});
    kinds.push_back({"reduceByWindow", 1, [](Draw& draw) {
                         return windowed(
                             draw,
                             [](const Owning& s, const Span& w) {
                                 return s.reduceByWindow(smallest, w.lengthTime(), w.slideTime());
                             },
                             [](const Records& all, auto&&...) {
                                 Records made;
                                 for (const auto& r : all)
                                     if (made.empty()) made.push_back(r);
                                     else made[0] = smallest(made[0], r);
                                 return made;
                             });
                     }});
    kinds.push_back(
        {"countByWindow", 1, [](Draw& draw) {
             return windowed(
                 draw,
                 [](const auto& s, const Span& w) {
                     return s.countByWindow(w.lengthTime(), w.slideTime()).map([](std::int64_t n) {
                         return Record("n", n);
                     });
                 },
                 [](const Records& all, std::int64_t tick, const Span& w, const Ticks& ticks,
                    const History& parent) {
                     if (seenBy(tick, w, ticks, parent).empty()) return Records();
                     return Records{{"n", static_cast<std::int64_t>(all.size())}};
                 });
         }});
    kinds.push_back({"countByValueAndWindow", 1, [](Draw& draw) {
                         return windowed(
                             draw,
                             [](const auto& s, const Span& w) {
                                 return s.map([](const auto& r) { return r.first; })
                                     .countByValueAndWindow(w.lengthTime(), w.slideTime());
                             },
                             [](const Records& all, auto&&...) {
                                 std::map<std::string, std::int64_t> counts;
                                 for (const auto& r : all) ++counts[r.first];
                                 return stored(Records(counts.begin(), counts.end()));
                             });
                     }});
    return kinds;
}

}  // namespace tidemill::test
