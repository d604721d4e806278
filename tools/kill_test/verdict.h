// What a kill test found, on one screen.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "tools/kill_test/compare.h"

namespace tidemill::tools {

struct Verdict {
    std::string job;
    std::uint64_t seed = 0;
    std::uint64_t rounds = 0;
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
    std::string feeds;
    std::uint64_t kills = 0;
    std::uint64_t whileRecovering = 0;
    std::uint64_t lost = 0;         // lines of outputs
    std::uint64_t doubled = 0;      // likewise
    std::uint64_t differences = 0;  // rows of state tables
    std::uint64_t rows = 0;         // compared
    std::vector<std::chrono::milliseconds> recovered;
    std::string damage;  // of log and checkpoints; empty: sound
    std::vector<std::string> checked;
    std::vector<std::pair<std::string, std::string>> notChecked;  // what, and why
    std::vector<std::string> examples;
    std::string kept;  // the scratch directory of a test that failed

    bool passed() const {
        return lost + doubled + differences == 0 && damage.empty() && !checked.empty();
    }
};

std::string inWords(Verdict verdict);
nlohmann::ordered_json inJson(Verdict verdict);

// Adds what the killed run holds in comparison with an undisturbed one. What is not the same in two
// undisturbed runs, in which the records fell into other batches, is not checked.
void addTables(Verdict& verdict, const std::map<std::string, ComparedTable>& undisturbed,
               const std::map<std::string, ComparedTable>& killed);
void addOutput(Verdict& verdict, const std::string& name, const ComparedLines& undisturbed,
               const ComparedLines& killed);

}  // namespace tidemill::tools
