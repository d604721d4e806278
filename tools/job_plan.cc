#include "tools/job_plan.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <variant>

#include "tidemill/tidemill.h"
#include "tools/json_lines.h"
#include "tools/row_steps.h"
#include "tools/toml_table.h"

namespace tidemill::tools {
namespace {

using core::ErrorKind;
using core::Result;

using Text = DStream<std::string_view>;
using Counts = DStream<std::pair<std::string_view, std::int64_t>>;
using Stream = std::variant<Text, Counts, RowStream>;

const char* kindOf(const Stream& stream) {
    constexpr const char* kKinds[] = {"text", "the pairs of a count step", "rows of fields"};
    return kKinds[stream.index()];
}

// Pairs are rows too, where rows are wanted.
std::optional<RowStream> asRows(const Stream& stream) {
    if (const auto* counts = std::get_if<Counts>(&stream)) return rowsOf(*counts);
    if (const auto* rows = std::get_if<RowStream>(&stream)) return *rows;
    return std::nullopt;
}

class Planner {
public:
    Planner(const JobFile& job, StreamingContext& context, JobFileErrors& errors)
        : job_(job), context_(context), errors_(errors) {}

    void plan() {
        for (const auto& source : job_.sources) addSource(source);
        for (const auto& step : job_.steps) addStep(step);
        for (const auto& output : job_.outputs)
            if (!output.wrong) addOutput(output);
    }

private:
    void addSource(const SourceSpec& source) {
        // Nothing that reads it can be judged, nor be called wrong for that.
        if (source.wrong) return remember(source.name, std::nullopt);
        makeSource(source);
        auto& declared = context_.job()->sources.back();
        declared.label = source.name.empty() ? "source of line " + std::to_string(source.at.line)
                                             : "source \"" + source.name + "\"";
        // In the words of the file.
        constexpr const char* kTypes[] = {"socket", "listen", "listen_acknowledged", "files"};
        if (declared.description.starts_with(declared.kind))
            declared.description.replace(0, declared.kind.size(),
                                         kTypes[static_cast<std::size_t>(source.type)]);
    }

    void makeSource(const SourceSpec& source) {
        tidemill::ListenOptions listen;
        listen.connectionsPerAddressMax = source.connectionsPerAddressMax;
        listen.connectionsMax = source.connectionsMax;
        listen.allowRemote = source.allowRemote;
        switch (source.type) {
            case SourceSpec::Type::kSocket:
                return remember(source.name, context_.socketTextStream(source.host, source.port));
            case SourceSpec::Type::kListen:
                return remember(source.name,
                                context_.listenTextStream(source.host, source.port, listen));
            case SourceSpec::Type::kListenAcknowledged:
                return remember(source.name,
                                context_.acknowledgedTextStream(source.host, source.port, listen));
            case SourceSpec::Type::kFiles:
                return remember(source.name,
                                context_.textFileStream(source.directory, source.files));
        }
    }

    // Messages name a step as the job file does.
    void addStep(const StepSpec& step) {
        const auto before = context_.job()->graph.nodes().size();
        declare(step);
        ++steps_;
        const auto& nodes = context_.job()->graph.nodes();
        for (auto i = before; i < nodes.size(); ++i)
            nodes[i]->setLabel("step " + std::to_string(steps_) + " (" + stepWord(step.type) +
                               (step.name.empty() ? "" : ", \"" + step.name + "\"") + ")");
    }

