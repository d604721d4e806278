// Random operator graphs on random batches, killed and restarted, against a naive engine that
// computes every batch from the whole history. TIDEMILL_GRAPHS and TIDEMILL_SEED make it longer or
// repeat a failure.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "core/logging.h"
#include "tests/differential/model.h"
#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

constexpr std::size_t kRecordsMax = 300;  // of a batch of any stream: joins multiply

long setting(const char* name, long otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::atol(text);
}

// One run of the job: how many batches, and how it ends.
struct LifePlan {
    std::vector<std::int64_t> ticks;
    bool graceful = false;
    unsigned workers = 1;
};

struct NodePlan {
    Operator operation;
    std::vector<std::size_t> parents;
    History history;
    bool isLeaf = true;
};

class RandomRun {
public:
    RandomRun(unsigned seed, const std::vector<OperatorKind>& kinds,
              std::map<std::string, long>& counts)
        : seed_(seed), random_(seed), counts_(counts) {
        drawLives();
        drawInputs();
        const auto operators = number(2, 8);
        while (nodes_.size() < inputs_.size() + static_cast<std::size_t>(operators))
            drawNode(kinds[static_cast<std::size_t>(
                number(0, static_cast<std::int64_t>(kinds.size()) - 1))]);
    }

    // False when what the streams gave is not what the model computes.
    bool run() {
        for (const auto& life : lives_) {
            live(life);
            if (::testing::Test::HasFatalFailure()) return false;
        }
        return compare();
    }

private:
    std::int64_t number(std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
    }

    void drawLives() {
        durable_ = number(0, 2) != 0;
        const auto count = durable_ ? number(1, 4) : 1;
        std::int64_t tick = 0;
        for (std::int64_t i = 0; i < count; ++i) {
            LifePlan life;
            const unsigned workers[] = {1, 2, 3, 7};
            life.workers = workers[number(0, 3)];
            std::int64_t first = tick + 1;
            if (i > 0 && number(0, 2) == 0) {
                first += number(1, 8);
                ++counts_["life after a downtime"];
            }
            const auto batches = number(2, 6);
            for (tick = first; tick < first + batches; ++tick) life.ticks.push_back(tick);
            --tick;
            life.graceful = number(0, 2) == 0;
            if (durable_) ++counts_[life.graceful ? "life ended gracefully" : "life ended by a kill"];
            else ++counts_["life in memory"];
            ticks_.insert(ticks_.end(), life.ticks.begin(), life.ticks.end());
            lives_.push_back(std::move(life));
        }
        tinyDelta_ = number(0, 3) == 0;
        checkpointMillis_ = 1000 * number(1, 5);
    }

    void drawInputs() {
        const char* keys[] = {"a", "b", "c", "d", "", "über", "a key that is no short one"};
        for (std::int64_t i = number(1, 2); i > 0; --i) {
            NodePlan input;
            input.operation.name = "queueStream";
            for (const auto tick : ticks_) {
                auto& records = input.history[tick];
                if (number(0, 3) == 0) continue;
                for (std::int64_t n = number(0, 12); n > 0; --n)
                    records.emplace_back(keys[number(0, 6)], number(-5, 20));
            }
            inputs_.push_back(nodes_.size());
            nodes_.push_back(std::move(input));
        }
    }

    void drawNode(const OperatorKind& kind) {
        NodePlan node;
        node.parents.push_back(
            static_cast<std::size_t>(number(0, static_cast<std::int64_t>(nodes_.size()) - 1)));
        const auto slide = nodes_[node.parents[0]].operation.slide;
        if (kind.parents == 2) {
            std::vector<std::size_t> alike;
            for (std::size_t i = 0; i < nodes_.size(); ++i)
                if (nodes_[i].operation.slide == slide) alike.push_back(i);
            node.parents.push_back(alike[static_cast<std::size_t>(
                number(0, static_cast<std::int64_t>(alike.size()) - 1))]);
        }
        std::map<std::string, long> counts;
        Draw draw{random_, slide, ticks_, counts};
        node.operation = kind.draw(draw);
        node.operation.name = kind.name;
        if (node.operation.slide > 6) return;
        std::vector<History> parents;
        for (const auto parent : node.parents) parents.push_back(nodes_[parent].history);
        node.history = node.operation.compute(parents);
        for (const auto& [tick, records] : node.history)
            if (records.size() > kRecordsMax) return;
        for (const auto parent : node.parents) nodes_[parent].isLeaf = false;
        ++counts_[kind.name];
        for (const auto& [name, times] : counts) counts_[name] += times;
        nodes_.push_back(std::move(node));
    }

