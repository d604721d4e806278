#include "tidemill/lineage.h"

#include <xxhash.h>

#include <cstdio>
#include <map>
#include <tuple>

#include "core/byte_codec.h"

namespace tidemill {
namespace {

constexpr std::string_view kFrom = " from=";

std::uint64_t hashOf(const core::ByteWriter& text) {
    return XXH3_64bits(text.bytes().data(), text.bytes().size());
}

struct Known {
    Lineage lineage;
    std::uint64_t functions = 0;  // of their objects too, as far as this process can compare them
};

// By the numbers of nodes; parents come before their children.
std::vector<Known> knownOf(const core::Graph& graph) {
    std::vector<Known> all;
    std::map<std::string, std::uint32_t> sources;  // so far, by kind
    for (const auto& node : graph.nodes()) {
        core::ByteWriter steps, origins, functions;
        const auto add = [&](const core::Node& before) {
            const auto& known = all.at(before.number());
            steps.u64(known.lineage.steps);
            origins.u64(known.lineage.origins);
            functions.u64(known.functions);
        };
        for (const auto* parent : node->parents()) add(*parent);
        if (node->origin() != nullptr) add(*node->origin());
        const bool isSource = node->parents().empty() && node->origin() == nullptr;
        steps.string(node->kind());
        steps.string(node->detail());
        steps.string(node->userFunction().type);
        functions.string(node->userFunction().object);
        if (isSource) steps.u32(sources[node->kind()]);
        Known known{{hashOf(steps), 0}, hashOf(functions)};
        if (isSource || node->origin() != nullptr || node->parents().size() > 1) {
            origins.string(node->kind());
            if (isSource) origins.u32(sources[node->kind()]++);
            known.lineage.origins = hashOf(origins);
        } else {
            known.lineage.origins = all.at(node->parents().front()->number()).lineage.origins;
        }
        all.push_back(known);
    }
    return all;
}

}  // namespace

std::vector<Lineage> lineagesOf(const Job& job) {
    const auto known = knownOf(job.graph);
    std::vector<Lineage> lineages;
    for (const auto& state : job.states)
        lineages.push_back(state.node ? known.at(state.node->number()).lineage : Lineage{});
    return lineages;
}

core::Result<> distinguish(const Job& job) {
    if (job.stepsAreDetailed) return {};
    const auto known = knownOf(job.graph);
    std::map<std::tuple<std::string, std::uint64_t>, std::pair<const StateDeclaration*, Known>>
        seen;
    for (const auto& state : job.states) {
        if (state.isNamed || state.node == nullptr) continue;
        const auto of = known.at(state.node->number());
        const auto [first, isNew] =
            seen.try_emplace({state.signature, of.lineage.steps}, &state, of);
        if (!isNew && first->second.second.functions != of.functions)
            return core::fail(
                core::ErrorKind::kInvalid,
                "the states " + first->second.first->name + " and " + state.name + " (" +
                    state.signature +
                    ") have no names and are made in the same way but for functions, so that a "
                    "program in which they have changed places could take each other's: give them "
                    "names (the last argument of a window, .named(\"...\") of other states); what "
                    "is kept already is found under \"" +
                    first->second.first->name + "\" and \"" + state.name + "\"");
    }
    return {};
}

std::string withLineage(const std::string& signature, const Lineage& lineage) {
    char text[64];
    std::snprintf(text, sizeof text, "%016llx.%016llx",
                  static_cast<unsigned long long>(lineage.steps),
                  static_cast<unsigned long long>(lineage.origins));
    return signature + std::string(kFrom) + text;
}

KeptSignature splitSignature(std::string_view kept) {
    KeptSignature split{kept, true, {}};
    const auto at = kept.rfind(kFrom);
    if (at == kept.npos) return split;
    unsigned long long steps = 0, origins = 0;
    if (std::sscanf(std::string(kept.substr(at + kFrom.size())).c_str(), "%16llx.%16llx", &steps,
                    &origins) != 2)
        return split;
    return {kept.substr(0, at), false, {steps, origins}};
}

}  // namespace tidemill
