// A naive streaming engine to compare with: every stream is its whole history, and every batch is
// computed anew from plain vectors and maps.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tidemill/tidemill.h"

namespace tidemill::test {

// All streams hold these, so that operators can be put together at run time.
using Record = std::pair<std::string, std::int64_t>;
using Records = std::vector<Record>;
using Stream = DStream<Record>;

// Batches lie one tick, one second, apart; tick 0 is the zero time.
inline constexpr std::int64_t kTickMillis = 1000;

// A stream's batches, by tick; no entry: the stream has no batch then.
using History = std::map<std::int64_t, Records>;

// An operator with its parameters drawn.
struct Operator {
    std::string name;
    std::string shown;  // with parameters, for the report of a failure
    std::int64_t slide = 1;  // of what it makes, in ticks
    std::function<Stream(const std::vector<Stream>& parents)> build;
    std::function<History(const std::vector<History>& parents)> compute;
};

struct Draw {
    std::mt19937& random;
    std::int64_t parentSlide;
    std::vector<std::int64_t> ticks;  // of all batches that run
    std::map<std::string, long>& counts;

    std::int64_t number(std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>(least, most)(random);
    }
};

// Draws an operator's parameters.
struct OperatorKind {
    std::string name;
    std::size_t parents;
    std::function<Operator(Draw&)> draw;
};

std::vector<OperatorKind> narrowOperators();
std::vector<OperatorKind> keyedOperators();
std::vector<OperatorKind> windowOperators();
std::vector<OperatorKind> stateOperators();

// An operator that works batch by batch.
template <class Build, class Each>
Operator perBatch(const Draw& draw, Build build, Each each) {
    Operator made;
    made.slide = draw.parentSlide;
    made.build = [build](const std::vector<Stream>& parents) -> Stream { return build(parents[0]); };
    made.compute = [each](const std::vector<History>& parents) {
        History result;
        for (const auto& [tick, records] : parents[0]) result[tick] = each(records);
        return result;
    };
    return made;
}

// The same of two parents.
template <class Build, class Each>
Operator perTwoBatches(const Draw& draw, Build build, Each each) {
    Operator made;
    made.slide = draw.parentSlide;
    made.build = [build](const std::vector<Stream>& parents) -> Stream {
        return build(parents[0], parents[1]);
    };
    made.compute = [each](const std::vector<History>& parents) {
        History result;
        for (const auto& [tick, records] : parents[0])
            result[tick] = each(records, parents[1].at(tick));
        return result;
    };
    return made;
}

using Groups = std::map<std::string, std::vector<std::int64_t>>;
Groups grouped(const Records& records);
std::int64_t sumOf(const std::vector<std::int64_t>& values);

}  // namespace tidemill::test
