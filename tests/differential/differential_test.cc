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
#include "tests/differential/random_job.h"
#include "tests/differential/random_runs.h"
#include "tests/support/batch_harness.h"
#include "tests/support/text_feed.h"
#include "tidemill/lineage.h"

namespace tidemill::test {
namespace {

// By node and batch id, elements as they came.
using Seen = std::map<std::size_t, std::map<std::uint64_t, std::vector<std::string>>>;

class RandomRun : RandomJob {
public:
    RandomRun(unsigned seed, const std::vector<OperatorKind>& kinds,
              std::map<std::string, long>& counts)
        : RandomJob(seed, kinds, counts) {}

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
