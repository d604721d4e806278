#include "rows/sql/term_tree.h"

namespace tidemill::rows::sql {

bool isSame(const Term& a, const Term& b) {
    if (a.kind != b.kind || a.name != b.name || a.table != b.table || a.distinct != b.distinct ||
        a.star != b.star || a.arguments.size() != b.arguments.size())
        return false;
    for (std::size_t i = 0; i < a.arguments.size(); ++i)
        if (!isSame(a.arguments[i], b.arguments[i])) return false;
    return true;
}

void forEachColumn(const Term& term, const std::function<void(const Term&)>& f) {
    if (term.kind == Term::Kind::kColumn) f(term);
    for (const Term& argument : term.arguments) forEachColumn(argument, f);
}

Term columnTerm(std::string name, std::size_t at) {
    Term term;
    term.kind = Term::Kind::kColumn;
    term.name = std::move(name);
    term.at = at;
    return term;
}

std::string textOf(const Term& term) {
    switch (term.kind) {
        case Term::Kind::kStar: return "*";
        case Term::Kind::kNull: return "null";
        case Term::Kind::kText: return "'" + term.name + "'";
        case Term::Kind::kInt:
        case Term::Kind::kFloat:
        case Term::Kind::kBool: return term.name;
        case Term::Kind::kColumn:
            return term.table.empty() ? term.name : term.table + "." + term.name;
        case Term::Kind::kCast: return textOf(term.arguments[0]) + "::" + term.name;
        case Term::Kind::kCall: break;
    }
    std::string text =
        term.name + "(" + (term.distinct ? "distinct " : "") + (term.star ? "*" : "");
    for (std::size_t i = 0; i < term.arguments.size(); ++i)
        text += (i == 0 ? "" : ", ") + textOf(term.arguments[i]);
    return text + ")";
}

}  // namespace tidemill::rows::sql
