#include "tools/step_reader.h"

#include <re2/re2.h>

#include <cctype>

#include "tools/field_specs.h"

namespace tidemill::tools {
namespace {

using Type = StepSpec::Type;

const std::vector<std::string> kSteps{"split",   "lower_case", "filter", "count", "running_totals",
                                      "fields",  "aggregate",  "top",    "join",  "where",
                                      "compute", "select",     "rename", "drop",  "distinct",
                                      "union",   "explode",    "sql",    "lookup"};

class StepReader {
public:
    StepReader(TomlTable& table, JobFileErrors& errors) : table_(table), errors_(errors) {}

    StepSpec read() {
        step_.at = table_.at();
        const auto type = readType();
        if (type) step_.type = *type;
        if (type == Type::kAggregate) step_.aggregation.running = table_.boolean("running", false);
        step_.name = step_.keepsState() ? table_.requiredText("name") : table_.text("name", "");
        step_.from = table_.text("from", "");
        step_.fromAt = table_.at("from");
        for (const char* key : {"where", "having", "compute", "key", "by", "on", "with", "select",
                                "rename", "drop", "explode", "window", "ttl", "query"})
            if (table_.has(key)) step_.keys.emplace_back(key, table_.at(key));
        step_.content = table_.content({"name", "from", "with"});
        if (type) readKeys();
        return std::move(step_);
    }

private:
    // A step of one key says with that what it does.
    std::optional<Type> readType() {
        if (!table_.has("do"))
            for (const char* key : {"where", "compute", "select", "rename", "drop", "explode"})
                if (table_.has(key)) return typeNamed(key);
        const auto type = table_.choice("do", kSteps);
        if (!type) return std::nullopt;
        return static_cast<Type>(*type);
    }
    static Type typeNamed(std::string_view word) {
        for (std::size_t i = 0; i < kSteps.size(); ++i)
            if (kSteps[i] == word) return static_cast<Type>(i);
        return Type::kSplit;
    }

    void readKeys() {
        switch (step_.type) {
            case Type::kFilter: return filter();
            case Type::kCount: return window();
            case Type::kFields: return fields();
            case Type::kAggregate: return aggregate();
            case Type::kTop: return top();
            case Type::kJoin: return join();
            case Type::kWhere: step_.where = table_.requiredText("where"); return;
            case Type::kCompute: return named("compute");
            case Type::kRename: return named("rename");
            case Type::kSelect: return columns("select");
            case Type::kDrop: return columns("drop");
            case Type::kDistinct: step_.columns = table_.texts("by"); return;
            case Type::kUnion: step_.with = table_.requiredText("with"); return;
            case Type::kExplode:
                step_.column = table_.requiredText("explode");
                step_.separator = table_.text("separator", "");
                return;
            case Type::kSql: return sql();
            case Type::kLookup: return lookup();
            default: return;
        }
    }

    void sql() {
        step_.query = table_.requiredText("query");
        step_.aggregation.ttl = table_.duration("ttl", Duration(0), Duration(1));
        // running() groups are a result of their own, found again by the step's name.
        std::string letters;
        for (const char c : step_.query)
            if (c != ' ' && c != '\n')
                letters += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        step_.aggregation.running = letters.find("running()") != letters.npos;
    }

    void filter() {
        const bool keeps = table_.has("keep");
        step_.drop = !keeps;
        if (keeps == table_.has("drop"))
            errors_.add(table_.at(),
                        "a filter step takes either keep = \"REGEX\" or drop = "
                        "\"REGEX\"");
        const std::string keep = table_.text("keep", "");
        const std::string drop = table_.text("drop", "");
        step_.pattern = keeps ? keep : drop;
        const re2::RE2 pattern(step_.pattern, re2::RE2::Quiet);
        if (!pattern.ok())
            errors_.add(table_.at(keeps ? "keep" : "drop"),
                        "\"" + step_.pattern + "\" is no regular expression: " + pattern.error());
    }

