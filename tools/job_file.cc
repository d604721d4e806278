#include "tools/job_file.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/byte_codec.h"
#include "core/file_system.h"
#include "core/logging.h"
#include "tools/job_plan.h"
#include "tools/job_secrets.h"
#include "tools/output_reader.h"
#include "tools/settings_reader.h"
#include "tools/source_reader.h"
#include "tools/step_reader.h"
#include "tools/toml_depth.h"
#include "tools/toml_table.h"

namespace tidemill::tools {
namespace {

constexpr std::uint64_t kJobFileBytesMax = 1 << 20;
constexpr std::size_t kTablesMax = 500;  // of a kind: sources, steps, outputs

class Reader {
public:
    Reader(const toml::table& root, JobFile& job, JobFileErrors& errors)
        : root_(root), job_(job), errors_(errors) {}

    // False: there is too much to go on.
    bool read() {
        for (const char* list : {"source", "step", "output"}) bounded(list);
        if (!errors_.empty()) return false;
        section("job", [this](TomlTable& table) {
            readJobSettings(table, job_, errors_);
            printable(job_.name, table.at("name"));
        });
        section("limits", [this](TomlTable& table) { readLimits(table, job_); });
        section("checkpoint", [this](TomlTable& table) { readCheckpoint(table, job_); });
        if (root_.contains("page"))
            section("page", [this](TomlTable& table) { readPage(table, job_, errors_); });
        each("source", job_.sources, [this](TomlTable& table) { readSource(table); });
        each("step", job_.steps, [this](TomlTable& table) { readStep(table); });
        each("output", job_.outputs, [this](TomlTable& table) {
            job_.outputs.push_back(readOutput(table, job_, errors_));
        });
        checkOutputsLieApart(job_, errors_);
        for (const auto& [key, node] : root_)
            if (!kSections.contains(std::string(key.str())))
                errors_.add({key.source().begin.line, key.source().begin.column},
                            "unknown key \"" + std::string(key.str()) + "\"" +
                                suggestion(key.str(), {kSections.begin(), kSections.end()}));
        if (job_.sources.empty()) errors_.add({1, 1}, "no [[source]]: say where records come from");
        if (job_.outputs.empty() && !hasState())
            errors_.add({1, 1},
                        "neither an [[output]] nor a step that keeps a state (running_totals, "
                        "aggregate with running = true): the job would have no result");
        return true;
    }

private:
    static inline const std::set<std::string> kSections{"job",    "limits", "checkpoint", "page",
                                                        "source", "step",   "output"};

    bool hasState() const {
        for (const auto& step : job_.steps)
            if (step.keepsState()) return true;
        return false;
    }

    // Steps follow each other as calls that nest.
    void bounded(const char* name) {
        const auto* list = root_.get(name) == nullptr ? nullptr : root_.get(name)->as_array();
        if (list != nullptr && list->size() > kTablesMax)
            errors_.add(positionOf(list->at(kTablesMax)),
                        "there are " + std::to_string(list->size()) + " [[" + name +
                            "]] tables; at most " + std::to_string(kTablesMax) + " are allowed");
    }

    template <class Read>
    void section(const char* name, Read read) {
        const auto* node = root_.get(name);
        static const toml::table kNone;
        if (node != nullptr && !node->is_table()) {
            errors_.add(positionOf(*node), std::string(name) + " must be a table: [" + name + "]");
            return;
        }
        TomlTable table(node != nullptr ? *node->as_table() : kNone, "[" + std::string(name) + "]",
                        errors_);
        read(table);
        table.finish();
    }

    // Each read adds one to `specs`.
    template <class Spec, class Read>
    void each(const char* name, std::vector<Spec>& specs, Read read) {
        const auto* node = root_.get(name);
        if (node == nullptr) return;
        const auto* list = node->as_array();
        if (list == nullptr || !list->is_array_of_tables()) {
            errors_.add(positionOf(*node),
                        std::string(name) + " must be a list of tables: [[" + name + "]]");
            return;
        }
        for (const auto& item : *list) {
            const auto errorsBefore = errors_.count();
            TomlTable table(*item.as_table(), "[[" + std::string(name) + "]]", errors_);
            read(table);
            table.finish();
            specs.back().wrong = errors_.count() != errorsBefore;
        }
    }

