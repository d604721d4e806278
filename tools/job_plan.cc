#include "tools/job_plan.h"

#include <re2/re2.h>

#include <map>
#include <memory>
#include <optional>
#include <variant>

#include "tidemill/tidemill.h"
#include "tools/json_lines.h"
#include "tools/toml_table.h"

namespace tidemill::tools {
namespace {

using core::ErrorKind;
using core::Result;

using Text = DStream<std::string_view>;
using Counts = DStream<std::pair<std::string_view, std::int64_t>>;
using Stream = std::variant<Text, Counts>;

const char* kindOf(const Stream& stream) {
    return std::holds_alternative<Text>(stream) ? "text" : "(word, number) pairs";
}

class Planner {
public:
    Planner(const JobFile& job, StreamingContext& context) : job_(job), context_(context) {}

    Result<> plan() {
        for (const auto& source : job_.sources) addSource(source);
        for (const auto& step : job_.steps) addStep(step);
        for (const auto& output : job_.outputs) addOutput(output);
        if (errors_.empty()) return {};
        return core::fail(ErrorKind::kInvalid, errors_.text());
    }

private:
    void addSource(const SourceSpec& source) {
        tidemill::ListenOptions listen;
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
        }
    }

    void addStep(const StepSpec& step) {
        const auto from = input(step.from, step.fromAt);
        if (!from) return remember(step.name, std::nullopt);
        const bool wantsText = step.type != StepSpec::Type::kRunningTotals;
        if (wantsText != std::holds_alternative<Text>(*from)) {
            errors_.add(step.at, std::string("this step takes ") +
                                     (wantsText ? "text" : "the pairs of a count step") +
                                     ", but is given " + kindOf(*from));
            return remember(step.name, std::nullopt);
        }
        if (step.type == StepSpec::Type::kRunningTotals)
            return remember(step.name, std::get<Counts>(*from).runningTotals(step.name));
        const Text& text = std::get<Text>(*from);
        switch (step.type) {
            case StepSpec::Type::kSplit: return remember(step.name, text.flatMap(splitWords));
            case StepSpec::Type::kLowerCase: return remember(step.name, lowerCase(text));
            case StepSpec::Type::kFilter: return remember(step.name, filter(text, step));
            case StepSpec::Type::kCount: return remember(step.name, text.countByValue());
            case StepSpec::Type::kRunningTotals: break;
        }
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
        if (from) std::visit([&](const auto& stream) { addOutput(output, stream); }, *from);
    }

    template <class T>
    void addOutput(const OutputSpec& output, const DStream<T>& stream) {
        switch (output.type) {
            case OutputSpec::Type::kPrint: return stream.print(output.num);
            case OutputSpec::Type::kTextFiles:
                return stream.saveAsTextFiles(output.prefix, output.suffix);
            case OutputSpec::Type::kJsonLines: return saveAsJsonLines(stream, output.path);
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
    JobFileErrors errors_{job_.path};
    std::map<std::string, std::optional<Stream>> byName_;
    std::optional<Stream> last_;
};

}  // namespace

Result<> planJob(const JobFile& job, StreamingContext& context) {
    return Planner(job, context).plan();
}

}  // namespace tidemill::tools
