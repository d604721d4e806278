#include "tidemill/job.h"

#include <xxhash.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "core/byte_codec.h"
#include "core/logging.h"
#include "tidemill/operator_match.h"

namespace tidemill {

using core::ErrorKind;
using core::fail;
using core::Result;

std::uint64_t Job::fingerprint() const {
    core::ByteWriter text;
    text.u32(static_cast<std::uint32_t>(sources.size()));
    for (const auto& source : sources) {
        text.string(source.kind);
        text.string(source.elements);
        text.u8(static_cast<std::uint8_t>(source.framing));
        text.u8(source.replayable ? 1 : 0);
    }
    std::vector<std::pair<std::string, std::string>> named;
    for (const auto& state : states)
        named.emplace_back(state.name,
                           withoutNames(state.signature) +
                               (state.lifetime == Duration(0)
                                    ? ""
                                    : " idle_ms=" + std::to_string(state.lifetime.count())));
    std::sort(named.begin(), named.end());
    for (const auto& [name, signature] : named) {
        text.string(name);
        text.string(signature);
    }
    return XXH3_64bits(text.bytes().data(), text.bytes().size());
}

std::uint64_t Job::beginFingerprint(const std::vector<bool>& isNew) const {
    std::map<std::string, std::uint64_t> taken;
    for (std::size_t i = 0; i < states.size(); ++i)
        if (isNew.at(i) && states[i].initialStates != 0)
            taken.emplace(states[i].name, states[i].initialStates);
    if (taken.empty()) return fingerprint();
    core::ByteWriter text;
    for (const auto& [name, initial] : taken) {
        text.string(name);
        text.u64(initial);
    }
    return fingerprint() ^ XXH3_64bits(text.bytes().data(), text.bytes().size());
}

std::uint64_t Job::steps(std::string_view version) const {
    core::ByteWriter text;
    for (const auto& node : graph.nodes()) {
        text.string(node->kind());
        text.u32(static_cast<std::uint32_t>(node->parents().size()));
        for (const auto* parent : node->parents()) text.u32(parent->number());
    }
    text.string(version);
    return XXH3_64bits(text.bytes().data(), text.bytes().size());
}

std::string Job::sourceKinds() const {
    std::string text;
    for (const auto& source : sources) {
        text += source.kind;
        if (!source.elements.empty()) text += " of " + source.elements;
        text += '\n';
    }
    return text;
}

std::string Job::stableName(std::string_view kind) {
    return std::string(kind) + "-" + std::to_string(++unnamed_[std::string(kind)]);
}

Result<> Job::validate() const {
    if (graph.outputs().empty() && states.empty() && !remembers)
        return fail(ErrorKind::kInvalid,
                    "the job has no output operation: add print(), forEachBatch(), "
                    "saveAsTextFiles() or a named state such as runningTotals(), or nothing "
                    "would ever be computed");
    if (sources.empty())
        return fail(ErrorKind::kInvalid,
                    "the job has no source: add socketTextStream() or another");
    std::set<std::string> names;
    for (const auto& state : states) {
        if (state.name.empty())
            return fail(ErrorKind::kInvalid, "a stateful operator has an empty name");
        constexpr std::size_t kBytesMax = 4096;  // as docs/formats/batch_mark.md says
        if (state.name.size() > kBytesMax || state.signature.size() > kBytesMax)
            return fail(ErrorKind::kInvalid,
                        "the name of the stateful operator \"" + core::escaped(state.name) +
                            "\", or what is kept under it, takes more than 4096 bytes: name=" +
                            std::to_string(state.name.size()) +
                            " types=" + std::to_string(state.signature.size()));
        if (!names.insert(state.name).second)
            return fail(ErrorKind::kInvalid, "two stateful operators have the name \"" +
                                                 state.name +
                                                 "\"; state is kept by name, so names must differ");
    }
    // Each would take the other's results for its own.
    std::set<std::string> places;
    for (const auto& output : graph.outputs())
        if (const auto place = output->place(); !place.empty() && !places.insert(place).second)
            return fail(ErrorKind::kInvalid, "two outputs write to the same place, " + place +
                                                 ": give each a prefix or a directory of its own");
    return {};
}

std::string Job::describe() const {
    std::string text;
    for (const auto& source : sources) text += "source   " + source.description + "\n";
    for (const auto& node : graph.nodes())
        if (!node->parents().empty()) text += "step     " + node->kind() + "\n";
    for (const auto& state : states)
        text += "state    " + state.name + " (" + state.signature + ")\n";
    for (const auto& output : graph.outputs()) text += "output   " + output->describe() + "\n";
    return text;
}

void requireNotStarted(const Job& job, const char* operation) {
    if (job.started)
        throw std::logic_error(std::string(operation) +
                               ": streams and outputs cannot be added after start()");
}

}  // namespace tidemill
