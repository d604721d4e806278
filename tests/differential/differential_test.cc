// Random operator graphs on random batches, killed and restarted, against a naive engine that
// computes every batch from the whole history. What is compared is in docs/testing.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "core/logging.h"
#include "recovery/inspect.h"
#include "state/state_reader.h"
#include "tests/differential/model.h"
#include "tests/differential/random_runs.h"
#include "tests/support/batch_harness.h"
#include "tests/support/text_feed.h"
#include "tidemill/lineage.h"

namespace tidemill::test {
namespace {

// One run of the job: how many batches, and how it ends.
struct LifePlan {
    std::vector<std::int64_t> ticks;
    std::int64_t interval = 1;  // in ticks
    bool graceful = false;
    unsigned workers = 1;
    int version = 0;  // see Draw
};

struct NodePlan {
    Operator operation;
    std::vector<std::size_t> parents;
    History history;
    bool ordered = true;
    bool isLeaf = true;
    bool isSeen = false;  // though others read it too
    // Of inputs of lines: each ends in so many bytes that do not count.
    bool isText = false;
    bool isFiles = false;  // of lines too, each batch's in a file
    std::size_t paddingBytes = 0;
};

// By node and batch id, elements as they came.
using Seen = std::map<std::size_t, std::map<std::uint64_t, std::vector<std::string>>>;

class RandomRun {
public:
    RandomRun(unsigned seed, const std::vector<OperatorKind>& kinds,
              std::map<std::string, long>& counts)
        : seed_(seed), random_(seed), counts_(counts) {
        isLarge_ = number(0, 9) == 0;
        ++counts_[isLarge_ ? "batches of many partitions" : "small batches"];
        drawLives();
        drawInputs();
        const auto operators = number(2, 8);
        while (nodes_.size() < inputs_.size() + static_cast<std::size_t>(operators))
            drawNode(kinds[static_cast<std::size_t>(
                number(0, static_cast<std::int64_t>(kinds.size()) - 1))]);
        for (auto& node : nodes_) node.isSeen = node.isLeaf || number(0, 3) == 0;
        runsTwice_ = number(0, 3) == 0;
        changesSteps_ = number(0, 1) == 0;
        if (changesSteps_) ++counts_["steps change from life to life"];
    }

    // False when what the streams gave is not what the model computes.
    bool run() {
        TemporaryDirectory directory;
        const Seen seen = liveAll(directory / "data");
        if (::testing::Test::HasFatalFailure() || !compare(seen)) return false;
        if (!runsTwice_) return true;
        ++counts_["run twice"];
        TemporaryDirectory other;
        const Seen again = liveAll(other / "data");
        if (::testing::Test::HasFatalFailure()) return false;
        if (seen == again &&
            (!isGraceful() || stateOf(directory / "data") == stateOf(other / "data")))
            return true;
        ADD_FAILURE() << "the same run twice gave "
                      << (seen == again ? "another state" : "other elements, or in another order")
                      << "\n"
                      << description();
        return false;
    }

private:
    std::int64_t number(std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
    }

    void drawLives() {
        durable_ = number(0, 2) != 0;
        grid_ = durable_ && number(0, 3) == 0 ? 2 : 1;
        const auto count = durable_ ? number(1, 4) : 1;
        std::int64_t tick = 0;
        for (std::int64_t i = 0; i < count; ++i) {
            LifePlan life;
            const unsigned workers[] = {1, 2, 3, 7, static_cast<unsigned>(number(8, 20))};
            life.workers = workers[number(0, 4)];
            if (life.workers > 7) ++counts_["life on more than 7 workers"];
            if (i > 0) {
                const auto& before = lives_.back();
                life.version = before.version + (before.graceful && durable_ ? 1 : 0);
            }
            life.interval = number(1, grid_);
            if (i > 0 && life.interval != lives_.back().interval)
                ++counts_["interval changed between lives"];
            std::int64_t first = nextTick(tick, life.interval);
            if (i > 0 && number(0, 2) == 0) {
                first += life.interval * number(1, 8);
                ++counts_["life after a downtime"];
            }
            const auto batches = number(2, isLarge_ ? 3 : 6);
            for (std::int64_t n = 0; n < batches; ++n) {
                tick = first + n * life.interval;
                life.ticks.push_back(tick);
                versions_[tick] = life.version;
            }
            life.graceful = number(0, 2) == 0;
            if (durable_)
                ++counts_[life.graceful ? "life ended gracefully" : "life ended by a kill"];
            else ++counts_["life in memory"];
            ticks_.insert(ticks_.end(), life.ticks.begin(), life.ticks.end());
            lives_.push_back(std::move(life));
        }
        tinyDelta_ = number(0, 3) == 0;
        checkpointMillis_ = 1000 * number(1, 5);
    }

