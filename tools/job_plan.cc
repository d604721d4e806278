#include "tools/job_plan.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "rows/flume_rows.h"
#include "rows/kafka_rows.h"
#include "rows/kinesis_rows.h"
#include "tidemill/tidemill.h"
#include "tools/job_streams.h"
#include "tools/json_lines.h"
#include "tools/row_plan.h"
#include "tools/source_reader.h"
#include "tools/toml_table.h"

namespace tidemill::tools {
namespace {

using core::ErrorKind;
using core::Result;

using rows::RowStream;

class Planner {
public:
    using Sources = std::map<std::string, DStream<std::string_view>>;
    Planner(const JobFile& job, StreamingContext& context, const Sources& sources,
            JobFileErrors& errors, const StreamObserver& observe = {})
        : job_(job), context_(context), sources_(sources), errors_(errors), observe_(observe) {}

    PlannedJob plan() {
        context_.job()->stepsAreDetailed = true;
        for (const auto& source : job_.sources) addSource(source);
        for (const auto& step : job_.steps) addStep(step);
        for (const auto& output : job_.outputs)
            if (!output.wrong) addOutput(output);
        return std::move(planned_);
    }

private:
    void addSource(const SourceSpec& source) {
        lastOrigin_ = origins_[source.name] = source.name;
        if (source.csv) csv_[source.name] = *source.csv;
        else csv_.erase(source.name);
        // Nothing that reads it can be judged, nor be called wrong for that.
        if (source.wrong) return remember(source.name, std::nullopt);
        if (const auto given = sources_.find(source.name); given != sources_.end())
            return remember(source.name, given->second);
        const auto before = context_.job()->sources.size();
        makeSource(source);
        if (context_.job()->sources.size() == before) return;
        auto& declared = context_.job()->sources.back();
        declared.maxRate = source.maxRate;
        declared.name = source.name;
        declared.label = source.name.empty() ? "source of line " + std::to_string(source.at.line)
                                             : "source \"" + source.name + "\"";
        // In the words of the file.
        if (declared.description.starts_with(declared.kind))
            declared.description.replace(0, declared.kind.size(), sourceWord(source.type));
        show(source.name, "source", declared.label);
    }

    void makeSource(const SourceSpec& source) {
        const auto listen = listenOptionsOf(source);
        switch (source.type) {
            case SourceSpec::Type::kSocket:
                return remember(source.name,
                                context_.socketTextStream(
                                    source.host, source.port,
                                    {std::nullopt, source.csv, source.tls, source.caFile}));
            case SourceSpec::Type::kListen:
                return remember(source.name,
                                context_.listenTextStream(source.host, source.port, listen));
            case SourceSpec::Type::kListenAcknowledged:
                return remember(source.name,
                                context_.acknowledgedTextStream(source.host, source.port, listen));
            case SourceSpec::Type::kFiles: {
                if (source.follow)
                    return remember(source.name,
                                    context_.followTextFiles(source.path, *source.follow));
                auto files = source.files;
                files.csv = source.csv;
                return remember(source.name, context_.textFileStream(source.directory, files));
            }
            case SourceSpec::Type::kKafka: return makeKafka(source);
            case SourceSpec::Type::kHttp: return makeHttp(source);
            case SourceSpec::Type::kFlume: return makeFlume(source);
            case SourceSpec::Type::kKinesis: return makeKinesis(source);
        }
    }

    void makeHttp(const SourceSpec& source) {
        for (const auto& other : job_.sources) {
            if (&other == &source) break;
            if (other.type != source.type || other.http.path != source.http.path) continue;
            errors_.add(source.at, "the HTTP source of line " + std::to_string(other.at.line) +
                                       " has the path \"" + source.http.path +
                                       "\" too; give each a name, or a path, of its own");
            return remember(source.name, std::nullopt);
        }
        remember(source.name, context_.httpStream(source.host, source.port, source.http));
    }

