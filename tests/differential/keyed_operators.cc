#include <algorithm>

#include "tests/differential/model.h"

namespace tidemill::test {
namespace {

constexpr std::int64_t kMissing = -1;

std::int64_t together(std::int64_t a, std::int64_t b) { return (a * 31 + b) % 1000003; }

// Every key of the two, as a shuffle of both gives them.
Groups together(Records a, const Records& b) {
    a.insert(a.end(), b.begin(), b.end());
    return grouped(a);
}

// What any join of `a` and `b` gives; sides that lack a key count when they are outer.
Records joined(const Records& a, const Records& b, bool leftOuter, bool rightOuter) {
    const auto left = grouped(a), right = grouped(b);
    Records made;
    for (const auto& [key, either] : together(a, b)) {
        // A right outer join goes through the values there first.
        if (rightOuter && !leftOuter) {
            for (const auto with : right.of(key)) {
                for (const auto value : left.of(key)) made.emplace_back(key, together(value, with));
                if (!left.contains(key)) made.emplace_back(key, together(kMissing, with));
            }
            continue;
        }
        for (const auto value : left.of(key)) {
            for (const auto with : right.of(key)) made.emplace_back(key, together(value, with));
            if (leftOuter && !right.contains(key))
                made.emplace_back(key, together(value, kMissing));
        }
        if (rightOuter && !left.contains(key))
            for (const auto with : right.of(key)) made.emplace_back(key, together(kMissing, with));
    }
    return made;
}

template <class T>
std::int64_t valueOf(const std::optional<T>& value) {
    return value.value_or(kMissing);
}
std::int64_t valueOf(std::int64_t value) { return value; }

const auto kTogether = [](const auto& both) {
    return std::pair(both.first, together(valueOf(both.second.first), valueOf(both.second.second)));
};

Records eachGroup(const Records& records, const std::function<std::int64_t(const Values&)>& f) {
    Records made;
    for (const auto& [key, values] : grouped(records)) made.emplace_back(key, f(values));
    return made;
}

}  // namespace

std::vector<OperatorKind> keyedOperators() {
    std::vector<OperatorKind> kinds;
    kinds.push_back(
        {"reduceByKey", 1, [](Draw& draw) {
             if (draw.number(0, 1) == 0)
                 return perBatch(
                     draw, [](const auto& s) { return s.reduceByKey(std::plus<std::int64_t>()); },
                     [](const Records& records) { return eachGroup(records, sumOf); });
             return perBatch(
                 draw,
                 [](const auto& s) {
                     return s.reduceByKey(
                         [](std::int64_t a, std::int64_t b) { return std::max(a, b); });
                 },
                 [](const Records& records) {
                     return eachGroup(records, [](const auto& values) {
                         return *std::max_element(values.begin(), values.end());
                     });
                 });
         }});
    kinds.push_back(
        {"groupByKey", 1, [](Draw& draw) {
             return perBatch(
                 draw,
                 [of = ofValues(draw)](const auto& s) { return s.groupByKey().mapValues(of); },
                 [of = ofValues(draw)](const Records& records) { return eachGroup(records, of); });
         }});
    kinds.push_back({"two branches of groupByKey", 1, [](Draw& draw) {
                         const OfValues of = ofValues(draw);
                         return perBatch(
                             draw,
                             [of](const auto& s) {
                                 const auto groups = s.groupByKey();
                                 return groups.mapValues(of).unionWith(groups.mapValues(sumOf));
                             },
                             [of](const Records& records) {
                                 auto made = eachGroup(records, of);
                                 for (auto& sum : eachGroup(records, sumOf))
                                     made.push_back(std::move(sum));
                                 return made;
                             });
                     }});
    kinds.push_back({"groupByKey of two branches", 1, [](Draw& draw) {
                         const OfValues of = ofValues(draw);
                         const auto change = [](std::int64_t v) { return v * 2 + 1; };
                         return perBatch(
                             draw,
                             [of, change](const auto& s) {
                                 return s.mapValues(change).unionWith(s).groupByKey().mapValues(of);
                             },
                             [of, change](const Records& records) {
                                 auto both = records;
                                 for (auto& r : both) r.second = change(r.second);
                                 both.insert(both.end(), records.begin(), records.end());
                                 return eachGroup(both, of);
                             });
                     }});
    kinds.push_back(
        {"join with itself", 1, [](Draw& draw) {
             return perBatch(
                 draw, [](const auto& s) { return s.join(s).map(kTogether); },
                 [](const Records& records) { return joined(records, records, false, false); });
         }});
    kinds.push_back(
        {"combineByKey", 1, [](Draw& draw) {
             using Pair = std::pair<std::int64_t, std::int64_t>;  // how many, sum
             return perBatch(
                 draw,
                 [](const auto& s) {
                     return s
                         .combineByKey(
                             [](std::int64_t v) { return Pair(1, v); },
                             [](Pair c, std::int64_t v) { return Pair(c.first + 1, c.second + v); },
                             [](Pair a, Pair b) {
                                 return Pair(a.first + b.first, a.second + b.second);
                             })
                         .mapValues([](Pair c) { return c.first * 1000 + c.second; });
                 },
                 [](const Records& records) { return eachGroup(records, sizeAndSum); });
         }});
    kinds.push_back({"partitionBy", 1, [](Draw& draw) {
                         return perBatch(
                             draw, [](const auto& s) { return s.partitionBy(); },
                             [](const Records& records) {
                                 Records made;
                                 for (const auto& [key, values] : grouped(records))
                                     for (const auto value : values) made.emplace_back(key, value);
                                 return made;
                             });
                     }});
    kinds.push_back(
        {"join", 2, [](Draw& draw) {
             return perTwoBatches(
                 draw, [](const auto& a, const auto& b) { return a.join(b).map(kTogether); },
                 [](const Records& a, const Records& b) { return joined(a, b, false, false); });
         }});
    kinds.push_back(
        {"leftOuterJoin", 2, [](Draw& draw) {
             return perTwoBatches(
                 draw,
                 [](const auto& a, const auto& b) { return a.leftOuterJoin(b).map(kTogether); },
                 [](const Records& a, const Records& b) { return joined(a, b, true, false); });
         }});
    kinds.push_back(
        {"rightOuterJoin", 2, [](Draw& draw) {
             return perTwoBatches(
                 draw,
                 [](const auto& a, const auto& b) { return a.rightOuterJoin(b).map(kTogether); },
                 [](const Records& a, const Records& b) { return joined(a, b, false, true); });
         }});
    kinds.push_back(
        {"fullOuterJoin", 2, [](Draw& draw) {
             return perTwoBatches(
                 draw,
                 [](const auto& a, const auto& b) { return a.fullOuterJoin(b).map(kTogether); },
                 [](const Records& a, const Records& b) { return joined(a, b, true, true); });
         }});
    kinds.push_back(
        {"cogroup", 2, [](Draw& draw) {
             const OfValues of = ofValues(draw);
             return perTwoBatches(
                 draw,
                 [of](const auto& a, const auto& b) {
                     const auto both = a.cogroup(b);
                     return both.map([of](const auto& group) {
                         return std::pair(group.first, together(of(group.second.first),
                                                                of(group.second.second)));
                     });
                 },
                 [of](const Records& a, const Records& b) {
                     const auto left = grouped(a), right = grouped(b);
                     Records made;
                     for (const auto& [key, either] : together(a, b))
                         made.emplace_back(key, together(of(left.of(key)), of(right.of(key))));
                     return made;
                 });
         }});
    kinds.push_back(
        {"two branches of cogroup", 2, [](Draw& draw) {
             return perTwoBatches(
                 draw,
                 [](const auto& a, const auto& b) {
                     const auto both = a.cogroup(b);
                     const auto sizes = both.mapValues([](const auto& values) {
                         return static_cast<std::int64_t>(values.first.size() * 100 +
                                                          values.second.size());
                     });
                     return sizes.unionWith(
                         both.mapValues([](const auto& values) { return sumOf(values.second); }));
                 },
                 [](const Records& a, const Records& b) {
                     const auto left = grouped(a), right = grouped(b);
                     Records made;
                     for (const auto& [key, either] : together(a, b))
                         made.emplace_back(key, left.of(key).size() * 100 + right.of(key).size());
                     for (const auto& [key, either] : together(a, b))
                         made.emplace_back(key, sumOf(right.of(key)));
                     return made;
                 });
         }});
    return kinds;
}

}  // namespace tidemill::test
