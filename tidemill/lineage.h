// What tells stateful operators without names apart: what their input is made of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "tidemill/job.h"

namespace tidemill {

// Of the stream that an operator takes.
struct Lineage {
    // Of the operators it comes through, as far as builds do not change them: kinds, details, types
    // of functions; and of the sources and states they begin with.
    std::uint64_t steps = 0;
    // Of the sources and states alone.
    std::uint64_t origins = 0;
    bool operator==(const Lineage&) const = default;
};

// Of each of the job's states, in their order.
std::vector<Lineage> lineagesOf(const Job& job);

// Errors (kInvalid): two states without names are of the same kind, types and lineage, but may be
// of different functions: which is which could not be told once the program has changed.
core::Result<> distinguish(const Job& job);

// A signature as a data directory keeps it of a state without a name: "SIGNATURE
// from=STEPS.ORIGINS".
std::string withLineage(const std::string& signature, const Lineage& lineage);
struct KeptSignature {
    std::string_view signature;
    bool isNamed = true;  // else:
    Lineage lineage;
};
KeptSignature splitSignature(std::string_view kept);

}  // namespace tidemill
