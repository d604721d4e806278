// Running one random case after another by seeds, and saying which seed failed or crashed.
#pragma once

#include <gtest/gtest.h>

#include <unistd.h>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <string>

namespace tidemill::test {

// How often each thing that a test is about has come up.
using Occurrences = std::map<std::string, long>;

inline std::string replayCommand(const std::string& program, unsigned seed) {
    return "again: TIDEMILL_GRAPHS=1 TIDEMILL_SEED=" + std::to_string(seed) +
           " build/release/tests/bin/" + program;
}

namespace random_runs_detail {

inline std::array<char, 128> crashText;

inline void sayWhichSeed(int signal) {
    [[maybe_unused]] const auto written =
        ::write(2, crashText.data(), std::strlen(crashText.data()));
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

inline long setting(const char* name, long otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::atol(text);
}

}  // namespace random_runs_detail

// Calls run(seed) for TIDEMILL_GRAPHS seeds (300) from TIDEMILL_SEED (1) on, until one fails. When
// a process crashes, its last line says with which seed. In 300 runs everything in `counts`, which
// run() adds to, must have come up.
template <class Run>
void runSeeds(const std::string& program, Occurrences& counts, Run run) {
    using namespace random_runs_detail;
    for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE}) std::signal(signal, sayWhichSeed);
    constexpr long kUsual = 300;
    const long graphs = setting("TIDEMILL_GRAPHS", kUsual);
    const auto first = static_cast<unsigned>(setting("TIDEMILL_SEED", 1));
    for (long i = 0; i < graphs; ++i) {
        const auto seed = first + static_cast<unsigned>(i);
        std::snprintf(crashText.data(), crashText.size(), "%s\n",
                      replayCommand(program, seed).c_str());
        run(seed);
        if (::testing::Test::HasFailure()) return;
    }
    for (const auto& [name, times] : counts) {
        std::cout << "  " << times << "\t" << name << "\n";
        EXPECT_TRUE(times > 0 || graphs < kUsual) << name << " never occurred";
    }
}

}  // namespace tidemill::test
