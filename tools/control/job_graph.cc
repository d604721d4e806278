#include "tools/control/job_graph.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/control/shown_text.h"

namespace tidemill::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kNone = ~std::size_t{0};

double millis(std::chrono::nanoseconds time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

core::StepMeasure measureOf(const core::StepMeasures& measures, std::uint32_t node) {
    return node < measures.steps.size() ? measures.steps[node] : core::StepMeasure{};
}

std::uint64_t readOf(const core::StepMeasures& measures, std::uint32_t output, std::uint32_t node) {
    for (const auto& read : measures.reads)
        if (read.output == output && read.node == node) return read.elements;
    return 0;
}

// Never below 0: counters begin anew only with the process.
double rate(std::uint64_t then, std::uint64_t now, double seconds) {
    return now < then ? 0.0 : static_cast<double>(now - then) / seconds;
}

// What the job file calls it, without what all steps behind one source have in common.
std::string labelOf(const core::Node& node) {
    const auto& label = node.label();
    return label.substr(0, label.find(" of source \""));
}

// Which operators read which, and what of it is pushed in stages.
class Readers {
public:
    explicit Readers(const core::Graph& graph)
        : readers_(graph.nodes().size()), runs_(graph.nodes().size()) {
        for (const auto& node : graph.nodes())
            for (const auto* parent : node->parents())
                if (node->required()) readers_[parent->number()].push_back(node.get());
        // Readers come behind what they read.
        for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node)
            runs_[(*node)->number()] =
                (*node)->required() && ((*node)->beginsStage() || anyPushed((*node)->number()));
    }
    const std::vector<const core::Node*>& of(const core::Node& node) const {
        return readers_[node.number()];
    }
    // Whether a stage pushes elements into `reader`.
    bool isPushed(const core::Node& reader) const {
        return !reader.pullsElements() && runs_[reader.number()];
    }

private:
    bool anyPushed(std::uint32_t node) const {
        return std::any_of(readers_[node].begin(), readers_[node].end(),
                           [this](const core::Node* reader) { return isPushed(*reader); });
    }

    std::vector<std::vector<const core::Node*>> readers_;
    std::vector<bool> runs_;  // a stage leads through it
};

// The one operator whose elements pass into `node` and nowhere else; null: it begins a box.
const core::Node* fusedInto(const core::Node& node, const Readers& readers) {
    if (node.beginsStage() || node.parents().size() != 1) return nullptr;
    const auto* parent = node.parents().front();
    return readers.of(*parent).size() == 1 ? parent : nullptr;
}

}  // namespace

JobGraph::JobGraph(const Job& job) {
    for (const auto& source : job.sources) sources_.push_back(source.description);
    for (const auto& output : job.graph.outputs()) outputs_.push_back(output->describe());
    const auto& nodes = job.graph.nodes();
    boxOf_.assign(nodes.size(), kNone);
    isTooLarge_ = nodes.size() > kOperators;
    if (isTooLarge_) return;
    for (const auto& node : nodes) operators_.push_back({node->kind(), labelOf(*node)});
    addBoxes(job.graph);
    addEdges(job.graph);
    for (const auto& state : job.states)
        if (state.node != nullptr && boxOf_.at(state.node->number()) != kNone)
            boxes_[boxOf_[state.node->number()]].states.push_back(state.name);
}

void JobGraph::addBoxes(const core::Graph& graph) {
    const Readers readers(graph);
    for (const auto& node : graph.nodes()) {
        if (!node->required()) continue;
        const auto* parent = fusedInto(*node, readers);
        auto box = parent != nullptr ? boxOf_[parent->number()] : kNone;
        if (box == kNone) {
            box = boxes_.size();
            boxes_.emplace_back();
            boxes_[box].beginsStage = node->beginsStage();
            if (const auto source = node->inputSource()) boxes_[box].source = source->value;
        }
        boxes_[box].operators.push_back(node->number());
        boxOf_[node->number()] = box;
    }
}

void JobGraph::addEdges(const core::Graph& graph) {
    const Readers readers(graph);
    const auto add = [&](const core::Node& from, const core::Node& to, bool isPushed) {
        const auto begin = boxOf_[from.number()];
        const auto end = boxOf_[to.number()];
        if (begin != kNone && end != kNone && begin != end)
            edges_.push_back({begin, end, from.number(), isPushed});
    };
    for (const auto& node : graph.nodes()) {
        if (!node->required()) continue;
        for (const auto* parent : node->parents()) add(*parent, *node, readers.isPushed(*node));
        // A view of a state reads it; nothing is handed on.
        if (node->origin() != nullptr && node->parents().empty())
            add(*node->origin(), *node, false);
    }
}

// "source "in"", or what begins the box.
std::string JobGraph::nameOf(const Box& box) const {
    if (box.source && *box.source < sources_.size()) return sources_[*box.source];
    return operators_[box.operators.front()].label;
}

