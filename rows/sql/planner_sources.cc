// Streams, joins, and which stream a column's name means.
#include "core/suggestion.h"
#include "rows/sql/bind.h"
#include "rows/sql/planner.h"
#include "rows/sql/term_tree.h"

namespace tidemill::rows::sql {

using core::Result;

namespace {

// The parts of "a and b and c".
void addParts(const Term& term, std::vector<Term>& parts) {
    if (term.kind == Term::Kind::kCall && term.name == "and") {
        for (const Term& argument : term.arguments) addParts(argument, parts);
    } else {
        parts.push_back(term);
    }
}

// Over the columns of the stream alone.
Term withoutPrefix(Term term, const std::string& prefix) {
    if (term.kind == Term::Kind::kColumn) term.name = term.name.substr(prefix.size());
    for (Term& argument : term.arguments) argument = withoutPrefix(std::move(argument), prefix);
    return term;
}

Term asFloat(const Term& term) {
    Term cast = callOf("float", term.at, {term});
    cast.kind = Term::Kind::kCast;
    return cast;
}

JoinStep::Kind kindOf(Stream::Join join) {
    switch (join) {
        case Stream::Join::kLeft: return JoinStep::Kind::kLeft;
        case Stream::Join::kRight: return JoinStep::Kind::kRight;
        case Stream::Join::kFull: return JoinStep::Kind::kFull;
        case Stream::Join::kNone:
        case Stream::Join::kInner: break;
    }
    return JoinStep::Kind::kInner;
}

}  // namespace

Result<void> Planner::findSources() {
    std::vector<std::string> known;
    for (const auto& [name, schema] : streams_) known.push_back(name);
    for (const Stream& stream : select_.streams) {
        const auto found = streams_.find(stream.name);
        if (found == streams_.end())
            return fail(stream.at, "there is no stream \"" + stream.name + "\"" +
                                       core::suggestion(stream.name, known));
        for (const Source& source : sources_)
            if (source.stream->alias == stream.alias)
                return fail(stream.at, "two streams are named \"" + stream.alias + "\": write " +
                                           stream.name + " as NAME");
        sources_.push_back(
            {&stream, &found->second, select_.streams.size() > 1 ? stream.alias + "." : ""});
    }
    for (std::size_t i = 1; i < sources_.size(); ++i)
        for (const std::string& name : sources_[i].stream->usingColumns) {
            std::vector<Term> both;
            if (const auto merged = merged_.find(name); merged != merged_.end()) {
                both.push_back(merged->second);
            } else {
                const std::size_t at = sources_[i].stream->at;
                TM_ASSIGN(Term left, resolvedColumn(columnTerm(name, at), i));
                both.push_back(std::move(left));
            }
            both.push_back(columnTerm(sources_[i].prefix + name, sources_[i].stream->at));
            merged_[name] = callOf("coalesce", sources_[i].stream->at, std::move(both));
        }
    return {};
}

Result<Term> Planner::resolvedColumn(const Term& term, std::size_t known) const {
    const Source* found = nullptr;
    std::vector<std::string> names, aliases;
    bool hasStream = false;
    for (std::size_t i = 0; i < known; ++i) {
        const Source& source = sources_[i];
        aliases.push_back(source.stream->alias);
        if (!term.table.empty() && source.stream->alias != term.table) continue;
        hasStream = true;
        for (const auto& column : source.schema->columns()) names.push_back(column.name);
        if (!source.schema->find(term.name)) continue;
        if (found != nullptr)
            return fail(term.at, "\"" + term.name + "\" is in several streams: write " +
                                     found->stream->alias + "." + term.name + " or " +
                                     source.stream->alias + "." + term.name);
        found = &source;
    }
    if (!hasStream)
        return fail(term.at, "there is no stream \"" + term.table + "\" here" +
                                 core::suggestion(term.table, aliases));
    if (found == nullptr) {
        if (sources_.size() == 1) {  // the binder has more to say about names
            TM_TRY(expressionOf(columnTerm(term.name, term.at), *sources_[0].schema, sql_.text()));
        }
        return fail(term.at, "there is no field \"" + term.name + "\" here" +
                                 core::suggestion(term.name, names));
    }
    return columnTerm(found->prefix + term.name, term.at);
}

Result<Term> Planner::resolved(const Term& term, std::size_t known) const {
    if (term.kind == Term::Kind::kColumn) {
        if (term.table.empty())
            if (const auto merged = merged_.find(term.name); merged != merged_.end())
                return merged->second;
        return resolvedColumn(term, known);
    }
    Term made = term;
    for (Term& argument : made.arguments) {
        TM_ASSIGN(argument, resolved(argument, known));
    }
    return made;
}

Result<void> Planner::expandStars() {
    std::vector<Item> items;
    for (Item& item : select_.items) {
        if (item.term.kind != Term::Kind::kStar) {
            items.push_back(std::move(item));
            continue;
        }
        const std::string& table = item.term.table;
        bool isAny = false;
        if (table.empty())
            for (const auto& [name, term] : merged_)
                items.push_back({columnTerm(name, item.term.at), ""});
        for (const Source& source : sources_) {
            if (!table.empty() && source.stream->alias != table) continue;
            isAny = true;
            for (const auto& column : source.schema->columns()) {
                if (table.empty() && merged_.contains(column.name)) continue;
                Term term = columnTerm(column.name, item.term.at);
                term.table = source.stream->alias;
                items.push_back({std::move(term), ""});
            }
        }
        if (!isAny) return fail(item.term.at, "there is no stream \"" + table + "\" here");
    }
    select_.items = std::move(items);
    return {};
}

Result<void> Planner::resolveAll() {
    const std::size_t all = sources_.size();
    for (Item& item : select_.items) {
        TM_ASSIGN(item.term, resolved(item.term, all));
    }
    for (auto* term : {&select_.where, &select_.having}) {
        if (!*term) continue;
        TM_ASSIGN(**term, resolved(**term, all));
    }
    for (Term& term : keys_) {
        TM_ASSIGN(term, resolved(term, all));
    }
    return {};
}

const Planner::Source* Planner::sourceOf(const std::string& planName) const {
    for (const Source& source : sources_)
        if (planName.starts_with(source.prefix) &&
            source.schema->find(std::string_view(planName).substr(source.prefix.size())))
            return &source;
    return nullptr;
}

Result<Planner::JoinTerms> Planner::joinTerms(std::size_t right) const {
    const Source& source = sources_[right];
    const Stream& stream = *source.stream;
    JoinTerms made;
    for (const std::string& name : stream.usingColumns) {
        const Term& merged = merged_.at(name);
        made.pairs.emplace_back(merged.arguments[0], merged.arguments[1]);
    }
    std::vector<Term> parts;
    if (stream.on) addParts(*stream.on, parts);
    for (const Term& part : parts) {
        TM_ASSIGN(Term term, resolved(part, right + 1));
        bool isPair = term.kind == Term::Kind::kCall && term.name == "=";
        bool uses[2][2] = {};  // of each side: streams before, this
        for (std::size_t side = 0; isPair && side < 2; ++side)
            forEachColumn(term.arguments[side], [&](const Term& column) {
                uses[side][sourceOf(column.name) == &source] = true;
            });
        const bool isInOrder = uses[0][0] && !uses[0][1] && !uses[1][0] && uses[1][1];
        const bool isSwapped = !uses[0][0] && uses[0][1] && uses[1][0] && !uses[1][1];
        if (isPair && (isInOrder || isSwapped))
            made.pairs.emplace_back(term.arguments[isSwapped], term.arguments[!isSwapped]);
        else if (stream.join == Stream::Join::kInner) made.others.push_back(std::move(term));
        else return fail(part.at, "an outer join is on equal values of both streams only");
    }
    if (made.pairs.empty())
        return fail(stream.at, "streams are joined on equal values: on a.x = b.y");
    return made;
}

std::set<std::string> Planner::usedColumns(const std::vector<JoinTerms>& joins) const {
    std::set<std::string> used;
    const auto add = [&](const Term& term) {
        forEachColumn(term, [&](const Term& column) { used.insert(column.name); });
    };
    for (const Item& item : select_.items) add(item.term);
    for (const Term& key : keys_) add(key);
    for (const auto* term : {&select_.where, &select_.having})
        if (*term) add(**term);
    // The name of a result is no column.
    for (const Order& order : select_.orderBy)
        if (const auto term = resolved(order.term, sources_.size())) add(*term);
    for (const JoinTerms& join : joins) {
        for (const auto& [left, right] : join.pairs) {
            add(left);
            add(right);
        }
        for (const Term& term : join.others) add(term);
    }
    return used;
}

Result<std::vector<NamedExpression>> Planner::sourceColumns(
    const Source& source, const std::set<std::string>& used) const {
    std::vector<NamedExpression> columns;
    for (const auto& column : source.schema->columns()) {
        // A row has a column, if only to be counted.
        const bool isNeeded = used.contains(source.prefix + column.name) ||
                              (columns.empty() && &column == &source.schema->columns().back());
        if (!isNeeded) continue;
        TM_ASSIGN(auto expression,
                  expressionOf(columnTerm(column.name, kNowhere), *source.schema, sql_.text()));
        columns.push_back({source.prefix + column.name, std::move(expression)});
    }
    return columns;
}

Result<void> Planner::joinSources() {
    add(FromStep{sources_[0].stream->name}, *sources_[0].schema);
    if (sources_.size() == 1) return {};
    std::vector<JoinTerms> joins;
    for (std::size_t i = 1; i < sources_.size(); ++i) {
        TM_ASSIGN(JoinTerms terms, joinTerms(i));
        joins.push_back(std::move(terms));
    }
    const std::set<std::string> used = usedColumns(joins);
    TM_ASSIGN(auto columns, sourceColumns(sources_[0], used));
    TM_TRY(addSelect(std::move(columns)));
    for (std::size_t i = 1; i < sources_.size(); ++i) TM_TRY(joinOne(i, joins[i - 1], used));
    return {};
}

// Both sides get the keys as columns of their own: what is compared may be computed, and of an
// outer join one side's may be missing.
Result<void> Planner::joinOne(std::size_t right, const JoinTerms& terms,
                              const std::set<std::string>& used) {
    const Source& source = sources_[right];
    JoinStep join;
    join.kind = kindOf(source.stream->join);
    std::vector<NamedExpression> left, other;
    std::vector<ColumnSpec> specs;
    for (std::size_t i = 0; i < terms.pairs.size(); ++i) {
        Term leftTerm = terms.pairs[i].first;
        Term rightTerm = withoutPrefix(terms.pairs[i].second, source.prefix);
        TM_ASSIGN(auto leftKey, bound(leftTerm));
        TM_ASSIGN(auto rightKey, expressionOf(rightTerm, *source.schema, sql_.text()));
        if (leftKey->type() == Type::kInt && rightKey->type() == Type::kFloat) {
            TM_ASSIGN(leftKey, bound(asFloat(leftTerm)));
        } else if (leftKey->type() == Type::kFloat && rightKey->type() == Type::kInt) {
            TM_ASSIGN(rightKey, expressionOf(asFloat(rightTerm), *source.schema, sql_.text()));
        }
        if (leftKey->type() != rightKey->type())
            return fail(leftTerm.at, "\"on\" wants values of one type: " + textOf(leftTerm) +
                                         " is " + toString(leftKey->type()) + ", " +
                                         textOf(rightTerm) + " is " + toString(rightKey->type()));
        std::string name = "join " + std::to_string(right) + "." + std::to_string(i + 1);
        specs.push_back({name, leftKey->type()});
        join.on.push_back(name);
        left.push_back({name, std::move(leftKey)});
        other.push_back({std::move(name), std::move(rightKey)});
    }
    for (const auto& column : schema().columns()) {
        if (sourceOf(column.name) == nullptr) continue;  // a key of a join before
        TM_ASSIGN(auto expression, bound(columnTerm(column.name, kNowhere)));
        left.push_back({column.name, std::move(expression)});
        specs.push_back(column);
    }
    TM_ASSIGN(auto rest, sourceColumns(source, used));
    for (auto& column : rest) {
        specs.push_back({column.name, column.expression->type()});
        other.push_back(std::move(column));
    }
    TM_TRY(addSelect(std::move(left)));
    Plan side;
    side.steps.push_back({FromStep{source.stream->name}, *source.schema});
    std::swap(plan_, side);
    TM_TRY(addSelect(std::move(other)));
    std::swap(plan_, side);
    TM_ASSIGN(Schema made, Schema::of(std::move(specs)));
    join.other = std::make_shared<const Plan>(std::move(side));
    add(std::move(join), std::move(made));
    for (const Term& term : terms.others) {
        TM_ASSIGN(auto condition, bound(term));
        if (condition->type() != Type::kBool)
            return fail(term.at,
                        std::string("\"on\" wants bool, not ") + toString(condition->type()));
        add(WhereStep{std::move(condition), false}, Schema(schema()));
    }
    return {};
}

}  // namespace tidemill::rows::sql
