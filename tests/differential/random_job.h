// A job drawn at random: a graph of operators, what comes in, and the lives it has. Repeated by its
// seed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/differential/model.h"

namespace tidemill::test {

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

class RandomJob {
protected:
    // Adds to `counts` what was drawn, by name.
    RandomJob(unsigned seed, const std::vector<OperatorKind>& kinds,
              std::map<std::string, long>& counts);

    std::int64_t number(std::int64_t least, std::int64_t most);
    bool isGraceful() const;
    // What a failure prints: how to repeat it, and what was drawn.
    std::string description() const;

    // The first batch time behind `tick`.
    static std::int64_t nextTick(std::int64_t tick, std::int64_t interval) {
        return (tick / interval + 1) * interval;
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

private:
    void drawLives();
    std::string drawKey(std::int64_t keys);
    void drawInputs();
    // None when what it gives would be too much.
    void drawNode(const OperatorKind& kind);
    // Joins multiply.
    std::size_t recordsMax() const { return isLarge_ ? 20000 : 300; }
};

}  // namespace tidemill::test