    void makeKafka(const SourceSpec& source) {
        for (const auto& other : job_.sources) {
            if (&other == &source) break;
            if (other.type == source.type && other.kafka.group == source.kafka.group) {
                errors_.add(source.at, "the Kafka source of line " + std::to_string(other.at.line) +
                                           " has the group \"" + source.kafka.group +
                                           "\" too; give each a name, or a group, of its own");
                return remember(source.name, std::nullopt);
            }
        }
        const auto records = context_.kafkaStream(source.kafka);
        auto asRows = rows::rowsOfKafka(records, source.headers);
        if (asRows) return remember(source.name, KafkaRecords{records, std::move(*asRows)});
        errors_.add(source.at, asRows.error().message);
        remember(source.name, std::nullopt);
    }

    void makeKinesis(const SourceSpec& source) {
        for (const auto& other : job_.sources) {
            if (&other == &source) break;
            if (other.type != source.type || other.kinesis.stream != source.kinesis.stream ||
                other.kinesis.application != source.kinesis.application)
                continue;
            errors_.add(source.at, "the Kinesis source of line " + std::to_string(other.at.line) +
                                       " has the application \"" + source.kinesis.application +
                                       "\" too; give each a name, or an application, of its own");
            return remember(source.name, std::nullopt);
        }
        const auto records = context_.kinesisStream(source.kinesis);
        auto asRows = rows::rowsOfKinesis(records);
        if (asRows) return remember(source.name, KinesisRecords{records, std::move(*asRows)});
        errors_.add(source.at, asRows.error().message);
        remember(source.name, std::nullopt);
    }

    void makeFlume(const SourceSpec& source) {
        const auto events = context_.flumeStream(source.flume);
        auto asRows = rows::rowsOfFlume(events, source.headers);
        if (asRows) return remember(source.name, FlumeEvents{events, std::move(*asRows)});
        errors_.add(source.at, asRows.error().message);
        remember(source.name, std::nullopt);
    }

    // Messages name a step as the job file does.
    void addStep(const StepSpec& step) {
        const auto before = context_.job()->graph.nodes().size();
        const auto origin = step.from.empty() ? lastOrigin_ : origins_[step.from];
        readsAsCut(step, origin);
        declare(step);
        ++steps_;
        lastOrigin_ = origin;
        if (!step.name.empty()) origins_[step.name] = origin;
        planned_.steps.push_back({last_ ? contentOf(*last_) : "", std::exchange(became_, {})});
        const auto label = "step " + std::to_string(steps_) + " (" + stepWord(step.type) +
                           (step.name.empty() ? "" : ", \"" + step.name + "\"") + ")";
        const auto& nodes = context_.job()->graph.nodes();
        for (auto i = before; i < nodes.size(); ++i) {
            nodes[i]->setDetail(step.content);
            nodes[i]->setLabel(label + (origin.empty() ? "" : " of source \"" + origin + "\""));
        }
        show(step.name, stepWord(step.type), label);
    }

    // To whom wants to see what the source or step at hand gives.
    void show(const std::string& name, const char* kind, const std::string& label) {
        if (!observe_ || !last_) return;
        PlannedStream seen{name, label, {}, {}, {}};
        if (name.empty()) seen.key = std::string(kind) + " " + std::to_string(++unnamed_[kind]);
        if (const auto* text = std::get_if<Text>(&*last_)) seen.text = *text;
        else if (const auto* counts = std::get_if<Counts>(&*last_)) seen.counts = *counts;
        else seen.rows = asRows(*last_);
        observe_(seen);
    }

    // Fields of records that were cut otherwise would begin and end elsewhere.
    void readsAsCut(const StepSpec& step, const std::string& origin) {
        const auto cut = csv_.find(origin);
        if (step.type != StepSpec::Type::kFields || !step.csv || cut == csv_.end() ||
            *step.csv == cut->second)
            return;
        errors_.add(step.at, "this step reads " + core::describe(*step.csv) +
                                 ", but its source gives " + core::describe(cut->second) +
                                 "; give both the same separator and trim");
    }