    void declare(const StepSpec& step) {
        if (step.wrong || (step.window != Duration(0) && job_.intervalWrong)) return remember(step.name, std::nullopt);
        const auto from = input(step.from, step.fromAt);
        if (!from) return remember(step.name, std::nullopt);
        try {
            remember(step.name, made(step, *from));
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
        if (step.type == Type::kAggregate || step.type == Type::kTop || step.type == Type::kJoin)
            return madeOfRows(step, from);
        const auto* text = std::get_if<Text>(&from);
        if (text == nullptr) return misfit(step, "text", from);
        switch (step.type) {
            case Type::kSplit: return text->flatMap(splitWords);
            case Type::kLowerCase: return lowerCase(*text);
            case Type::kFilter: return filter(*text, step);
            case Type::kFields: return takeFields(*text, step);
            default: break;
        }
        if (step.window == Duration(0)) return text->countByValue();
        return text->countByValueAndWindow(step.window, step.slide, step.name);
    }

    std::optional<Stream> madeOfRows(const StepSpec& step, const Stream& from) {
        const auto rows = asRows(from);
        if (!rows) return misfit(step, "rows of fields", from);
        auto result = step.type == StepSpec::Type::kAggregate ? aggregate(*rows, step)
                      : step.type == StepSpec::Type::kTop     ? top(*rows, step)
                                                              : joined(step, *rows);
        if (result) return std::move(*result);
        if (!result.error().message.empty()) errors_.add(step.at, result.error().message);
        return std::nullopt;
    }

    // An error without words is known already.
    Result<RowStream> joined(const StepSpec& step, const RowStream& left) {
        const auto with = input(step.with, step.at);
        if (!with) return core::fail(ErrorKind::kInvalid, "");
        const auto right = asRows(*with);
        if (!right)
            return core::fail(ErrorKind::kInvalid, "with \"" + step.with +
                                                       "\" must name rows of fields, but names " +
                                                       kindOf(*with));
        return join(left, *right, step);
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
        const auto pattern = std::make_shared<const re2::RE2>(step.pattern, re2::RE2::Quiet);
        return from.filter([pattern, drop = step.drop](std::string_view text) {
            return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *pattern) !=
                   drop;
        });
    }

    void addOutput(const OutputSpec& output) {
        const auto from = input(output.from, output.fromAt);
        if (!from) return;
        if (const auto* text = std::get_if<Text>(&*from))
            return addOutput(output, *text, {}, [](std::string& out, std::string_view line) {
                appendJsonFields(out, line);
            });
        if (const auto* counts = std::get_if<Counts>(&*from))
            return addOutput(output, *counts, {}, [](std::string& out, const auto& pair) {
                appendJsonFields(out, pair);
            });
        const auto& rows = std::get<RowStream>(*from);
        addOutput(output, rows.rows, rows.columns,
                  [columns = rows.columns](std::string& out, const Row& row) {
                      appendJsonFields(out, columns, row);
                  });
    }

    template <class T, class AppendJson>
    void addOutput(const OutputSpec& output, const DStream<T>& stream,
                   const std::vector<std::string>& columns, AppendJson appendJson) {
        switch (output.type) {
            case OutputSpec::Type::kPrint: return stream.print(output.num);
            case OutputSpec::Type::kTextFiles:
                return stream.saveAsTextFiles(output.prefix, output.suffix);
            case OutputSpec::Type::kJsonLines:
                return saveAsJsonLines(stream, {output.path, output.emptyBatches, columns},
                                       std::move(appendJson));
        }
    }

    // Nothing when an error that is known already keeps it from being.
    std::optional<Stream> input(const std::string& name, Position at) {
        if (name.empty()) return last_;
        if (const auto found = byName_.find(name); found != byName_.end()) return found->second;
        std::vector<std::string> known;
        for (const auto& [known_name, stream] : byName_) known.push_back(known_name);
        errors_.add(at, "from \"" + name + "\" names no source or step above it" +
                            suggestion(name, known));
        return std::nullopt;
    }

    void remember(const std::string& name, std::optional<Stream> stream) {
        if (!name.empty()) byName_.emplace(name, stream);
        last_ = std::move(stream);
    }

    const JobFile& job_;
    StreamingContext& context_;
    JobFileErrors& errors_;
    std::size_t steps_ = 0;
    std::map<std::string, std::optional<Stream>> byName_;
    std::optional<Stream> last_;
};

}  // namespace

Result<> planJob(const JobFile& job, StreamingContext& context) {
    JobFileErrors errors(job.path);
    Planner(job, context, errors).plan();
    if (errors.empty()) return {};
    return core::fail(ErrorKind::kInvalid, errors.text());
}

void addPlanErrors(const JobFile& job, JobFileErrors& errors) {
    StreamingOptions options = job.options;
    options.interval = std::max(options.interval, Duration(1));
    StreamingContext scratch(options);
    Planner(job, scratch, errors).plan();
}

}  // namespace tidemill::tools
