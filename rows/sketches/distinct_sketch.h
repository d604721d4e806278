// How many distinct values there are, about, in little memory: HyperLogLog.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace tidemill::rows {

// Up to kExactMax distinct values are counted exactly (but for hashes of 64 bits that are equal);
// then 4096 registers hold the estimate, whose standard error is 1.04 / sqrt(4096) = 1.6 %: about
// two of three estimates are within 1.6 %, nearly all within 5 %. Registers: Flajolet, Fusy,
// Gandouet, Meunier, "HyperLogLog", 2007; estimate: Ertl, "New cardinality estimation algorithms
// for HyperLogLog sketches", arXiv:1702.01284, algorithm 6, which is unbiased at all sizes. The
// same set of values makes the same bytes, in whatever order it was added and merged. Thread
// safety: worker-confined.
class DistinctSketch {
public:
    static constexpr std::size_t kExactMax = 128;

    // `value`: the same bytes for the same value.
    void add(std::string_view value);
    void merge(const DistinctSketch& other);
    std::uint64_t estimate() const;
    // Memory it has beside itself.
    std::size_t heldBytes() const {
        return hashes_.capacity() * sizeof(std::uint64_t) + registers_.capacity();
    }

    // Version 1: [u8 1][u8 0][u64 hash …, ascending] or [u8 1][u8 1][4096 registers of u8].
    void encode(std::string& out) const;
    // Errors: kCorrupt, kUnsupported.
    static core::Result<DistinctSketch> decode(std::string_view bytes);

private:
    void addHash(std::uint64_t hash);
    void setRegister(std::uint64_t hash);
    void makeRegisters();

    std::vector<std::uint64_t> hashes_;  // ascending; empty once there are registers
    std::vector<std::uint8_t> registers_;
};

}  // namespace tidemill::rows
