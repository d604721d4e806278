// The job as a graph for people: sources, steps, states and outputs, what goes from one to the
// next, and where the time of a batch went.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tidemill/job.h"
#include "tidemill/status.h"
#include "tidemill/streaming_listener.h"

namespace tidemill::tools {

// A node of the graph is an operator and those that are fused behind it: a chain in which each is
// read by the next one alone, and elements pass without being kept. What begins a stage (a source,
// a shuffle, a state) has a time of its own; what lies between such nodes runs in the stages that
// lead there, or in the outputs that read it. Thread safety: immutable.
class JobGraph {
public:
    // Of more operators than this nothing is shown but that there are too many.
    static constexpr std::size_t kOperators = 2000;

    JobGraph() = default;
    // Of a job that is declared whole.
    explicit JobGraph(const Job& job);

    // With its rates between two readings that lie `seconds` apart (0: without), and the last
    // batch's numbers. docs/formats/control.md.
    nlohmann::ordered_json report(const EngineStatus& then, const EngineStatus& now,
                                  double seconds) const;

    // Where the processing of a batch went: its stages, the longest first, and what else.
    nlohmann::ordered_json stagesOf(const BatchInfo& batch,
                                    const std::vector<OutputInfo>& outputs) const;

private:
    struct Operator {
        std::string kind;
        std::string label;
    };
    struct Box {
        std::vector<std::uint32_t> operators;  // by Node::number(), in their order
        std::optional<std::uint32_t> source;
        bool beginsStage = false;
        std::vector<std::string> states;
    };
    struct Edge {
        std::size_t from = 0;  // in boxes_
        std::size_t to = 0;
        std::uint32_t operatorFrom = 0;
        bool isPushed = false;  // what passes is counted
    };

    void addBoxes(const core::Graph& graph);
    void addEdges(const core::Graph& graph);
    std::string nameOf(const Box& box) const;
    nlohmann::ordered_json boxJson(const Box& box, std::size_t id, const EngineStatus& then,
                                   const EngineStatus& now, double seconds) const;
    nlohmann::ordered_json edgeJson(const Edge& edge, const EngineStatus& then,
                                    const EngineStatus& now, double seconds) const;
    // That have gone over the edge since the start.
    std::uint64_t elementsOver(const Edge& edge, const EngineStatus& status) const;

    std::vector<Operator> operators_;  // by Node::number()
    std::vector<std::string> sources_;
    std::vector<std::string> outputs_;
    std::vector<Box> boxes_;
    std::vector<std::size_t> boxOf_;  // by Node::number(); kNone: in none
    std::vector<Edge> edges_;
    bool isTooLarge_ = false;
};

}  // namespace tidemill::tools