    void declare(const StepSpec& step) {
        if (step.wrong || (step.window != Duration(0) && job_.intervalWrong))
            return remember(step.name, std::nullopt);
        const bool isSql = step.type == StepSpec::Type::kSql;
        const auto from = isSql ? std::nullopt : input(step.from, step.fromAt);
        if (!from && !isSql) return remember(step.name, std::nullopt);
        try {
            remember(step.name, isSql ? madeBySql(step) : made(step, *from));
        } catch (const std::invalid_argument& misuse) {
            errors_.add(step.at, withoutCall(misuse.what()));
            remember(step.name, std::nullopt);
        }
    }

    // Nothing when the step does not fit what it is given.
    std::optional<Stream> made(const StepSpec& step, const Stream& from) {
        using Type = StepSpec::Type;
        if (step.type == Type::kRunningTotals) {
            if (const auto* counts = std::get_if<Counts>(&from))
                return counts->runningTotals(step.name);
            return misfit(step, "the pairs of a count step", from);
        }
        if (takesRows(step.type)) return madeOfRows(step, from);
        const auto text = asText(from);
        if (!text) return misfit(step, "text", from);
        switch (step.type) {
            case Type::kSplit: return text->flatMap(splitWords);
            case Type::kLowerCase: return lowerCase(*text);
            case Type::kFilter: return filter(*text, step);
            case Type::kFields: {
                auto rows = planFields(*text, step, errors_);
                return rows ? std::optional<Stream>(std::move(*rows)) : std::nullopt;
            }
            default: break;
        }
        if (step.window == Duration(0)) return text->countByValue();
        return text->countByValueAndWindow(step.window, step.slide, step.name);
    }

    // A query names its streams itself.
    std::optional<Stream> madeBySql(const StepSpec& step) {
        std::map<std::string, RowStream> streams;
        for (const auto& [name, stream] : byName_)
            if (const auto rows = stream ? asRows(*stream) : std::nullopt)
                streams.emplace(name, *rows);
        auto rows = planSql(streams, step, errors_, became_);
        return rows ? std::optional<Stream>(std::move(*rows)) : std::nullopt;
    }

    std::optional<Stream> madeOfRows(const StepSpec& step, const Stream& from) {
        const auto rows = asRows(from);
        if (!rows) return misfit(step, "rows of fields", from);
        std::optional<RowStream> with;
        if (!step.with.empty()) {
            const auto other = input(step.with, step.place("with"));
            if (!other) return std::nullopt;
            with = asRows(*other);
            if (!with) {
                errors_.add(step.place("with"), "with \"" + step.with +
                                                    "\" must name rows of fields, but names " +
                                                    kindOf(*other));
                return std::nullopt;
            }
        }
        auto result = planRows(*rows, with ? &*with : nullptr, step, errors_);
        if (!result) return std::nullopt;
        return std::move(*result);
    }

    // "reduceByKeyAndWindow: a window's length …": no function of ours stands in the file.
    static std::string withoutCall(const std::string& message) {
        const auto colon = message.find(": ");
        const auto isPartOfName = [](unsigned char c) { return std::isalnum(c) != 0; };
        if (colon == message.npos ||
            !std::all_of(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(colon),
                         isPartOfName))
            return message;
        return message.substr(colon + 2);
    }

    std::nullopt_t misfit(const StepSpec& step, const std::string& wanted, const Stream& given) {
        errors_.add(step.at, "this step takes " + wanted + ", but is given " + kindOf(given));
        return std::nullopt;
    }

    // ASCII letters only; other bytes, UTF-8 included, stay as they are.
    static Text lowerCase(const Text& from) {
        return from.flatMap([](std::string_view text, Emit<std::string_view>& emit) {
            const auto isUpper = [](char c) { return c >= 'A' && c <= 'Z'; };
            if (std::none_of(text.begin(), text.end(), isUpper)) return emit(text);
            std::string lower(text);
            for (char& c : lower)
                if (isUpper(c)) c = static_cast<char>(c + ('a' - 'A'));
            emit(emit.store(lower));
        });
    }