    std::string drawKey(std::int64_t keys) {
        const char* few[] = {"a", "b", "c", "d", "", "über", "a key that is no short one"};
        if (!isLarge_) return few[number(0, 6)];
        if (number(0, 3) == 0) return "hot";
        return "key " + std::to_string(number(0, keys));
    }

    void drawInputs() {
        for (std::int64_t i = number(1, 2); i > 0; --i) {
            NodePlan input;
            const auto kind = number(0, 4);
            input.isFiles = kind == 0;
            input.isText = kind < 3;
            input.operation.name = input.isFiles ? "files" : input.isText ? "lines" : "queueStream";
            ++counts_["input of " + input.operation.name];
            const auto keys = number(1, 400);
            for (const auto tick : ticks_) {
                auto& records = input.history[tick];
                if (number(0, 3) == 0) continue;
                for (std::int64_t n = isLarge_ ? number(100, 600) : number(0, 12); n > 0; --n)
                    records.emplace_back(drawKey(keys), number(-5, 20));
            }
            // A partition of each 64 KiB.
            if (isLarge_) input.paddingBytes = static_cast<std::size_t>(number(100, 3000));
            inputs_.push_back(nodes_.size());
            nodes_.push_back(std::move(input));
        }
    }

    // Joins multiply.
    std::size_t recordsMax() const { return isLarge_ ? 20000 : 300; }

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
        for (const auto parent : node.parents)
            node.ordered = node.ordered && nodes_[parent].ordered;
        std::map<std::string, long> counts;
        Draw draw{random_, slide, grid_, node.ordered, ticks_, versions_, version_, counts};
        node.operation = kind.draw(draw);
        node.operation.name = kind.name;
        node.ordered = node.ordered && node.operation.ordered;
        if (node.operation.slide > 6) return;
        std::vector<History> parents;
        for (const auto parent : node.parents) parents.push_back(nodes_[parent].history);
        node.history = node.operation.compute(parents);
        for (const auto& [tick, records] : node.history)
            if (records.size() > recordsMax()) return;
        for (const auto parent : node.parents) nodes_[parent].isLeaf = false;
        ++counts_[kind.name];
        for (const auto& [name, times] : counts) counts_[name] += times;
        nodes_.push_back(std::move(node));
    }

    bool isGraceful() const {
        return durable_ && std::all_of(lives_.begin(), lives_.end(),
                                       [](const LifePlan& life) { return life.graceful; });
    }

    Seen liveAll(const std::filesystem::path& directory) {
        Seen seen;
        std::int64_t lastTick = 0;
        for (const auto& life : lives_) {
            live(life, directory, lastTick, seen);
            if (::testing::Test::HasFatalFailure()) break;
            lastTick = life.ticks.back();
        }
        return seen;
    }

    void live(const LifePlan& plan, const std::filesystem::path& directory, std::int64_t lastTick,
              Seen& seen) {
        StreamingOptions options;
        if (durable_) options.directory = directory;
        options.workers = plan.workers;
        options.checkpointInterval = Duration(checkpointMillis_);
        if (tinyDelta_) options.deltaBudgetBytes = 64 << 10;
        options.interval = Duration(kTickMillis * plan.interval);
        // A batch that is due when the job starts runs at once.
        const bool late = plan.ticks.front() > nextTick(lastTick, plan.interval);
        Life life(options, fromMillis(kTickMillis * (late ? plan.ticks.front() : lastTick)));
        std::vector<RecordQueue<Record>> queues(inputs_.size());
        std::vector<Stream> streams;
        std::mt19937 changes(seed_ + 7919 * static_cast<unsigned>(plan.version));
        *version_ = plan.version;
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            const auto& node = nodes_[i];
            std::vector<Stream> parents;
            for (const auto parent : node.parents) parents.push_back(streams[parent]);
            if (i >= inputs_.size()) {
                streams.push_back(node.operation.build(parents));
            } else if (node.isFiles) {
                streams.push_back(parsed(life.context().textFileStream(inputOf(directory, i))));
            } else if (node.isText) {
                streams.push_back(lines(life.context(), node, plan));
            } else {
                for (const auto tick : plan.ticks) queues[i].push(node.history.at(tick));
                streams.push_back(life.context().queueStream(queues[i]));
            }
            if (changesSteps_) streams.back() = changed(streams.back(), changes);
            if (node.isSeen)
                std::visit([&](const auto& stream) { see(stream, i, seen); }, streams.back());
        }
        nameStates(*life.context().job());
        renameFiles(directory);
        if (late) writeFiles(directory, plan.ticks.front());
        life.start();
        if (late) life.await(1);
        for (const auto tick : plan.ticks) {
            if (late && tick == plan.ticks.front()) continue;
            writeFiles(directory, tick);
            life.run(1);
        }
        life.context().stop(plan.graceful);
    }

