// Walks over terms.
#pragma once

#include <functional>
#include <string>

#include "rows/sql/syntax.h"

namespace tidemill::rows::sql {

// Wherever they are written.
bool isSame(const Term& a, const Term& b);

// Calls f(column) for each column in it.
void forEachColumn(const Term& term, const std::function<void(const Term&)>& f);

Term columnTerm(std::string name, std::size_t at);

// "count(distinct path)": for messages and for names.
std::string textOf(const Term& term);

}  // namespace tidemill::rows::sql
