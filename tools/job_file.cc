#include "tools/job_file.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/buffer_pool.h"
#include "core/byte_codec.h"
#include "core/file_system.h"
#include "core/logging.h"
#include "sources/endpoint.h"
#include "sources/line_assembler.h"
#include "state/state_table.h"
#include "tools/job_plan.h"
#include "tools/job_secrets.h"
#include "tools/kafka_source_spec.h"
#include "tools/listen_conflicts.h"
#include "tools/step_reader.h"
#include "tools/toml_depth.h"
#include "tools/toml_table.h"

namespace tidemill::tools {
namespace {

constexpr std::uint64_t kJobFileBytesMax = 1 << 20;
constexpr std::size_t kJobNameBytesMax = 200;  // behind it comes ".data"
constexpr std::size_t kKibi = 1024;
constexpr std::size_t kTablesMax = 500;  // of a kind: sources, steps, outputs

class Reader {
public:
    Reader(const toml::table& root, JobFile& job, JobFileErrors& errors)
        : root_(root), job_(job), errors_(errors) {}

    // False: there is too much to go on.
    bool read() {
        for (const char* list : {"source", "step", "output"}) bounded(list);
        if (!errors_.empty()) return false;
        readJob();
        readLimits();
        readCheckpoint();
        readPage();
        each("source", job_.sources, [this](TomlTable& table) { readSource(table); });
        each("step", job_.steps, [this](TomlTable& table) { readStep(table); });
        each("output", job_.outputs, [this](TomlTable& table) { readOutput(table); });
        outputsLieApart();
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

    void readJob() {
        section("job", [this](TomlTable& table) {
            job_.name = table.requiredText("name");
            if (job_.name.find('/') != job_.name.npos || job_.name.starts_with(".") ||
                job_.name.size() > kJobNameBytesMax)
                errors_.add(table.at("name"),
                            "name \"" + core::escaped(job_.name, 60) +
                                "\" must do for a file name: no '/', no leading '.', at most " +
                                std::to_string(kJobNameBytesMax) + " bytes");
            printable(job_.name, table.at("name"));
            job_.dataDirectory = table.text("data_dir", "");
            const auto errorsBefore = errors_.count();
            job_.options.interval = table.duration("interval", job_.options.interval);
            job_.options.errorPolicy = ErrorPolicy::kDeadLetter;
            if (table.has("on_error"))
                if (const auto policy = table.choice("on_error", {"stop", "skip", "dead_letter"}))
                    job_.options.errorPolicy = static_cast<ErrorPolicy>(*policy);
            if (job_.options.interval < Duration(1))
                errors_.add(table.at("interval"), "interval must be at least 1ms");
            job_.intervalWrong = errors_.count() != errorsBefore;
        });
    }

    void readLimits() {
        section("limits", [this](TomlTable& table) {
            auto& options = job_.options;
            options.workers = static_cast<unsigned>(table.integer("workers", 0, 0, 1024));
            options.maxBatchBytes = table.size("max_batch_bytes", options.maxBatchBytes, kKibi);
            options.receiveBudgetBytes = table.size("receive_budget", 0, kKibi);
            options.maxBacklogBytes = table.size("max_backlog_bytes", 0, kKibi);
            options.blockBytes =
                table.size("block_bytes", options.blockBytes, core::BufferPool::kSmallestBytes,
                           core::BufferPool::kLargestBytes);
            options.maxRecordBytes = table.size("max_record_bytes", options.maxRecordBytes, 1,
                                                sources::kRecordBytesMaxMax);
            options.deltaBudgetBytes = table.size("delta_budget", options.deltaBudgetBytes, kKibi);
            options.stateCacheBytes = table.size("state_cache", options.stateCacheBytes, kKibi);
            options.maxStateRowBytes = table.size("max_state_row_bytes", options.maxStateRowBytes,
                                                  kKibi, state::StateLimits::kRowBytesMost);
            options.segmentBytes = table.size("segment_bytes", options.segmentBytes, 4 * kKibi);
            options.maxDeadLetters =
                static_cast<std::size_t>(table.integer("max_dead_letters", 10'000, 1, 1'000'000));
            if (table.has("disk_reserve"))
                options.diskReserveBytes = table.size("disk_reserve", 0, 0);
            if (table.has("disk_reserve_files"))
                options.diskReserveFiles = static_cast<std::uint64_t>(
                    table.integer("disk_reserve_files", 0, 0, 1'000'000'000'000));
            options.maxSessions =
                static_cast<std::size_t>(table.integer("max_sessions", 100'000, 1, 1'000'000'000));
        });
    }

    void readCheckpoint() {
        section("checkpoint", [this](TomlTable& table) {
            job_.options.checkpointInterval =
                table.duration("interval", job_.options.checkpointInterval);
            job_.options.checkpointBytes = table.size("log_bytes", job_.options.checkpointBytes, 0);
        });
    }

    void readPage() {
        if (!root_.contains("page")) return;
        section("page", [this](TomlTable& table) {
            const auto listen = table.requiredText("listen");
            const bool insecure = table.boolean("insecure", false);
            if (listen.empty()) return;
            auto endpoint = sources::parseEndpoint(listen);
            if (!endpoint)
                return errors_.add(table.at("listen"), "listen: " + endpoint.error().message);
            if (endpoint->host == "localhost") endpoint->host = "127.0.0.1";
            if (!isAddress(endpoint->host))
                return errors_.add(
                    table.at("listen"),
                    "listen is \"" + core::escaped(listen, 60) +
                        "\", but the page needs a port, or an address of this machine "
                        "and a port, such as \"127.0.0.1:4040\"");
            if (!isThisMachine(endpoint->host) && !insecure)
                return errors_.add(
                    table.at("listen"),
                    "\"" + listen +
                        "\" can be reached by other machines, and the page has neither encryption "
                        "nor passwords; put a proxy that has them before a page on 127.0.0.1, or "
                        "add insecure = true if anybody there may look");
            job_.page = HttpAddress{endpoint->host, endpoint->port};
        });
    }

    void readSource(TomlTable& table) {
        SourceSpec source;
        source.at = table.at();
        source.name = table.text("name", "");
        const auto type =
            table.choice("type", {"socket", "listen", "listen_acknowledged", "files", "kafka"});
        if (type) source.type = static_cast<SourceSpec::Type>(*type);
        name(source.name, table.at("name"));
        if (!type) return job_.sources.push_back(std::move(source));
        if (source.type == SourceSpec::Type::kKafka) {
            readKafkaSource(table, job_.name, source, errors_);
            return job_.sources.push_back(std::move(source));
        }
        if (source.type == SourceSpec::Type::kFiles) {
            source.directory = table.requiredText("directory");
            if (table.has("existing"))
                if (const auto existing = table.choice("existing", {"leave", "take"}))
                    source.files.existing = static_cast<ExistingFiles>(*existing);
            if (table.has("on_lost_data"))
                if (const auto lost = table.choice("on_lost_data", {"stop", "skip"}))
                    source.files.onLostData = static_cast<LostData>(*lost);
            return job_.sources.push_back(std::move(source));
        }
        const bool dials = source.type == SourceSpec::Type::kSocket;
        source.host =
            sources::withoutBrackets(table.text("host", dials ? "localhost" : "127.0.0.1"));
        source.port =
            static_cast<std::uint16_t>(table.requiredInteger("port", dials ? 1 : 0, 65535));
        if (!dials) {
            source.connectionsMax =
                static_cast<std::size_t>(table.integer("max_connections", 1024, 1, 1'000'000));
            source.connectionsPerAddressMax = static_cast<std::size_t>(
                table.integer("max_connections_per_address", 64, 1, 1'000'000));
            source.allowRemote = table.boolean("allow_remote", false);
            listensOn(source, table.at("host"));
        }
        sharesNoPort(source, table.at("port"));
        job_.sources.push_back(std::move(source));
    }

    void readStep(TomlTable& table) {
        StepSpec step = tools::readStep(table, errors_);
        name(step.name, table.at("name"));
        job_.steps.push_back(std::move(step));
    }

    void readOutput(TomlTable& table) {
        OutputSpec output;
        output.at = table.at();
        const auto type = table.choice(
            "to", {"print", "text_files", "json_lines", "kafka", "csv", "tsv", "text"});
        if (!type) return job_.outputs.push_back(std::move(output));
        output.type = static_cast<OutputSpec::Type>(*type);
        output.from = table.text("from", "");
        output.fromAt = table.at("from");
        switch (output.type) {
            case OutputSpec::Type::kPrint:
                output.num = static_cast<std::size_t>(table.integer("num", 10, 1, 1'000'000));
                break;
            case OutputSpec::Type::kTextFiles:
                output.prefix = table.requiredText("prefix");
                output.suffix = table.text("suffix", "");
                break;
            case OutputSpec::Type::kKafka:
                output.kafka = readKafkaOutput(table, job_.name, errors_);
                break;
            case OutputSpec::Type::kText: output.line = table.requiredText("line"); [[fallthrough]];
            case OutputSpec::Type::kJsonLines:
            case OutputSpec::Type::kCsv:
            case OutputSpec::Type::kTsv:
                output.path = table.requiredText("path");
                output.emptyBatches = table.boolean("empty_batches", false);
                if (output.emptyBatches && output.path == "stdout")
                    errors_.add(table.at("empty_batches"),
                                "empty_batches is about files, but path is \"stdout\"");
                readGrowing(output, table);
                break;
        }
        place(output, table);
        job_.outputs.push_back(std::move(output));
    }

    void readGrowing(OutputSpec& output, TomlTable& table) {
        rows::GrowingOptions growing;
        const bool grows = table.boolean("growing", false);
        growing.rotateBytes = table.size("rotate", growing.rotateBytes, kKibi);
        growing.rotateEvery = table.duration("rotate_every", Duration(0), Duration(1));
        growing.keep = static_cast<std::uint64_t>(table.integer("keep", 0, 1, 1'000'000));
        for (const char* key : {"rotate", "rotate_every", "keep"})
            if (!grows && table.has(key))
                errors_.add(table.at(key), std::string(key) +
                                               " is about a file that grows, but growing is not "
                                               "true");
        if (!grows) return;
        if (output.emptyBatches || output.path == "stdout")
            errors_.add(table.at("growing"),
                        "a file that grows has a directory for its path and "
                        "no empty_batches");
        output.growing = growing;
    }

    // Names appear on terminals and in log lines.
    void printable(const std::string& name, Position at) {
        const auto isControl = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
        if (std::any_of(name.begin(), name.end(), isControl))
            errors_.add(at, "the name \"" + core::escaped(name, 60) +
                                "\" must not hold control characters");
    }

    // The start would refuse the same; here it has its place in the file.
    void listensOn(const SourceSpec& source, Position at) {
        if (!isAddress(source.host))
            return errors_.add(at, "host is \"" + core::escaped(source.host, 60) +
                                       "\", but a listening source needs an address of this "
                                       "machine, such as \"127.0.0.1\"");
        if (!isThisMachine(source.host) && !source.allowRemote)
            errors_.add(at, "host \"" + source.host +
                                "\" can be reached by other machines, without encryption; add "
                                "allow_remote = true if that is meant");
    }

    // Two that listen on one port, or one that dials what another listens on.
    void sharesNoPort(const SourceSpec& source, Position at) {
        const bool dials = source.type == SourceSpec::Type::kSocket;
        if (source.port == 0) return;
        for (const auto& other : job_.sources) {
            if (other.port != source.port) continue;
            const bool otherDials = other.type == SourceSpec::Type::kSocket;
            const std::string which = "port " + std::to_string(source.port) +
                                      ", on which the source " +
                                      (other.name.empty() ? "" : "\"" + other.name + "\" ") +
                                      "of line " + std::to_string(other.at.line) + " listens";
            if (!dials && !otherDials && overlap(source.host, other.host))
                return errors_.add(at, "host \"" + core::escaped(source.host, 60) + "\" takes in " +
                                           which + " already");
            if (dials && !otherDials && isThisMachine(source.host) &&
                overlap(source.host, other.host))
                return errors_.add(at, "this source would dial its own job: it dials " + which);
            if (!dials && otherDials && isThisMachine(other.host) &&
                overlap(source.host, other.host))
                return errors_.add(at, "the source of line " + std::to_string(other.at.line) +
                                           " would dial its own job: it dials port " +
                                           std::to_string(source.port) +
                                           ", on which this one listens");
        }
    }

    void name(const std::string& name, Position at) {
        printable(name, at);
        if (!name.empty() && !names_.insert(name).second)
            errors_.add(at, "the name \"" + name +
                                "\" is taken already; names of sources and "
                                "steps must differ");
    }

    // Two outputs in one place would each take the other's results for its own.
    void place(const OutputSpec& output, const TomlTable& table) {
        const bool isText = output.type == OutputSpec::Type::kTextFiles;
        if (output.type == OutputSpec::Type::kPrint || output.path == "stdout") return;
        const std::string place = isText ? output.prefix + "-*." + output.suffix : output.path;
        if (output.prefix.empty() && output.path.empty()) return;
        if (!places_.insert(core::Path(place).lexically_normal().string()).second)
            errors_.add(table.at(isText ? "prefix" : "path"),
                        "another output writes to \"" + (isText ? output.prefix : output.path) +
                            "\" already");
    }

    static core::Path whole(const core::Path& path) {
        std::error_code unknown;
        const auto absolute = std::filesystem::absolute(path, unknown);
        return (unknown ? path : absolute).lexically_normal() / "";
    }

    // A job must not read what it writes, nor write among its own state.
    void outputsLieApart() {
        const auto data =
            whole(job_.dataDirectory.empty() ? job_.name + ".data" : job_.dataDirectory);
        for (const auto& output : job_.outputs) {
            const std::string& place = output.path.empty() ? output.prefix : output.path;
            if (output.type == OutputSpec::Type::kPrint || place.empty() || place == "stdout")
                continue;
            if (whole(place).string().starts_with(data.string()) && !job_.name.empty())
                errors_.add(output.at, "this output writes to \"" + place +
                                           "\", which lies in the job's data directory");
            if (output.path.empty()) continue;
            for (const auto& source : job_.sources)
                if (source.type == SourceSpec::Type::kFiles && !source.directory.empty() &&
                    whole(source.directory) == whole(place))
                    errors_.add(output.at, "this output writes to \"" + place +
                                               "\", where the files source of line " +
                                               std::to_string(source.at.line) +
                                               " would read its own results");
        }
    }

    const toml::table& root_;
    JobFile& job_;
    JobFileErrors& errors_;
    std::set<std::string> names_;
    std::set<std::string> places_;
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