    Stream lines(StreamingContext& context, const NodePlan& node, const LifePlan& plan) {
        const auto feed = std::make_shared<TextFeed>(seed_);
        for (const auto tick : plan.ticks) {
            std::string text = textOf(node, tick);
            if (text.size() > 4 * (64 << 10)) ++counts_["batch of over 256 KiB"];
            feed->push(std::move(text));
        }
        return parsed(TextFeed::stream(context, feed));
    }

    static std::string textOf(const NodePlan& node, std::int64_t tick) {
        const std::string padding(node.paddingBytes, '.');
        std::string text;
        for (const auto& [key, value] : node.history.at(tick))
            text += key + '\t' + std::to_string(value) + '\t' + padding + '\n';
        return text;
    }

    static Stream parsed(const DStream<std::string_view>& lines) {
        return lines.map([](std::string_view line) {
            const auto end = line.find('\t');
            View view(line.substr(0, end), 0);
            std::from_chars(line.data() + end + 1, line.data() + line.size(), view.second);
            return view;
        });
    }

    // States without names are found as long as it can be told which is which.
    void nameStates(Job& job) {
        if (!changesSteps_ && distinguish(job)) return;
        ++counts_["states with names"];
        for (std::size_t i = 0; i < job.states.size(); ++i) {
            job.states[i].name = "state " + std::to_string(i);
            job.states[i].isNamed = true;
        }
    }

    // The first batch time behind `tick`.
    static std::int64_t nextTick(std::int64_t tick, std::int64_t interval) {
        return (tick / interval + 1) * interval;
    }

    // Where the files of an input appear; made when it is not there.
    static std::string inputOf(const std::filesystem::path& directory, std::size_t node) {
        const auto path = directory.parent_path() / ("in" + std::to_string(node));
        std::filesystem::create_directory(path);
        return path.string();
    }