std::uint64_t JobGraph::elementsOver(const Edge& edge, const EngineStatus& status) const {
    const auto& box = boxes_[edge.from];
    // Text is handed on in pieces that are not cut into lines yet.
    if (box.source && edge.operatorFrom == box.operators.front())
        return *box.source < status.sources.size() ? status.sources[*box.source].processedRecords
                                                   : 0;
    return measureOf(status.steps, edge.operatorFrom).elements;
}

Json JobGraph::boxJson(const Box& box, std::size_t id, const EngineStatus& then,
                       const EngineStatus& now, double seconds) const {
    const auto first = box.operators.front();
    Json json{{"id", id + 1},
              {"kind", box.source            ? "source"
                       : !box.states.empty() ? "state"
                                             : "step"},
              {"name", shownText(nameOf(box))}};
    if (box.source) json["source"] = *box.source + 1;
    json["operators"] = Json::array();
    for (const auto number : box.operators)
        json["operators"].push_back({{"operator", shownText(operators_[number].kind)},
                                     {"step", shownText(operators_[number].label)}});
    json["states"] = Json::array();
    for (const auto& state : box.states) json["states"].push_back(shownText(state));
    if (!box.beginsStage) return json;
    json["last_ms"] = millis(measureOf(now.lastSteps, first).ran);
    if (seconds > 0)
        json["busy"] = std::chrono::duration<double>(measureOf(now.steps, first).ran -
                                                     measureOf(then.steps, first).ran)
                           .count() /
                       seconds;
    return json;
}

Json JobGraph::edgeJson(const Edge& edge, const EngineStatus& then, const EngineStatus& now,
                        double seconds) const {
    Json json{{"from", edge.from + 1}, {"to", edge.to + 1}};
    if (!edge.isPushed) return json;
    json["records"] = elementsOver(edge, now);
    if (seconds > 0)
        json["records_per_s"] = rate(elementsOver(edge, then), elementsOver(edge, now), seconds);
    return json;
}

Json JobGraph::report(const EngineStatus& then, const EngineStatus& now, double seconds) const {
    Json json{{"nodes", Json::array()}, {"edges", Json::array()}};
    if (isTooLarge_) json["too_large"] = true;
    for (std::size_t i = 0; i < boxes_.size(); ++i)
        json["nodes"].push_back(boxJson(boxes_[i], i, then, now, seconds));
    for (const auto& edge : edges_) json["edges"].push_back(edgeJson(edge, then, now, seconds));
    if (isTooLarge_) return json;
    for (std::size_t i = 0; i < outputs_.size(); ++i)
        json["nodes"].push_back({{"id", boxes_.size() + i + 1},
                                 {"kind", "output"},
                                 {"name", shownText(outputs_[i])},
                                 {"output", i + 1}});
    for (const auto& read : now.steps.reads) {
        if (read.output >= outputs_.size() || read.node >= boxOf_.size()) continue;
        if (boxOf_[read.node] == kNone) continue;
        Json edge{{"from", boxOf_[read.node] + 1},
                  {"to", boxes_.size() + read.output + 1},
                  {"records", read.elements}};
        if (seconds > 0)
            edge["records_per_s"] =
                rate(readOf(then.steps, read.output, read.node), read.elements, seconds);
        json["edges"].push_back(std::move(edge));
    }
    return json;
}

Json JobGraph::stagesOf(const BatchInfo& batch, const std::vector<OutputInfo>& outputs) const {
    Json stages = Json::array();
    auto rest = batch.processingDelay.value_or(std::chrono::nanoseconds());
    auto steps = batch.steps;
    std::stable_sort(steps.begin(), steps.end(),
                     [](const auto& a, const auto& b) { return a.duration > b.duration; });
    for (const auto& step : steps) {
        rest -= step.duration;
        if (step.step >= boxOf_.size() || boxOf_[step.step] == kNone) continue;
        const auto box = boxOf_[step.step];
        stages.push_back({{"node", box + 1},
                          {"name", shownText(nameOf(boxes_[box]))},
                          {"ms", millis(step.duration)}});
    }
    Json all{{"batchId", batch.id}, {"stages", std::move(stages)}, {"outputs", Json::array()}};
    for (const auto& output : outputs) {
        const auto took = output.duration.value_or(std::chrono::nanoseconds());
        rest -= took;
        all["outputs"].push_back({{"output", output.output + 1},
                                  {"name", shownText(output.description)},
                                  {"ms", millis(took)}});
    }
    if (batch.processingDelay) {
        all["processingTime"] = millis(*batch.processingDelay);
        all["rest"] = std::max(0.0, millis(rest));
    }
    return all;
}

}  // namespace tidemill::tools
