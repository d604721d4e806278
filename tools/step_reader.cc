#include "tools/step_reader.h"

#include <re2/re2.h>

namespace tidemill::tools {
namespace {

class StepReader {
public:
    StepReader(TomlTable& table, JobFileErrors& errors) : table_(table), errors_(errors) {}

    StepSpec read() {
        step_.at = table_.at();
        const auto type =
            table_.choice("do", {"split", "lower_case", "filter", "count", "running_totals",
                                 "fields", "aggregate", "top", "join"});
        if (type) step_.type = static_cast<StepSpec::Type>(*type);
        if (type && step_.type == StepSpec::Type::kAggregate)
            step_.running = table_.boolean("running", false);
        const bool named = step_.type == StepSpec::Type::kRunningTotals || step_.running;
        step_.name = named ? table_.requiredText("name") : table_.text("name", "");
        step_.from = table_.text("from", "");
        step_.fromAt = table_.at("from");
        if (!type) return std::move(step_);
        switch (step_.type) {
            case StepSpec::Type::kFilter: filter(); break;
            case StepSpec::Type::kCount: window(); break;
            case StepSpec::Type::kFields: fields(); break;
            case StepSpec::Type::kAggregate: aggregate(); break;
            case StepSpec::Type::kTop: top(); break;
            case StepSpec::Type::kJoin: join(); break;
            default: break;
        }
        return std::move(step_);
    }

private:
    void filter() {
        const bool keeps = table_.has("keep");
        step_.drop = !keeps;
        if (keeps == table_.has("drop"))
            errors_.add(table_.at(), "a filter step takes either keep = \"REGEX\" or drop = "
                                     "\"REGEX\"");
        const std::string keep = table_.text("keep", "");
        const std::string drop = table_.text("drop", "");
        step_.pattern = keeps ? keep : drop;
        const re2::RE2 pattern(step_.pattern, re2::RE2::Quiet);
        if (!pattern.ok())
            errors_.add(table_.at(keeps ? "keep" : "drop"), "\"" + step_.pattern +
                                                                "\" is no regular expression: " +
                                                                pattern.error());
    }

    void window() {
        step_.window = table_.duration("window", Duration(0), Duration(1));
        step_.slide = table_.duration("slide", Duration(0), Duration(1));
        if (table_.has("slide") && !table_.has("window"))
            errors_.add(table_.at("slide"), "slide says how often a window moves, but there is no "
                                            "window");
    }

    void fields() {
        const auto by = table_.choice("by", {"split", "regex", "csv", "json"});
        for (auto& [name, place] : table_.requiredPairs("fields")) {
            notReserved(name, "fields");
            step_.fields.push_back({name, place});
        }
        if (!by) return;
        step_.fieldsBy = static_cast<FieldsBy>(*by);
        if (step_.fieldsBy == FieldsBy::kSplit) step_.separator = table_.text("separator", "");
        if (step_.fieldsBy == FieldsBy::kRegex) step_.pattern = table_.requiredText("pattern");
        const auto reader =
            makeFieldReader(step_.fieldsBy, step_.separator, step_.pattern, step_.fields);
        if (!reader) errors_.add(table_.at("fields"), reader.error().message);
    }

    // Under these a line of JSON says its batch, when fields have the plainer names.
    void notReserved(const std::string& name, const char* key) {
        if (name == "_batch" || name == "_time")
            errors_.add(table_.at(key), "the name \"" + name +
                                            "\" is reserved for what json_lines say of a batch");
    }

    void aggregate() {
        step_.key = table_.texts("key");
        for (const auto& [name, text] : table_.requiredPairs("compute")) {
            notReserved(name, "compute");
            auto spec = parseAggregate(name, text);
            if (spec)
                step_.compute.push_back(std::move(*spec));
            else
                errors_.add(table_.at("compute"), spec.error().message);
        }
        window();
        if (step_.running && table_.has("window"))
            errors_.add(table_.at("window"), "aggregates are either of a window or running");
    }

    void top() {
        step_.n = static_cast<std::size_t>(table_.integer("n", 10, 1, 1'000'000));
        step_.by = table_.requiredText("by");
    }

    void join() {
        step_.with = table_.requiredText("with");
        step_.on = table_.requiredText("on");
        if (!table_.has("kind")) return;
        if (const auto kind = table_.choice("kind", {"inner", "left", "right", "full"}))
            step_.join = static_cast<StepSpec::Join>(*kind);
    }

    TomlTable& table_;
    JobFileErrors& errors_;
    StepSpec step_;
};

}  // namespace

StepSpec readStep(TomlTable& table, JobFileErrors& errors) {
    return StepReader(table, errors).read();
}

}  // namespace tidemill::tools
