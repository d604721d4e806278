// Lines in memory -> fields -> where -> aggregates by key (count, sum, max) and count by path, as a
// job file, next to the same by hand (hand_rows.h) on the same text, by turns, on one core, with
// the results compared key for key first.
//
// rows_memory --by=split|csv|regex|json [--lines=N] [--runs=N] [--json]
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <thread>

#include "bench/arguments.h"
#include "bench/hand_rows.h"
#include "bench/report.h"
#include "bench/row_text.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"
#include "tools/job_file.h"
#include "tools/job_plan.h"

namespace {

namespace fs = std::filesystem;
using namespace tidemill;
using namespace tidemill::bench;

constexpr std::size_t kSlackBytes = 64;
constexpr const char* kPattern =
    R"("(?P<method>[A-Z]+) (?P<path>\S+)[^"]*" (?P<status>\d{3}) (?P<bytes>\d+))";

using By = RowsBy;

std::string fieldsOf(By by) {
    switch (by) {
        case By::kSplit:
            return "by = \"split\"\nseparator = \" \"\n"
                   "fields = {path = {at = 7, type = \"text\"}, status = {at = 9, type = "
                   "\"text\"}, "
                   "bytes = {at = 10, type = \"int\"}}\n";
        case By::kCsv:
            return "by = \"csv\"\nfields = {path = {at = 3, type = \"text\"}, "
                   "status = {at = 4, type = \"text\"}, bytes = {at = 5, type = \"int\"}}\n";
        case By::kRegex:
            return "by = \"regex\"\npattern = '" + std::string(kPattern) +
                   "'\nfields = {path = {type = \"text\"}, status = {type = \"text\"}, "
                   "bytes = {type = \"int\"}}\n";
        case By::kJson: break;
    }
    return "by = \"json\"\nfields = {path = {at = \"/event/type\", type = \"text\"}, "
           "status = {at = \"/user/name\", type = \"text\"}, "
           "bytes = {at = \"/amount\", type = \"float\"}}\n";
}

// With `results` a directory of JSON lines for each of the two, else they are only looked at.
std::string jobFile(By by, const fs::path& results) {
    std::string text =
        "[job]\nname = \"rows\"\non_error = \"stop\"\n[[source]]\nname = \"lines\"\ntype = "
        "\"listen\"\nport = 0\n"
        "[[step]]\nname = \"rows\"\ndo = \"fields\"\n" +
        fieldsOf(by) + "[[step]]\nname = \"kept\"\nwhere = \"bytes > " +
        (by == By::kJson ? "1.0" : "100") +
        "\"\n"
        "[[step]]\nname = \"groups\"\nfrom = \"kept\"\ndo = \"aggregate\"\nkey = \"status\"\n"
        "compute = {n = \"count()\", total = \"sum(bytes)\", most = \"max(bytes)\"}\n"
        "[[step]]\nname = \"paths\"\nfrom = \"kept\"\ndo = \"aggregate\"\nkey = \"path\"\n"
        "compute = {n = \"count()\"}\n";
    for (const char* from : {"groups", "paths"})
        text += "[[output]]\nfrom = \"" + std::string(from) + "\"\n" +
                (results.empty() ? "to = \"print\"\nnum = 1\n"
                                 : "to = \"csv\"\npath = \"" + (results / from).string() + "\"\n");
    return text;
}

double runEngine(std::string_view text, By by, const fs::path& results) {
    auto job = core::orThrow(tools::parseJobFile(jobFile(by, results), "rows.toml"));
    auto& options = job.options;
    options.interval = Duration(1);
    options.workers = 1;
    options.maxBatchBytes = text.size() + 1;
    StreamingContext context(options);
    core::orThrow(tools::planJob(job, context, {{"lines", context.memoryTextStream(text)}}));
    context.start();
    while (context.status().batches.batches == 0) std::this_thread::sleep_for(1ms);
    context.stop();
    return std::chrono::duration<double>(context.status().batches.processingTotal).count();
}

double runHand(std::string_view text, By by, HandRows& into) {
    const auto begun = std::chrono::steady_clock::now();
    switch (by) {
        case By::kSplit: handSplit(text, into); break;
        case By::kCsv: handCsv(text, into); break;
        case By::kRegex: handRegex(text, kPattern, into); break;
        case By::kJson: handJson(text, into); break;
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

using Results = std::map<std::string, std::vector<double>>;

// The rows of a CSV file of keys and numbers.
Results resultsIn(const fs::path& directory) {
    Results results;
    for (const auto& file : fs::directory_iterator(directory)) {
        if (file.path().extension() != ".csv") continue;
        std::ifstream in(file.path());
        std::string line;
        std::getline(in, line);
        while (std::getline(in, line)) {
            std::istringstream cells(line);
            std::string key, cell;
            std::getline(cells, key, ',');
            while (std::getline(cells, cell, ',')) results[key].push_back(std::stod(cell));
        }
    }
    return results;
}

void requireEqual(const Results& ours, const Results& theirs, const char* what) {
    bool equal = ours.size() == theirs.size();
    for (const auto& [key, numbers] : theirs) {
        const auto found = ours.find(key);
        equal = equal && found != ours.end() && found->second.size() == numbers.size();
        for (std::size_t i = 0; equal && i < numbers.size(); ++i)
            equal = std::abs(found->second[i] - numbers[i]) <= 1e-9 * std::abs(numbers[i]);
        if (!equal) std::cerr << what << " differ at " << key << '\n';
        if (!equal) std::exit(1);
    }
    if (!equal || theirs.empty()) std::exit(1);
}

void compare(const std::string& text, By by) {
    HandRows hand;
    runHand(std::string_view(text).substr(0, text.size() - kSlackBytes), by, hand);
    if (hand.wrong != 0) std::exit(1);
    const fs::path directory =
        fs::temp_directory_path() / ("rows_memory." + std::to_string(::getpid()));
    fs::create_directories(directory);
    runEngine(std::string_view(text).substr(0, text.size() - kSlackBytes), by, directory);
    Results groups, paths;
    hand.groups.forEach([&](std::string_view key, const HandAggregate& of) {
        groups[std::string(key)] = {static_cast<double>(of.rows), of.sum, of.most};
    });
    hand.paths.forEach([&](std::string_view key, const HandAggregate& of) {
        paths[std::string(key)] = {static_cast<double>(of.rows)};
    });
    requireEqual(resultsIn(directory / "groups"), groups, "groups");
    requireEqual(resultsIn(directory / "paths"), paths, "paths");
    fs::remove_all(directory);
}

class NoOutput final : public std::streambuf {
    int overflow(int c) override { return c; }
    std::streamsize xsputn(const char*, std::streamsize count) override { return count; }
};

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 5);
    const std::map<std::string, By> names{
        {"split", By::kSplit}, {"csv", By::kCsv}, {"regex", By::kRegex}, {"json", By::kJson}};
    const auto found = names.find(arguments.text("--by"));
    if (found == names.end()) {
        std::cerr
            << "usage: rows_memory --by=split|csv|regex|json [--lines=N] [--runs=N] [--json]\n";
        return 2;
    }
    core::setLogLevel(core::LogLevel::kError);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof one, &one);
    NoOutput nothing;
    auto* const standard = std::cout.rdbuf(&nothing);  // what the jobs print
    const auto lines = static_cast<std::size_t>(arguments.number("--lines", 1'500'000));
    std::string text = rowText(found->second, lines);
    text.append(kSlackBytes, '\n');
    compare(text, found->second);
    const auto view = std::string_view(text).substr(0, text.size() - kSlackBytes);
    std::vector<double> ours, hand, ratio;
    for (int run = 0; run < arguments.runs; ++run) {
        {
            HandRows rows;
            hand.push_back(runHand(view, found->second, rows));
        }
        ours.push_back(runEngine(view, found->second, {}));
        ratio.push_back(hand.back() / ours.back());
    }
    std::cout.rdbuf(standard);
    const double million = static_cast<double>(lines) / 1e6;
    Figure{"rows." + found->first,
           million / median(ours),
           "million lines/s",
           median(ratio),
           million / median(hand),
           {{"mb_per_s", static_cast<double>(view.size()) / 1e6 / median(ours)}},
           ratio}
        .print(arguments.json);
    return 0;
}
