// The graph of a job: what is one node of it, and what is known of its edges.
#include "tools/control/job_graph.h"

#include <gmock/gmock.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>

#include "tidemill/tidemill.h"

namespace tidemill::tools {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;
using Edges = std::multiset<std::string>;

auto ones() {
    return [](std::string_view word) { return std::pair(word, 1L); };
}

// "textFile+flatMap > reduceByKey 3": what is fused, and what went over the edge.
struct Shown {
    explicit Shown(const Json& graph) {
        std::map<int, std::string> names;
        for (const auto& node : graph["nodes"]) {
            std::string name = node["kind"] == "output" ? node["name"].get<std::string>() : "";
            for (const auto& one : node.value("operators", Json::array()))
                name += (name.empty() ? "" : "+") + one["operator"].get<std::string>();
            for (const auto& state : node.value("states", Json::array()))
                name += " keeps " + state.get<std::string>();
            if (node["kind"] != "output" && !node.contains("last_ms")) name += " without a stage";
            names[node["id"]] = name;
            nodes.insert(name);
        }
        for (const auto& edge : graph["edges"])
            edges.insert(names[edge["from"]] + " > " + names[edge["to"]] +
                         (edge.contains("records") ? " " + edge["records"].dump() : ""));
    }
    Edges nodes, edges;
};

Shown afterOneBatch(StreamingContext& context) {
    const JobGraph graph(*context.job());
    context.start();
    EXPECT_TRUE(context.awaitBatch(1));
    const auto status = context.status();
    context.stop();
    return Shown(graph.report(status, status, 0));
}

constexpr std::string_view kText = "the tide turns the mill\nthe mill turns\n";

TEST(JobGraph, NarrowStepsAreOneNodeWithTheStageTheyRunIn) {
    StreamingContext context(20ms);
    std::ostringstream out;
    context.memoryTextStream(kText)
        .flatMap(splitWords)
        .filter([](std::string_view word) { return word != "tide"; })
        .map(ones())
        .reduceByKey(std::plus<>())
        .print(10, out);
    const auto shown = afterOneBatch(context);
    EXPECT_THAT(shown.edges, testing::UnorderedElementsAre(
                                 testing::EndsWith("+flatMap+filter+map > reduceByKey 7"),
                                 "reduceByKey > print 3"));
    EXPECT_EQ(shown.nodes.size(), 3u);
}

TEST(JobGraph, WhereAStreamIsReadTwiceItsReadersAreNodesOfTheirOwn) {
    StreamingContext context(20ms);
    std::ostringstream out;
    const auto words = context.memoryTextStream(kText).flatMap(splitWords);
    words.map(ones()).reduceByKey(std::plus<>()).print(10, out);
    words.map([](std::string_view word) { return std::pair(word.size(), 1L); })
        .reduceByKey(std::plus<>())
        .print(10, out);
    const auto shown = afterOneBatch(context);
    // Nothing is counted twice: the stream gives 8 words to both.
    EXPECT_THAT(shown.edges,
                testing::UnorderedElementsAre(testing::EndsWith("+flatMap > map without a stage 8"),
                                              testing::EndsWith("+flatMap > map without a stage 8"),
                                              "map without a stage > reduceByKey 8",
                                              "map without a stage > reduceByKey 8",
                                              "reduceByKey > print 4", "reduceByKey > print 3"));
}

TEST(JobGraph, WhatOnlyAnOutputReadsIsCountedThere) {
    StreamingContext context(20ms);
    std::ostringstream out;
    const auto lines = context.memoryTextStream(kText);
    lines.map([](std::string_view line) { return line.size(); }).print(10, out);
    const auto shown = afterOneBatch(context);
    EXPECT_THAT(shown.edges, testing::ElementsAre(testing::EndsWith("+map > print 2")));
    EXPECT_EQ(shown.nodes.size(), 2u);
}

TEST(JobGraph, AUnionAndAWholeBatchesFunctionHaveNodes) {
    StreamingContext context(20ms);
    std::ostringstream out;
    const auto lines = context.memoryTextStream(kText);
    const auto longer = lines.filter([](std::string_view line) { return line.size() > 15; });
    lines.unionWith(longer)
        .transform([](Batch<std::string_view>& batch) { return batch.collect(); })
        .map(ones())
        .runningTotals("totals");
    const auto shown = afterOneBatch(context);
    EXPECT_THAT(shown.edges,
                testing::IsSupersetOf({testing::HasSubstr("filter without a stage > union"),
                                       testing::HasSubstr("union without a stage > transform")}));
    EXPECT_THAT(shown.edges, testing::Contains(testing::HasSubstr(" keeps totals 2")));
    // It reads the union by itself, once.
    for (const auto& edge : shown.edges) {
        if (edge.find("> transform") == edge.npos) continue;
        EXPECT_THAT(edge, testing::EndsWith("+map"));
    }
}

TEST(JobGraph, AnEmptyJobAndOneThatIsTooLargeAreSaidSo) {
    EXPECT_TRUE(JobGraph().report({}, {}, 1)["nodes"].empty());
    StreamingContext context(20ms);
    auto stream = context.memoryTextStream(kText);
    for (std::size_t i = 0; i < JobGraph::kOperators; ++i)
        stream = stream.filter([](std::string_view) { return true; });
    stream.print();
    const auto report = JobGraph(*context.job()).report({}, {}, 1);
    EXPECT_EQ(report["too_large"], true);
    EXPECT_TRUE(report["nodes"].empty());
}

TEST(JobGraph, RatesAreBetweenTwoReadings) {
    StreamingContext context(20ms);
    std::ostringstream out;
    context.memoryTextStream(kText)
        .flatMap(splitWords)
        .map(ones())
        .reduceByKey(std::plus<>())
        .print(10, out);
    const JobGraph graph(*context.job());
    EngineStatus then, now;
    then.steps.steps.resize(context.job()->graph.nodes().size());
    now = then;
    // Of the last operator that is fused with the source.
    const auto& nodes = context.job()->graph.nodes();
    const auto last = nodes.back()->parents().front()->number();
    then.steps.steps[last].elements = 1000;
    now.steps.steps[last].elements = 1500;
    now.steps.steps[nodes.back()->number()].ran = 250ms;
    now.lastSteps.steps = now.steps.steps;
    now.steps.reads = {{0, nodes.back()->number(), 30}};
    then.steps.reads = {{0, nodes.back()->number(), 10}};
    const auto report = graph.report(then, now, 5);
    EXPECT_EQ(report["edges"][0]["records_per_s"], 100.0);
    EXPECT_EQ(report["edges"][1]["records_per_s"], 4.0);
    EXPECT_EQ(report["nodes"][1]["last_ms"], 250.0);
    EXPECT_EQ(report["nodes"][1]["busy"], 0.05);
    // Two readings of one moment have no rates.
    EXPECT_FALSE(graph.report(now, now, 0)["edges"][0].contains("records_per_s"));
}

TEST(JobGraph, ABatchsStagesOutputsAndTheRestAreItsTime) {
    StreamingContext context(20ms);
    std::ostringstream out;
    context.memoryTextStream(kText).map(ones()).reduceByKey(std::plus<>()).print(10, out);
    const JobGraph graph(*context.job());
    BatchInfo batch;
    batch.id = 7;
    batch.processingDelay = 100ms;
    batch.steps = {{0, 20ms}, {2, 50ms}};
    OutputInfo output;
    output.description = "print";
    output.duration = 10ms;
    const auto times = graph.stagesOf(batch, {output});
    EXPECT_EQ(times["stages"][0]["ms"], 50.0) << "the longest first";
    EXPECT_EQ(times["stages"][1]["ms"], 20.0);
    EXPECT_EQ(times["outputs"][0]["ms"], 10.0);
    EXPECT_EQ(times["rest"], 20.0);
    batch.processingDelay.reset();
    EXPECT_FALSE(graph.stagesOf(batch, {}).contains("rest")) << "while it runs";
}

// A listener hears of the stages, and that the last batch's are those of the status.
TEST(JobGraph, AListenerHearsWhereTheTimeWent) {
    StreamingContext context(20ms);
    std::ostringstream out;
    context.memoryTextStream(kText).map(ones()).reduceByKey(std::plus<>()).print(10, out);
    std::map<std::size_t, std::chrono::nanoseconds> ran;
    std::optional<std::chrono::nanoseconds> whole;
    context.onBatchCompleted([&](const BatchInfo& batch) {
        if (whole) return;
        for (const auto& step : batch.steps) ran[step.step] = step.duration;
        whole = batch.processingDelay;
    });
    context.start();
    EXPECT_TRUE(context.awaitBatch(2));
    context.stop();
    ASSERT_TRUE(whole);
    std::chrono::nanoseconds sum{};
    for (const auto& [step, took] : ran) sum += took;
    EXPECT_TRUE(ran.contains(0)) << "the source's stage";
    EXPECT_FALSE(ran.contains(1)) << "a map begins none";
    EXPECT_TRUE(ran.contains(2)) << "the shuffle's";
    EXPECT_LE(sum, *whole);
}

}  // namespace
}  // namespace tidemill::tools
