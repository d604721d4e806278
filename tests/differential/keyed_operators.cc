#include <algorithm>

#include "tests/differential/model.h"

namespace tidemill::test {
namespace {

constexpr std::int64_t kMissing = -1;

std::int64_t together(std::int64_t a, std::int64_t b) { return a * 31 + b; }

// What any join of `a` and `b` gives; sides that lack a key count when they are outer.
Records joined(const Records& a, const Records& b, bool leftOuter, bool rightOuter) {
    const auto left = grouped(a), right = grouped(b);
    Records made;
    for (const auto& [key, values] : left)
        for (const auto value : values) {
            const auto other = right.find(key);
            if (other == right.end()) {
                if (leftOuter) made.emplace_back(key, together(value, kMissing));
                continue;
            }
            for (const auto with : other->second) made.emplace_back(key, together(value, with));
        }
    if (rightOuter)
        for (const auto& [key, values] : right)
            if (!left.contains(key))
                for (const auto value : values)
                    made.emplace_back(key, together(kMissing, value));
    return made;
}

template <class T>
std::int64_t valueOf(const std::optional<T>& value) {
    return value.value_or(kMissing);
}
std::int64_t valueOf(std::int64_t value) { return value; }

const auto kTogether = [](const auto& both) {
    return Record(both.first, together(valueOf(both.second.first), valueOf(both.second.second)));
};

Records eachGroup(const Records& records,
                  const std::function<std::int64_t(const std::vector<std::int64_t>&)>& f) {
    Records made;
    for (const auto& [key, values] : grouped(records)) made.emplace_back(key, f(values));
    return made;
}

std::int64_t sizeAndSum(const std::vector<std::int64_t>& values) {
    return static_cast<std::int64_t>(values.size()) * 1000 + sumOf(values);
}

}  // namespace

std::vector<OperatorKind> keyedOperators() {
    std::vector<OperatorKind> kinds;
    kinds.push_back({"reduceByKey", 1, [](Draw& draw) {
        if (draw.number(0, 1) == 0)
            return perBatch(draw,
                            [](const Stream& s) { return s.reduceByKey(std::plus<std::int64_t>()); },
                            [](const Records& records) { return eachGroup(records, sumOf); });
        return perBatch(draw,
                        [](const Stream& s) {
                            return s.reduceByKey(
                                [](std::int64_t a, std::int64_t b) { return std::max(a, b); });
                        },
                        [](const Records& records) {
                            return eachGroup(records, [](const auto& values) {
                                return *std::max_element(values.begin(), values.end());
                            });
                        });
    }});
    kinds.push_back({"groupByKey", 1, [](Draw& draw) {
        return perBatch(draw,
                        [](const Stream& s) { return s.groupByKey().mapValues(sizeAndSum); },
                        [](const Records& records) { return eachGroup(records, sizeAndSum); });
    }});
    kinds.push_back({"combineByKey", 1, [](Draw& draw) {
        using Pair = std::pair<std::int64_t, std::int64_t>;  // how many, sum
        return perBatch(
            draw,
            [](const Stream& s) {
                return s
                    .combineByKey([](std::int64_t v) { return Pair(1, v); },
                                  [](Pair c, std::int64_t v) { return Pair(c.first + 1, c.second + v); },
                                  [](Pair a, Pair b) {
                                      return Pair(a.first + b.first, a.second + b.second);
                                  })
                    .mapValues([](Pair c) { return c.first * 1000 + c.second; });
            },
            [](const Records& records) { return eachGroup(records, sizeAndSum); });
    }});
    kinds.push_back({"partitionBy", 1, [](Draw& draw) {
        return perBatch(draw, [](const Stream& s) { return s.partitionBy(); },
                        [](const Records& records) { return records; });
    }});
    kinds.push_back({"join", 2, [](Draw& draw) {
        return perTwoBatches(
            draw, [](const Stream& a, const Stream& b) { return a.join(b).map(kTogether); },
            [](const Records& a, const Records& b) { return joined(a, b, false, false); });
    }});
    kinds.push_back({"leftOuterJoin", 2, [](Draw& draw) {
        return perTwoBatches(
            draw, [](const Stream& a, const Stream& b) { return a.leftOuterJoin(b).map(kTogether); },
            [](const Records& a, const Records& b) { return joined(a, b, true, false); });
    }});
    kinds.push_back({"rightOuterJoin", 2, [](Draw& draw) {
        return perTwoBatches(
            draw,
            [](const Stream& a, const Stream& b) { return a.rightOuterJoin(b).map(kTogether); },
            [](const Records& a, const Records& b) { return joined(a, b, false, true); });
    }});
    kinds.push_back({"fullOuterJoin", 2, [](Draw& draw) {
        return perTwoBatches(
            draw, [](const Stream& a, const Stream& b) { return a.fullOuterJoin(b).map(kTogether); },
            [](const Records& a, const Records& b) { return joined(a, b, true, true); });
    }});
    kinds.push_back({"cogroup", 2, [](Draw& draw) {
        return perTwoBatches(
            draw,
            [](const Stream& a, const Stream& b) {
                return a.cogroup(b).map([](const auto& both) {
                    return Record(both.first, together(sizeAndSum(both.second.first),
                                                       sizeAndSum(both.second.second)));
                });
            },
            [](const Records& a, const Records& b) {
                auto left = grouped(a), right = grouped(b);
                Records made;
                for (const auto& [key, values] : right) left[key];
                for (const auto& [key, values] : left)
                    made.emplace_back(key, together(sizeAndSum(values), sizeAndSum(right[key])));
                return made;
            });
    }});
    return kinds;
}

}  // namespace tidemill::test
