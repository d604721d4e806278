// Random queries, as they are written here and as PostgreSQL has them.
//
// What differs on purpose is written differently for PostgreSQL: null and NaN come last in both
// directions of an order, rows that are equal in it are ordered by the other results, a sum of ints
// is an int and a mean a float. No row makes an error: PostgreSQL would give no result at all.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "rows/type.h"

namespace tidemill::rows::test {

struct BothQueries {
    std::string kind;  // "group by"
    std::string mine;
    std::string theirs;  // each row in one text
    std::vector<Type> types;
};

// Over the streams r (i, j int; x float; s, t text; b bool) and q (i, k int; y float; s text).
class RandomQuery {
public:
    explicit RandomQuery(std::uint64_t seed) : random_(seed) {}
    BothQueries next();

private:
    struct Term {
        std::string mine, theirs;
        Type type;
    };
    using Terms = std::vector<Term>;

    std::size_t below(std::size_t count) { return random_() % count; }
    bool oneIn(std::size_t count) { return below(count) == 0; }
    template <class List>
    auto one(const List& list) {
        return list[below(std::size(list))];
    }

    Term column(Type type);
    Term value(Type type, int depth);
    std::string condition(int depth);
    Term aggregate();
    std::string from();
    std::string ordered(const Terms& results, const std::vector<std::string>& names,
                        std::string& theirs);

    std::mt19937_64 random_;
    bool isJoined_ = false;
};

}  // namespace tidemill::rows::test
