// A naive streaming engine to compare with: every stream is its whole history, and every batch is
// computed anew from plain vectors and maps, in the order that the engine promises.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tidemill/tidemill.h"

namespace tidemill::test {

// Streams hold these, or views of them, so that operators can be put together at run time.
using Record = std::pair<std::string, std::int64_t>;
using Records = std::vector<Record>;
using View = std::pair<std::string_view, std::int64_t>;
using Owning = DStream<Record>;
using Viewing = DStream<View>;
using Stream = std::variant<Owning, Viewing>;

// Batches lie one tick, one second, apart; tick 0 is the zero time.
inline constexpr std::int64_t kTickMillis = 1000;

// A stream's batches, by tick; no entry: the stream has no batch then.
using History = std::map<std::int64_t, Records>;

// An operator with its parameters drawn.
struct Operator {
    std::string name;
    std::string description;  // with parameters, for the report of a failure
    std::int64_t slide = 1;   // of what it makes, in ticks
    // Of ordered streams it makes one whose elements come in the order of `compute`.
    bool ordered = true;
    std::function<Stream(const std::vector<Stream>& parents)> build;
    std::function<History(const std::vector<History>& parents)> compute;
};

struct Draw {
    std::mt19937& random;
    std::int64_t parentSlide;
    // What slides and lengths of windows are multiples of: the intervals of all lives divide it.
    std::int64_t grid;
    // Of the parents the order is known, so what depends on it can be compared.
    bool ordered;
    std::vector<std::int64_t> ticks;  // of all batches that run
    // Functions of steps without a name may change when a life has ended gracefully, since none of
    // its batches runs again: the version of each batch, and of the life that is being built.
    std::map<std::int64_t, int> versions;
    std::shared_ptr<const int> version;
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

inline Owning owning(const Owning& stream) { return stream; }
inline Owning owning(const Viewing& stream) {
    return stream.map([](const View& view) { return Record(view.first, view.second); });
}

// `build` of a stream: of views when it takes them.
template <class Build>
Stream built(Build& build, const Stream& parent) {
    return std::visit(
        [&](const auto& stream) -> Stream {
            if constexpr (std::invocable<Build&, decltype(stream)>) return build(stream);
            else return build(owning(stream));
        },
        parent);
}
template <class Build>
Stream built(Build& build, const Stream& first, const Stream& second) {
    return std::visit(
        [&]<class A, class B>(const A& a, const B& b) -> Stream {
            if constexpr (std::same_as<A, B>) return build(a, b);
            else return build(owning(a), owning(b));
        },
        first, second);
}

// An operator that works batch by batch. `build` takes a stream that owns (const Owning&), or one
// of either kind (const auto&).
template <class Build, class Each>
Operator perBatch(const Draw& draw, Build build, Each each) {
    Operator made;
    made.slide = draw.parentSlide;
    made.build = [build](const std::vector<Stream>& parents) { return built(build, parents[0]); };
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
    made.build = [build](const std::vector<Stream>& parents) {
        return built(build, parents[0], parents[1]);
    };
    made.compute = [each](const std::vector<History>& parents) {
        History result;
        for (const auto& [tick, records] : parents[0])
            result[tick] = each(records, parents[1].at(tick));
        return result;
    };
    return made;
}

using Values = std::vector<std::int64_t>;

// Keys with their values, as a shuffle gives them: key range by key range, in each the keys in the
// order in which they came first.
class Groups : public std::vector<std::pair<std::string, Values>> {
public:
    explicit Groups(const Records& records);
    // None: no values.
    const Values& of(const std::string& key) const;
    bool contains(const std::string& key) const { return places_.contains(key); }

private:
    std::map<std::string, std::size_t> places_;
};
inline Groups grouped(const Records& records) { return Groups(records); }

// In the order in which stored rows are seen: by key group and key.
Records stored(Records records);

std::int64_t sumOf(const Values& values);
std::int64_t sizeAndSum(const Values& values);
// Says also in which order they came; to be used when that is known.
std::int64_t inOrder(const Values& values);
using OfValues = std::int64_t (*)(const Values&);
inline OfValues ofValues(const Draw& draw) { return draw.ordered ? inOrder : sizeAndSum; }

}  // namespace tidemill::test