    // What a batch's files hold, before the batch.
    void writeFiles(const std::filesystem::path& directory, std::int64_t tick) {
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            if (!nodes_[i].isFiles || nodes_[i].history.at(tick).empty()) continue;
            const std::filesystem::path in = inputOf(directory, i);
            const auto name = "t" + std::to_string(1'000'000 + tick);
            std::ofstream(in / ("." + name)) << textOf(nodes_[i], tick);
            std::filesystem::rename(in / ("." + name), in / name);
        }
    }

    // A file is known by what it is, whatever its name.
    void renameFiles(const std::filesystem::path& directory) {
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            if (!nodes_[i].isFiles) continue;
            std::vector<std::filesystem::path> all;
            for (const auto& entry : std::filesystem::directory_iterator(inputOf(directory, i)))
                all.push_back(entry.path());
            for (const auto& path : all) {
                std::filesystem::rename(path, path.string() + "x");
                ++counts_["file renamed between lives"];
            }
        }
    }

    // What a job may do otherwise once it has ended gracefully: steps without a name that keep
    // elements.
    static Stream changed(const Stream& stream, std::mt19937& changes) {
        const auto change = changes() % 12;
        return std::visit(
            [&](const auto& s) -> Stream {
                if (change == 0) return s.filter([](const auto&) { return true; });
                if (change == 1) return s.persist();
                if (change == 2) return s.repartition(17);
                return s;
            },
            stream);
    }

    template <class T>
    void see(const DStream<T>& stream, std::size_t node, Seen& seen) {
        stream.forEachBatch([this, node, &seen](Batch<T>& batch) {
            std::vector<std::string> elements, again;
            for (const auto& element : batch.collect())
                core::appendElement(elements.emplace_back(), element);
            batch.forEach(
                [&](const T& element) { core::appendElement(again.emplace_back(), element); });
            EXPECT_EQ(elements, again) << "read twice\n" << description();
            EXPECT_EQ(batch.count(), elements.size());
            const auto [place, isNew] = seen[node].try_emplace(batch.id(), elements);
            if (isNew) return;
            ++counts_["batch shown again after a kill"];
            EXPECT_EQ(place->second, elements)
                << "node " << node << " batch " << batch.id() << " came otherwise\n"
                << description();
        });
    }

    bool compare(const Seen& seen) {
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            if (!nodes_[i].isSeen) continue;
            ++counts_[nodes_[i].ordered ? "compared in order" : "compared sorted"];
            for (std::size_t id = 1; id <= ticks_.size(); ++id)
                if (!compare(seen, i, id)) return false;
        }
        return !::testing::Test::HasFailure();
    }

    bool compare(const Seen& seen, std::size_t i, std::size_t id) {
        const auto tick = ticks_[id - 1];
        std::vector<std::string> expected, got;
        if (const auto found = nodes_[i].history.find(tick); found != nodes_[i].history.end())
            for (const auto& record : found->second)
                core::appendElement(expected.emplace_back(), record);
        if (const auto node = seen.find(i); node != seen.end())
            if (const auto found = node->second.find(id); found != node->second.end())
                got = found->second;
        if (!nodes_[i].ordered) {
            std::sort(expected.begin(), expected.end());
            std::sort(got.begin(), got.end());
        }
        if (got == expected) return true;
        const auto [gotAt, expectedAt] =
            std::mismatch(got.begin(), got.end(), expected.begin(), expected.end());
        ADD_FAILURE() << "node " << i << " batch " << id << " at tick " << tick << ": element "
                      << gotAt - got.begin() << " of " << got.size() << " is "
                      << (gotAt == got.end() ? "missing" : *gotAt) << ", of " << expected.size()
                      << " expected " << (expectedAt == expected.end() ? "none" : *expectedAt)
                      << "\n"
                      << description();
        return false;
    }

    // Every row of the newest checkpoint.
    static std::vector<std::string> stateOf(const std::filesystem::path& directory) {
        std::vector<std::string> rows;
        const auto generations =
            core::orThrow(recovery::inspectGenerations(core::posixFileSystem(), directory));
        const auto reader = core::orThrow(state::StateReader::open(generations.at(0).path));
        for (const auto& table : core::orThrow(reader->tables(false)))
            core::orThrow(reader->scan(table.operatorId, table.number, {},
                                       [&](std::string_view key, std::string_view value) {
                                           rows.push_back(std::to_string(table.operatorId.value) +
                                                          "/" + std::to_string(table.number) + " " +
                                                          core::escaped(key) + " " +
                                                          core::escaped(value));
                                           return true;
                                       }));
        return rows;
    }

    std::string description() const {
        std::string text = replayCommand("differential_test", seed_) + "\n";
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            text += "  node " + std::to_string(i) + ": " + nodes_[i].operation.name + " " +
                    nodes_[i].operation.description;
            if (!nodes_[i].parents.empty()) text += " of";
            for (const auto parent : nodes_[i].parents) text += " " + std::to_string(parent);
            if (nodes_[i].isSeen) text += nodes_[i].ordered ? ", seen in order" : ", seen";
            text += "\n";
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
    bool isLarge_ = false;
    bool durable_ = false;
    bool tinyDelta_ = false;
    bool runsTwice_ = false;
    bool changesSteps_ = false;
    std::int64_t grid_ = 1;  // intervals of lives divide it, in ticks
    std::int64_t checkpointMillis_ = 1000;
    std::vector<LifePlan> lives_;
    std::vector<std::int64_t> ticks_;
    std::map<std::int64_t, int> versions_;
    const std::shared_ptr<int> version_ = std::make_shared<int>(0);
    std::vector<std::size_t> inputs_;
    std::vector<NodePlan> nodes_;
};

TEST(Differential, RandomGraphsGiveWhatANaiveEngineComputes) {
    core::setLogLevel(core::LogLevel::kError);
    std::vector<OperatorKind> kinds;
    for (auto list : {narrowOperators(), keyedOperators(), windowOperators(), stateOperators()})
        kinds.insert(kinds.end(), list.begin(), list.end());
    std::map<std::string, long> counts;
    for (const char* name : {"life ended by a kill",
                             "life ended gracefully",
                             "life after a downtime",
                             "life in memory",
                             "life on more than 7 workers",
                             "batches of many partitions",
                             "batch of over 256 KiB",
                             "batch shown again after a kill",
                             "run twice",
                             "steps change from life to life",
                             "compared in order",
                             "compared sorted",
                             "input of lines",
                             "input of queueStream",
                             "input of files",
                             "file renamed between lives",
                             "interval changed between lives",
                             "window tumbling",
                             "window sliding",
                             "window no multiple of its slide",
                             "window shorter than its slide"})
        counts[name] = 0;
    for (const auto& kind : kinds) counts[kind.name] = 0;

    runSeeds("differential_test", counts,
             [&](unsigned seed) { (void)RandomRun(seed, kinds, counts).run(); });
}

}  // namespace
}  // namespace tidemill::test