    void readSource(TomlTable& table) {
        SourceSpec source = tools::readSource(table, job_, errors_);
        name(source.name, table.at("name"));
        job_.sources.push_back(std::move(source));
    }

    void readStep(TomlTable& table) {
        StepSpec step = tools::readStep(table, errors_);
        name(step.name, table.at("name"));
        job_.steps.push_back(std::move(step));
    }

    // Names appear on terminals and in log lines.
    void printable(const std::string& name, Position at) {
        const auto isControl = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
        if (std::any_of(name.begin(), name.end(), isControl))
            errors_.add(at, "the name \"" + core::escaped(name, 60) +
                                "\" must not hold control characters");
    }

    void name(const std::string& name, Position at) {
        printable(name, at);
        if (!name.empty() && !names_.insert(name).second)
            errors_.add(at, "the name \"" + name +
                                "\" is taken already; names of sources and "
                                "steps must differ");
    }

    const toml::table& root_;
    JobFile& job_;
    JobFileErrors& errors_;
    std::set<std::string> names_;
};

// All of the steps that changes results, so that a batch that was shown is not counted with others.
std::string stepsText(const JobFile& job) {
    core::ByteWriter text;
    std::map<std::string, std::size_t> places;
    std::size_t place = 0;
    for (const auto& source : job.sources) places[source.name] = place++;
    const auto input = [&](const std::string& name) {
        text.u64(name.empty() || !places.contains(name) ? place - 1 : places[name]);
    };
    for (const auto& step : job.steps) {
        input(step.from);
        input(step.with);
        text.string(step.content);
        places[step.name] = place++;
    }
    return std::move(text).bytes();
}

}  // namespace

const char* sourceWord(SourceSpec::Type type) {
    constexpr const char* kWords[] = {
        "socket", "listen", "listen_acknowledged", "files", "kafka", "http", "flume", "kinesis"};
    static_assert(std::size(kWords) == static_cast<std::size_t>(SourceSpec::Type::kKinesis) + 1);
    return kWords[static_cast<std::size_t>(type)];
}

const char* stepWord(StepSpec::Type type) {
    constexpr const char* kWords[] = {"split",   "lower_case", "filter", "count", "running_totals",
                                      "fields",  "aggregate",  "top",    "join",  "where",
                                      "compute", "select",     "rename", "drop",  "distinct",
                                      "union",   "explode",    "sql",    "lookup"};
    static_assert(std::size(kWords) == static_cast<std::size_t>(StepSpec::Type::kLookup) + 1);
    return kWords[static_cast<std::size_t>(type)];
}

core::Result<JobFile> readJobFile(const std::string& path) {
    auto text = core::readWholeFile(core::posixFileSystem(), path, kJobFileBytesMax);
    if (!text)
        return core::fail(text.error().kind,
                          "the job file cannot be read: " + text.error().message);
    return parseJobFile(*text, path);
}

core::Result<JobFile> parseJobFile(const std::string& text, const std::string& path) {
    JobFile job;
    job.path = path;
    JobFileErrors errors(path);
    if (const auto deep = findDeepKey(text)) {
        errors.add(*deep, "a key of more than " + std::to_string(kKeyPartsMax) +
                              " parts (a.b.c has 3) is not allowed");
        return core::fail(core::ErrorKind::kInvalid, errors.text());
    }
    toml::table root;
    try {
        root = toml::parse(std::string_view(text), std::string_view(path));
    } catch (const toml::parse_error& error) {
        const auto& begin = error.source().begin;
        errors.add({begin.line, begin.column}, std::string(error.description()));
        return core::fail(core::ErrorKind::kInvalid, errors.text());
    }
    putSecrets(root, errors);
    const bool whole = Reader(root, job, errors).read();
    // What cannot be planned is said in the same breath.
    if (whole && !errors.empty()) addPlanErrors(job, errors);
    job.options.version = stepsText(job);
    if (!errors.empty()) return core::fail(core::ErrorKind::kInvalid, errors.text());
    return job;
}

}  // namespace tidemill::tools
