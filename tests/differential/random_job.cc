#include "tests/differential/random_job.h"

#include <algorithm>

#include "tests/differential/random_runs.h"

namespace tidemill::test {

RandomJob::RandomJob(unsigned seed, const std::vector<OperatorKind>& kinds,
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

std::int64_t RandomJob::number(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
}

bool RandomJob::isGraceful() const {
    return durable_ && std::all_of(lives_.begin(), lives_.end(),
                                   [](const LifePlan& life) { return life.graceful; });
}

void RandomJob::drawLives() {
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
        if (durable_) ++counts_[life.graceful ? "life ended gracefully" : "life ended by a kill"];
        else ++counts_["life in memory"];
        ticks_.insert(ticks_.end(), life.ticks.begin(), life.ticks.end());
        lives_.push_back(std::move(life));
    }
    tinyDelta_ = number(0, 3) == 0;
    checkpointMillis_ = 1000 * number(1, 5);
}

std::string RandomJob::drawKey(std::int64_t keys) {
    const char* few[] = {"a", "b", "c", "d", "", "über", "a key that is no short one"};
    if (!isLarge_) return few[number(0, 6)];
    if (number(0, 3) == 0) return "hot";
    return "key " + std::to_string(number(0, keys));
}

void RandomJob::drawInputs() {
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

void RandomJob::drawNode(const OperatorKind& kind) {
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
    for (const auto parent : node.parents) node.ordered = node.ordered && nodes_[parent].ordered;
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

std::string RandomJob::description() const {
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

}  // namespace tidemill::test
