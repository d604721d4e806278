// What is measured of operators and outputs while batches run: whole chunks and whole stages, never
// single elements.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace tidemill::core {

// Of one operator.
struct StepMeasure {
    // That it handed to the operators behind it in stages. What an output reads comes on top, see
    // OutputRead; lines that a source hands on as whole text are not among them, see
    // BatchProgress::sourceRecords.
    std::uint64_t elements = 0;
    // For which its stage ran: the operator's own work, that of the operators fused behind it, and
    // the taking in by shuffles and states they lead to.
    std::chrono::nanoseconds ran{};
};

// What one output has read of one operator's stream.
struct OutputRead {
    std::uint32_t output = 0;  // OutputOperation::number()
    std::uint32_t node = 0;    // Node::number()
    std::uint64_t elements = 0;
};

struct StepMeasures {
    std::vector<StepMeasure> steps;  // by Node::number(); empty before the first batch
    std::vector<OutputRead> reads;   // one for each pair
};

}  // namespace tidemill::core
