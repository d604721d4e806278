#include <algorithm>

#include "tests/differential/model.h"

namespace tidemill::test {

namespace {

Record rotated(const Record& record, std::int64_t by) {
    return {record.second % 2 == 0 ? record.first : record.first + "'", record.second + by};
}

Record smallest(const Record& a, const Record& b) {
    return {std::min(a.first, b.first), a.second + b.second};
}

std::string withValue(const Record& record) {
    return record.first + "#" + std::to_string(record.second);
}

}  // namespace

std::vector<OperatorKind> narrowOperators() {
    std::vector<OperatorKind> kinds;
    kinds.push_back({"map", 1, [](Draw& draw) {
                         const auto by = draw.number(-3, 3);
                         return perBatch(
                             draw,
                             [by](const Owning& s) {
                                 return s.map([by](const Record& r) { return rotated(r, by); });
                             },
                             [by](const Records& records) {
                                 Records made;
                                 for (const auto& r : records) made.push_back(rotated(r, by));
                                 return made;
                             });
                     }});
    kinds.push_back({"filter", 1, [](Draw& draw) {
                         const auto rest = draw.number(0, 2);
                         const auto keep = [rest](const auto& r) {
                             return (r.second % 3 + 3) % 3 != rest;
                         };
                         return perBatch(
                             draw, [keep](const auto& s) { return s.filter(keep); },
                             [keep](Records records) {
                                 std::erase_if(records, [&](const Record& r) { return !keep(r); });
                                 return records;
                             });
                     }});
    kinds.push_back({"flatMap", 1, [](Draw& draw) {
                         return perBatch(
                             draw,
                             [](const Owning& s) {
                                 return s.flatMap<Record>([](const Record& r, Emit<Record>& emit) {
                                     for (std::int64_t i = 0; i < (r.second % 3 + 3) % 3; ++i)
                                         emit(Record(r.first, i));
                                 });
                             },
                             [](const Records& records) {
                                 Records made;
                                 for (const auto& r : records)
                                     for (std::int64_t i = 0; i < (r.second % 3 + 3) % 3; ++i)
                                         made.emplace_back(r.first, i);
                                 return made;
                             });
                     }});
    kinds.push_back({"flatMap to stored views", 1, [](Draw& draw) {
                         return perBatch(
                             draw,
                             [](const Owning& s) {
                                 return s.flatMap<View>([](const Record& r, Emit<View>& emit) {
                                     if (r.second % 5 != 0)
                                         emit(View(emit.store(r.first), r.second));
                                 });
                             },
                             [](Records records) {
                                 std::erase_if(records,
                                               [](const Record& r) { return r.second % 5 == 0; });
                                 return records;
                             });
                     }});
    kinds.push_back(
        {"flatMap of a range", 1, [](Draw& draw) {
             return perBatch(
                 draw,
                 [](const Owning& s) {
                     return s.flatMap([](const Record& r) { return Records{r, {"x", r.second}}; });
                 },
                 [](const Records& records) {
                     Records made;
                     for (const auto& r : records) {
                         made.push_back(r);
                         made.emplace_back("x", r.second);
                     }
                     return made;
                 });
         }});
    kinds.push_back({"mapValues", 1, [](Draw& draw) {
                         return perBatch(
                             draw,
                             [](const auto& s) {
                                 return s.mapValues([](std::int64_t v) { return v % 100 + 10; });
                             },
                             [](Records records) {
                                 for (auto& r : records) r.second = r.second % 100 + 10;
                                 return records;
                             });
                     }});
    kinds.push_back({"mapValues, changed between lives", 1, [](Draw& draw) {
                         Operator made;
                         made.slide = draw.parentSlide;
                         made.build = [version = draw.version](const std::vector<Stream>& parents) {
                             const auto build = [by = *version](const auto& s) {
                                 return s.mapValues([by](std::int64_t v) { return v + by; });
                             };
                             return built(build, parents[0]);
                         };
                         made.compute = [versions =
                                             draw.versions](const std::vector<History>& parents) {
                             History result = parents[0];
                             for (auto& [tick, records] : result)
                                 for (auto& r : records) r.second += versions.at(tick);
                             return result;
                         };
                         return made;
                     }});
    kinds.push_back({"flatMapValues", 1, [](Draw& draw) {
                         return perBatch(
                             draw,
                             [](const auto& s) {
                                 return s.flatMapValues([](std::int64_t v) {
                                     return std::vector<std::int64_t>{v, v + 10};
                                 });
                             },
                             [](const Records& records) {
                                 Records made;
                                 for (const auto& r : records) {
                                     made.push_back(r);
                                     made.emplace_back(r.first, r.second + 10);
                                 }
                                 return made;
                             });
                     }});
    kinds.push_back({"mapPartitions", 1, [](Draw& draw) {
                         return perBatch(
                             draw,
                             [](const Owning& s) {
                                 return s.mapPartitions([](std::span<Record> part) {
                                     Records made;
                                     for (const auto& r : part)
                                         if (r.second > 0) made.emplace_back(r.first, -r.second);
                                     return made;
                                 });
                             },
                             [](const Records& records) {
                                 Records made;
                                 for (const auto& r : records)
                                     if (r.second > 0) made.emplace_back(r.first, -r.second);
                                 return made;
                             });
                     }});
    kinds.push_back({"glom", 1, [](Draw& draw) {
                         return perBatch(
                             draw,
                             [](const Owning& s) {
                                 return s.glom().flatMap([](const Records& part) { return part; });
                             },
                             [](const Records& records) { return records; });
                     }});
    kinds.push_back({"repartition", 1, [](Draw& draw) {
                         const auto into = static_cast<std::uint32_t>(draw.number(1, 24));
                         return perBatch(
                             draw, [into](const auto& s) { return s.repartition(into); },
                             [](const Records& records) { return records; });
                     }});
    kinds.push_back({"persist", 1, [](Draw& draw) {
                         return perBatch(
                             draw, [](const auto& s) { return s.persist(); },
                             [](const Records& records) { return records; });
                     }});
    kinds.push_back({"reduce", 1, [](Draw& draw) {
                         return perBatch(
                             draw, [](const Owning& s) { return s.reduce(smallest); },
                             [](const Records& records) {
                                 Records made;
                                 for (const auto& r : records)
                                     if (made.empty()) made.push_back(r);
                                     else made[0] = smallest(made[0], r);
                                 return made;
                             });
                     }});
    kinds.push_back({"reduce to the first and the last", 1, [](Draw& draw) {
                         if (!draw.ordered) {
                             return perBatch(
                                 draw, [](const Owning& s) { return s.reduce(smallest); },
                                 [](const Records& records) {
                                     Records made;
                                     for (const auto& r : records)
                                         if (made.empty()) made.push_back(r);
                                         else made[0] = smallest(made[0], r);
                                     return made;
                                 });
                         }
                         return perBatch(
                             draw,
                             [](const auto& s) {
                                 return s.reduce([](const auto& a, const auto& b) {
                                     return std::decay_t<decltype(a)>(a.first, b.second);
                                 });
                             },
                             [](const Records& records) {
                                 if (records.empty()) return Records();
                                 return Records{{records.front().first, records.back().second}};
                             });
                     }});
    kinds.push_back({"count", 1, [](Draw& draw) {
                         return perBatch(
                             draw,
                             [](const Owning& s) {
                                 return s.count().map([](auto n) {
                                     return Record("n", static_cast<std::int64_t>(n));
                                 });
                             },
                             [](const Records& records) {
                                 return Records{{"n", static_cast<std::int64_t>(records.size())}};
                             });
                     }});
    kinds.push_back(
        {"countByValue", 1, [](Draw& draw) {
             return perBatch(
                 draw,
                 [](const Owning& s) {
                     return s.map(withValue).countByValue().map([](const auto& counted) {
                         return Record(counted.first, static_cast<std::int64_t>(counted.second));
                     });
                 },
                 [](const Records& records) {
                     Records texts, made;
                     for (const auto& r : records) texts.emplace_back(withValue(r), 1);
                     for (const auto& [text, ones] : grouped(texts))
                         made.emplace_back(text, ones.size());
                     return made;
                 });
         }});
    kinds.push_back({"transform", 1, [](Draw& draw) {
                         const auto aboveMean = [](const auto& records) {
                             std::int64_t sum = 0;
                             for (const auto& r : records) sum += r.second;
                             std::decay_t<decltype(records)> made;
                             for (const auto& r : records)
                                 if (r.second * static_cast<std::int64_t>(records.size()) >= sum)
                                     made.push_back(r);
                             return made;
                         };
                         return perBatch(
                             draw,
                             [aboveMean](const auto& s) {
                                 return s.transform([aboveMean](const auto& batch) {
                                     return aboveMean(batch.collect());
                                 });
                             },
                             aboveMean);
                     }});
    kinds.push_back({"unionWith", 2, [](Draw& draw) {
                         return perTwoBatches(
                             draw, [](const auto& a, const auto& b) { return a.unionWith(b); },
                             [](Records a, const Records& b) {
                                 a.insert(a.end(), b.begin(), b.end());
                                 return a;
                             });
                     }});
    kinds.push_back(
        {"transformWith", 2, [](Draw& draw) {
             return perTwoBatches(
                 draw,
                 [](const auto& a, const auto& b) {
                     return a.transformWith(b, [](const auto& left, const auto& right) {
                         return Records{{"both", static_cast<std::int64_t>(1000 * left.count() +
                                                                           right.count())}};
                     });
                 },
                 [](const Records& a, const Records& b) {
                     return Records{
                         {"both", static_cast<std::int64_t>(1000 * a.size() + b.size())}};
                 });
         }});
    return kinds;
}

}  // namespace tidemill::test
