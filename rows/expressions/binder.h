// Gives the names and operators of a term their columns, functions and types.
#pragma once

#include <optional>
#include <string>

#include "core/error.h"
#include "rows/expressions/comparison.h"
#include "rows/expressions/interval.h"
#include "rows/expressions/node.h"
#include "rows/schema.h"
#include "rows/sql/syntax.h"

namespace tidemill::rows::expressions {

// A part of an expression while it is checked.
struct Bound {
    NodePtr node;  // of an interval null
    // A literal in quotes or null: it takes the type that its place wants, text when none does.
    bool isUntyped = false;
    std::optional<Interval> interval;  // a constant one
    bool isDifference = false;         // of two times: `node` is its microseconds
    std::size_t at = sql::kNowhere;
};

// Thread safety: externally synchronized.
class Binder {
public:
    // Both must outlive it.
    Binder(const Schema& schema, const sql::SqlText& sql) : schema_(schema), sql_(sql) {}

    // The whole expression: its type is one that a column can have.
    core::Result<NodePtr> expression(const sql::Term& term);

private:
    using R = core::Result<Bound>;
    using Term = sql::Term;

    R bind(const Term& term);
    core::Result<std::vector<Bound>> bindAll(const std::vector<Term>& terms);
    R column(const Term& term);
    R literal(const Term& term);
    R cast(const Term& term);
    R call(const Term& term);
    R logic(const Term& term);
    R test(const Term& term);
    R caseOf(const Term& term);
    R chosen(const Term& term);  // coalesce, greatest, least
    R in(const Term& term);
    R pattern(const Term& term);  // like, ilike
    R binary(const Term& term);
    R compared(const Term& term, Comparison comparison, Bound left, Bound right);
    R arithmetic(const Term& term, Bound left, Bound right);
    R timeArithmetic(const Term& term, const Bound& left, const Bound& right);
    R concatenated(const Term& term, Bound left, Bound right);
    R sign(const Term& term);
    R extract(const Term& term);
    R function(const Term& term);
    R functionOf(const Term& term, const std::string& name, std::vector<Bound> arguments);
    tl::unexpected<core::Error> unknownFunction(const Term& term);

    // Made the type: literals are read, ints become floats.
    core::Result<NodePtr> coerced(const Bound& bound, Type type, const std::string& place);
    core::Result<NodePtr> coercedBool(const Bound& bound, const std::string& place);
    // The type that all can be made; text when all are untyped.
    core::Result<Type> commonType(const std::vector<Bound>& all, const std::string& place,
                                  std::size_t at);
    core::Result<std::vector<NodePtr>> unified(const std::vector<Bound>& all,
                                               const std::string& place, std::size_t at);
    // Refuses intervals.
    core::Result<void> isValue(const Bound& bound);
    tl::unexpected<core::Error> fail(std::size_t at, const std::string& message) const {
        return sql_.fail(at, message);
    }
    Bound made(NodePtr node, const Term& term) const {
        return {std::move(node), false, {}, false, term.at};
    }

    const Schema& schema_;
    const sql::SqlText& sql_;
};

}  // namespace tidemill::rows::expressions
