#include <charconv>

#include "rows/sql/plan.h"
#include "rows/write_value.h"

namespace tidemill::rows::sql {
namespace {

template <class... F>
struct Overloaded : F... {
    using F::operator()...;
};

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

std::string spanText(std::int64_t micros) {
    char bytes[kValueTextMax];
    const auto number = [&](double value) {
        return std::string(bytes, static_cast<std::size_t>(writeFloat(bytes, value) - bytes));
    };
    return number(static_cast<double>(micros) / 1e6) + " s";
}

std::string nameOf(JoinStep::Kind kind) {
    switch (kind) {
        case JoinStep::Kind::kLeft: return "left join";
        case JoinStep::Kind::kRight: return "right join";
        case JoinStep::Kind::kFull: return "full join";
        case JoinStep::Kind::kInner: break;
    }
    return "join";
}

std::string callText(const AggregateColumn& column) {
    const bool isDistinct = column.function == "count_distinct";
    std::string text = (isDistinct ? "count(distinct " : column.function + "(") +
                       (column.argument.empty() ? "*" : column.argument);
    if (column.number) {
        char bytes[kValueTextMax];
        text +=
            ", " +
            std::string(bytes, static_cast<std::size_t>(writeFloat(bytes, *column.number) - bytes));
    }
    return text + ")";
}

std::string aggregateText(const AggregateStep& step) {
    std::string text = "aggregate ";
    for (std::size_t i = 0; i < step.columns.size(); ++i)
        text += (i == 0 ? "" : ", ") + step.columns[i].name + " = " + callText(step.columns[i]);
    if (step.columns.empty()) text += "nothing";
    if (!step.key.empty()) text += " by " + joined(step.key);
    if (step.isRunning) {
        text += ", running";
        if (step.ttlMicros != 0) text += ", forgotten after " + spanText(step.ttlMicros);
    } else if (step.windowMicros != 0) {
        text += ", window of " + spanText(step.windowMicros);
        if (step.slideMicros != step.windowMicros) text += " each " + spanText(step.slideMicros);
    } else {
        text += ", each batch";
    }
    return text;
}

void append(std::string& out, const Plan& plan, const std::string& indent) {
    for (const Step& step : plan.steps) {
        std::string text = std::visit(
            Overloaded{
                [](const FromStep& from) { return "from " + from.stream; },
                [](const JoinStep& join) { return nameOf(join.kind) + " on " + joined(join.on); },
                [](const WhereStep& where) {
                    return (where.isHaving ? "having " : "where ") + where.condition->text();
                },
                [](const SelectStep& select) {
                    std::string list;
                    for (const auto& column : select.columns) {
                        list += list.empty() ? "" : ", ";
                        list += column.name + " = " + column.expression->text();
                    }
                    return "select " + list;
                },
                [](const AggregateStep& aggregate) { return aggregateText(aggregate); },
                [](const DistinctStep&) { return std::string("distinct"); },
                [](const TopStep& top) {
                    std::string list;
                    for (const auto& column : top.order)
                        list += (list.empty() ? "" : ", ") + column.name +
                                (column.isDescending ? " desc" : "");
                    return "top " + std::to_string(top.count) + " by " + list;
                },
            },
            step.what);
        out += indent + text + "\n" + indent + "    -> " + step.schema.text() + "\n";
        if (const auto* join = std::get_if<JoinStep>(&step.what))
            append(out, *join->other, indent + "    | ");
    }
}

}  // namespace

std::string Plan::text() const {
    std::string out;
    append(out, *this, "");
    return out;
}

}  // namespace tidemill::rows::sql
