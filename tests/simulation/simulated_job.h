// A job of the real engine on a simulated disk, lived in as many lives as its disk needs, and
// compared with the naive engine of tests/differential.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/differential/model.h"
#include "tests/simulation/simulated_sender.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/simulated_disk.h"

namespace tidemill::test {

// What a job computes. Drawn from a seed; the same seed gives the same job and input.
class SimulatedPlan {
public:
    // Ticks 1 … `batches` have a batch each.
    SimulatedPlan(unsigned seed, std::int64_t batches);

    struct Node {
        Operator operation;
        std::vector<std::size_t> parents;
        History history;  // what the naive engine computes
        bool isLeaf = true;
    };
    // Node 0 is what the sender sends; with files, node 1 is what they hold.
    const std::vector<Node>& nodes() const { return nodes_; }
    std::int64_t batches() const { return batches_; }
    std::string lineOf(std::uint64_t line) const { return lines_.at(line - 1); }
    std::uint64_t linesUntil(std::int64_t tick) const;
    // Every other seed has files too.
    bool hasFiles() const { return hasFiles_; }
    // What is in the files that appear before the batch of this tick.
    std::vector<std::string> filesOf(std::int64_t tick) const;
    std::string description() const;

private:
    void drawInput();
    void drawFiles();
    Record drawRecord();
    void drawNode(const std::vector<OperatorKind>& kinds);

    const std::int64_t batches_;
    const bool hasFiles_;
    std::mt19937 random_;
    std::vector<Node> nodes_;
    std::vector<std::string> lines_;
    std::vector<std::uint64_t> linesUntil_;  // by tick
    std::map<std::int64_t, std::vector<std::string>> files_;
};

// The world that outlives the job: disk, clock, sender, and what outputs have shown.
class SimulatedJob {
public:
    // With more than one worker the order of file operations is no longer fixed.
    explicit SimulatedJob(const SimulatedPlan& plan, unsigned workers = 1);

    testing::FaultFileSystem& faults() { return faults_; }
    testing::SimulatedDisk& disk() { return disk_; }

    // Starts the job and runs it to its last batch and a graceful stop. An error of the disk ends
    // the life early; it is returned.
    core::Result<> live();

    // What was shown, saved and acknowledged, against the naive engine. Empty: all as it must be.
    std::string differences() const;

    // The log has been cut at its beginning.
    bool hasTrimmed() const;

private:
    bool hasRecordedBatch();
    void dropFiles(std::int64_t tick);
    void build(StreamingContext& context);
    void show(std::size_t node, std::uint64_t batch, std::vector<std::string> elements);
    std::string savedDifferences(std::size_t node) const;
    std::vector<std::string> expected(std::size_t node, std::int64_t tick) const;

    const SimulatedPlan& plan_;
    const unsigned workers_;
    testing::SimulatedDisk disk_;
    testing::FaultFileSystem faults_{disk_};
    std::shared_ptr<SimulatedSender> sender_;
    std::int64_t nowMillis_ = 0;
    std::mutex mutex_;
    std::map<std::size_t, std::map<std::uint64_t, std::vector<std::string>>> shown_;
    std::string problems_;  // what hung, and the first batch that was shown otherwise again
};

}  // namespace tidemill::test