    void window() {
        step_.window = table_.duration("window", Duration(0), Duration(1));
        step_.slide = table_.duration("slide", Duration(0), Duration(1));
        if (table_.has("slide") && !table_.has("window"))
            errors_.add(table_.at("slide"),
                        "slide says how often a window moves, but there is no "
                        "window");
    }

    void readRecords() {
        FieldsSpec spec = readFields(table_, errors_);
        step_.reader = std::move(spec.reader);
        step_.loose = std::move(spec.loose);
        step_.csv = spec.csv;
    }

    void fields() {
        for (const auto& [name, node] : table_.members("fields", false))
            notReserved(name, "fields");
        readRecords();
        step_.where = table_.text("where", "");
    }

    // Under these a line of JSON says its batch, when fields have the plainer names.
    void notReserved(const std::string& name, const char* key) {
        if (name == "_batch" || name == "_time")
            errors_.add(table_.at(key),
                        "the name \"" + name + "\" is reserved for what json_lines say of a batch");
    }

    void named(const char* key) {
        step_.pairs = table_.requiredPairs(key);
        for (const auto& [name, text] : step_.pairs)
            notReserved(step_.type == Type::kRename ? text : name, key);
    }
    void columns(const char* key) {
        step_.columns = table_.texts(key);
        if (step_.columns.empty())
            errors_.add(table_.at(key), std::string(key) + " must name at least one field");
    }

    void aggregate() {
        auto& how = step_.aggregation;
        how.name = step_.name;
        how.key = table_.texts("key");
        how.compute = table_.requiredPairs("compute");
        for (auto& [name, text] : how.compute) {
            notReserved(name, "compute");
            if (const auto call = rows::parseAggregateCall(text); !call)
                errors_.add(table_.at("compute"), name + " = " + call.error().message);
        }
        window();
        how.window = step_.window;
        how.slide = step_.slide;
        if (how.running && table_.has("window"))
            errors_.add(table_.at("window"), "aggregates are either of a window or running");
        how.ttl = table_.duration("ttl", Duration(0), Duration(1));
        if (table_.has("ttl") && !how.running)
            errors_.add(table_.at("ttl"),
                        "ttl says how long a group of running aggregates may be "
                        "idle, but running is not true");
        step_.where = table_.text("where", "");
        step_.having = table_.text("having", "");
    }

    // by = "n", by = ["n", "path asc"]
    void top() {
        step_.n = static_cast<std::size_t>(table_.integer("n", 10, 1, 1'000'000));
        const auto names = table_.texts("by");
        if (names.empty()) errors_.add(table_.at("by"), "[[step]] lacks the key \"by\"");
        for (const auto& text : names) {
            rows::OrderBy order{text, true};
            for (const auto& [word, isDescending] :
                 {std::pair<std::string_view, bool>{" desc", true}, {" asc", false}}) {
                if (!text.ends_with(word) || text.size() == word.size()) continue;
                order = {text.substr(0, text.size() - word.size()), isDescending};
            }
            step_.by.push_back(std::move(order));
        }
    }

    void lookup() {
        step_.file = table_.requiredText("file");
        for (const auto& [name, node] : table_.members("fields", false))
            notReserved(name, "fields");
        readRecords();
        step_.on = table_.texts("on");
        if (step_.on.empty()) errors_.add(table_.at("on"), "[[step]] lacks the key \"on\"");
        if (!table_.has("kind")) return;
        if (const auto kind = table_.choice("kind", {"inner", "left"}))
            step_.join = static_cast<rows::JoinKind>(*kind);
    }

    void join() {
        step_.with = table_.requiredText("with");
        step_.on = table_.texts("on");
        if (step_.on.empty()) errors_.add(table_.at("on"), "[[step]] lacks the key \"on\"");
        if (!table_.has("kind")) return;
        if (const auto kind = table_.choice("kind", {"inner", "left", "right", "full"}))
            step_.join = static_cast<rows::JoinKind>(*kind);
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
