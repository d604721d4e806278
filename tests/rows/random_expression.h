// Random expressions, as they are written here and as PostgreSQL has them.
//
// What differs on purpose is written differently for PostgreSQL: an int has 64 bits here, and a
// number with a point is a float. Constants are variables there, or it would compute with them
// before a row is looked at, also where a case does not choose them.
#pragma once

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "rows/type.h"

namespace tidemill::rows::test {

struct BothTexts {
    std::string mine;
    std::string theirs;
};

// Columns: i, j int; x, y float; s, t, u text (u of numbers, mostly); b, c bool; w, v time; d json.
class RandomExpression {
public:
    explicit RandomExpression(std::uint64_t seed) : random_(seed) {}

    BothTexts of(Type type, int depth);

    // Of PL/pgSQL: "k1 int8 := 5;" for the constants of all expressions so far; forgets them.
    std::string takeVariables();

private:
    using Two = BothTexts;
    std::size_t below(std::size_t count) { return random_() % count; }
    template <class List>
    auto one(const List& list) {
        return *(std::begin(list) + static_cast<std::ptrdiff_t>(below(std::size(list))));
    }
    Two constant(Type type);
    Two variable(const std::string& mine, const std::string& type, const std::string& value);
    Two column(Type type);
    Two intOf(int depth);
    Two floatOf(int depth);
    Two boolOf(int depth);
    Two textOf(int depth);
    Two timeOf(int depth);
    Two jsonOf(int depth);
    Two chosen(Type type, int depth);
    Two smallInt(int depth);
    Two shortFloat(int depth);
    Two pattern();

    std::mt19937_64 random_;
    std::vector<std::string> variables_;
};

}  // namespace tidemill::rows::test
