// compile.time: what a program of Tidemill costs to compile: seconds of processor time at -O3 for
// the first example, next to its work done with the standard library alone, by turns.
//
// compile_time [--runs=N] [--json]
#include <string>
#include <vector>

#include "bench/arguments.h"
#include "bench/process.h"
#include "bench/report.h"

namespace {

using namespace tidemill::bench;

double compile(const std::string& source) {
    const std::vector<std::string> command{
        TIDEMILL_COMPILER,      "-std=c++20", "-O3",  "-DNDEBUG", "-DXXH_INLINE_ALL",
        "-I" TIDEMILL_INCLUDES, "-c",         source, "-o",       "/dev/null"};
    return awaitChild(startProgram(command, "/dev/null"), TIDEMILL_COMPILER).cpuSeconds;
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 3);
    std::vector<double> ours, reference;
    for (int run = 0; run < arguments.runs; ++run) {
        ours.push_back(compile(TIDEMILL_SOURCES "/examples/network_word_count.cc"));
        reference.push_back(compile(TIDEMILL_SOURCES "/bench/compile_time/standard_only.cc"));
    }
    Figure figure;
    figure.name = "compile.time";
    figure.value = median(ours);
    figure.unit = "s of CPU";
    figure.reference = median(reference);
    figure.ratio = figure.value / figure.reference;
    figure.print(arguments.json);
}