    void live(const LifePlan& plan) {
        StreamingOptions options;
        if (durable_) options.directory = directory_ / "data";
        options.workers = plan.workers;
        options.checkpointInterval = Duration(checkpointMillis_);
        if (tinyDelta_) options.deltaBudgetBytes = 64 << 10;
        // A batch that is due when the job starts runs at once.
        const bool late = plan.ticks.front() > lastTick_ + 1;
        Life life(options, fromMillis(kTickMillis * (late ? plan.ticks.front() : lastTick_)));
        std::vector<RecordQueue<Record>> queues(inputs_.size());
        std::vector<Stream> streams;
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            const auto& node = nodes_[i];
            std::vector<Stream> parents;
            for (const auto parent : node.parents) parents.push_back(streams[parent]);
            if (i < inputs_.size()) {
                for (const auto tick : plan.ticks) queues[i].push(node.history.at(tick));
                streams.push_back(life.context().queueStream(queues[i]));
            } else {
                streams.push_back(node.operation.build(parents));
            }
            if (node.isLeaf) life.collect(streams.back(), seen_[i]);
        }
        life.start();
        if (late) life.await(1);
        life.run(plan.ticks.size() - (late ? 1 : 0));
        life.context().stop(plan.graceful);
        lastTick_ = plan.ticks.back();
    }

    bool compare() {
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            if (!nodes_[i].isLeaf) continue;
            for (std::size_t id = 1; id <= ticks_.size(); ++id) {
                const auto tick = ticks_[id - 1];
                std::vector<std::string> expected;
                if (const auto found = nodes_[i].history.find(tick);
                    found != nodes_[i].history.end())
                    for (const auto& record : found->second) {
                        expected.emplace_back();
                        core::appendElement(expected.back(), record);
                    }
                std::sort(expected.begin(), expected.end());
                if (seen_[i][id] == expected) continue;
                EXPECT_EQ(seen_[i][id], expected)
                    << "TIDEMILL_SEED=" << seed_ << " node " << i << " batch " << id << " at tick "
                    << tick << "\n"
                    << shown();
                return false;
            }
        }
        return true;
    }

    std::string shown() const {
        std::string text;
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            text += "  node " + std::to_string(i) + ": " + nodes_[i].operation.name + " " +
                    nodes_[i].operation.shown + " of";
            for (const auto parent : nodes_[i].parents) text += " " + std::to_string(parent);
            text += nodes_[i].isLeaf ? ", seen\n" : "\n";
        }
        for (const auto& life : lives_)
            text += "  life of ticks " + std::to_string(life.ticks.front()) + " to " +
                    std::to_string(life.ticks.back()) + " on " + std::to_string(life.workers) +
                    " workers, " + (life.graceful ? "stopped" : "killed") + "\n";
        return text;
    }

    const unsigned seed_;
    std::mt19937 random_;
    std::map<std::string, long>& counts_;
    bool durable_ = false;
    bool tinyDelta_ = false;
    std::int64_t checkpointMillis_ = 1000;
    std::vector<LifePlan> lives_;
    std::vector<std::int64_t> ticks_;
    std::vector<std::size_t> inputs_;
    std::vector<NodePlan> nodes_;
    TemporaryDirectory directory_;
    std::int64_t lastTick_ = 0;
    std::map<std::size_t, std::map<std::uint64_t, std::vector<std::string>>> seen_;
};

TEST(Differential, RandomGraphsGiveWhatANaiveEngineComputes) {
    core::setLogLevel(core::LogLevel::kError);
    std::vector<OperatorKind> kinds;
    for (auto list : {narrowOperators(), keyedOperators(), windowOperators(), stateOperators()})
        kinds.insert(kinds.end(), list.begin(), list.end());
    std::map<std::string, long> counts{
        {"life ended by a kill", 0},   {"life ended gracefully", 0},
        {"life after a downtime", 0},  {"life in memory", 0},
        {"window tumbling", 0},        {"window sliding", 0},
        {"window no multiple of its slide", 0}, {"window shorter than its slide", 0}};
    for (const auto& kind : kinds) counts[kind.name] = 0;

    const long graphs = setting("TIDEMILL_GRAPHS", 500);
    const auto seed = static_cast<unsigned>(setting("TIDEMILL_SEED", 1));
    for (long i = 0; i < graphs; ++i)
        if (RandomRun run(seed + static_cast<unsigned>(i), kinds, counts); !run.run()) return;

    for (const auto& [name, times] : counts) {
        std::cout << "  " << times << "\t" << name << "\n";
        EXPECT_TRUE(times > 0 || graphs < 500) << name << " never occurred";
    }
}

}  // namespace
}  // namespace tidemill::test