    static Text filter(const Text& from, const StepSpec& step) {
        re2::RE2::Options bytes(re2::RE2::Quiet);
        bytes.set_encoding(re2::RE2::Options::EncodingLatin1);  // lines need not be UTF-8
        const auto pattern = std::make_shared<const re2::RE2>(step.pattern, bytes);
        return from.filter([pattern, drop = step.drop](std::string_view text) {
            return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *pattern) !=
                   drop;
        });
    }

    void addOutput(const OutputSpec& output) {
        const auto from = input(output.from, output.fromAt);
        if (!from) return;
        const bool isPlain =
            !output.growing &&
            (output.type < OutputSpec::Type::kKafka ||
             (output.type == OutputSpec::Type::kKafka && !output.kafka.needsRows()));
        if (const auto* text = std::get_if<Text>(&*from); text != nullptr && isPlain)
            return addOutput(output, *text);
        if (const auto* counts = std::get_if<Counts>(&*from); counts != nullptr && isPlain)
            return addOutput(output, *counts);
        const auto rows = asRows(*from);
        if (!rows)
            return errors_.add(output.at, "this output takes rows of fields, but is given " +
                                              std::string(kindOf(*from)));
        if (const auto planned = planOutput(*rows, output); !planned)
            errors_.add(output.at, planned.error().message);
    }

    template <class T>
    void addOutput(const OutputSpec& output, const DStream<T>& stream) {
        switch (output.type) {
            case OutputSpec::Type::kPrint:
                return stream.print(output.num, std::cout, output.skipEmpty);
            case OutputSpec::Type::kTextFiles:
                return stream.saveAsTextFiles(output.prefix, output.suffix, output.skipEmpty,
                                              output.compression);
            case OutputSpec::Type::kKafka: return stream.toKafka(output.kafka.options);
            default:
                return saveAsJsonLines(
                    stream, {output.path, output.emptyBatches, {}, output.compression},
                    [](std::string& out, const T& element) { appendJsonFields(out, element); });
        }
    }

    // Nothing when an error that is known already keeps it from being.
    std::optional<Stream> input(const std::string& name, Position at) {
        if (name.empty()) return last_;
        if (const auto found = byName_.find(name); found != byName_.end()) return found->second;
        std::vector<std::string> known;
        for (const auto& [known_name, stream] : byName_) known.push_back(known_name);
        errors_.add(
            at, "from \"" + name + "\" names no source or step above it" + suggestion(name, known));
        return std::nullopt;
    }

    void remember(const std::string& name, std::optional<Stream> stream) {
        if (!name.empty()) byName_.emplace(name, stream);
        last_ = std::move(stream);
    }

    const JobFile& job_;
    StreamingContext& context_;
    const Sources& sources_;
    JobFileErrors& errors_;
    const StreamObserver& observe_;
    std::map<std::string, unsigned> unnamed_;  // shown so far, by kind
    PlannedJob planned_;
    std::string became_;  // the query at hand
    std::size_t steps_ = 0;
    std::map<std::string, std::optional<Stream>> byName_;
    std::optional<Stream> last_;
    // The source that a step's records come from, by the names of sources and steps; of several the
    // first.
    std::map<std::string, std::string> origins_;
    std::string lastOrigin_;
    std::map<std::string, CsvRecords> csv_;  // of the sources that cut records of CSV, by name
};

}  // namespace

Result<PlannedJob> planJob(const JobFile& job, StreamingContext& context,
                           const std::map<std::string, DStream<std::string_view>>& sources,
                           const StreamObserver& observe) {
    JobFileErrors errors(job.path);
    PlannedJob planned = Planner(job, context, sources, errors, observe).plan();
    if (errors.empty()) return planned;
    return core::fail(ErrorKind::kInvalid, errors.text());
}

void addPlanErrors(const JobFile& job, JobFileErrors& errors) {
    StreamingOptions options = job.options;
    options.interval = std::max(options.interval, Duration(1));
    StreamingContext scratch(options);
    Planner(job, scratch, {}, errors).plan();
}

}  // namespace tidemill::tools
