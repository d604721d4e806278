#include "tools/kill_test/verdict.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/format.h"

namespace tidemill::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kExamplesMax = 20;
constexpr const char* kBatching =
    "it is not the same in two undisturbed runs: it depends on the time, or on which records fall "
    "into a batch together";

std::chrono::milliseconds middleOf(std::vector<std::chrono::milliseconds>& sorted) {
    std::sort(sorted.begin(), sorted.end());
    return sorted.empty() ? std::chrono::milliseconds(0) : sorted[sorted.size() / 2];
}

void addExamples(Verdict& verdict, const std::string& of, const std::vector<std::string>& first) {
    for (const auto& line : first)
        if (verdict.examples.size() < kExamplesMax) verdict.examples.push_back(of + ": " + line);
}

}  // namespace

void addTables(Verdict& verdict, const std::map<std::string, ComparedTable>& undisturbed,
               const std::map<std::string, ComparedTable>& killed) {
    for (const auto& [name, table] : killed) {
        const auto what = "table " + name;
        const auto known = undisturbed.find(name);
        if (!table.timeBound.empty()) {
            verdict.notChecked.emplace_back(what, table.timeBound);
        } else if (known == undisturbed.end() || known->second.differences != 0) {
            verdict.notChecked.emplace_back(what, kBatching);
        } else {
            verdict.checked.push_back(what + ", " + std::to_string(table.rows) + " rows");
            verdict.rows += table.rows;
            verdict.differences += table.differences;
            addExamples(verdict, what, table.first);
        }
    }
}

void addOutput(Verdict& verdict, const std::string& name, const ComparedLines& undisturbed,
               const ComparedLines& killed) {
    if (undisturbed.lost + undisturbed.doubled != 0) {
        verdict.notChecked.emplace_back(name, kBatching);
        return;
    }
    verdict.checked.push_back(name + ", " + std::to_string(killed.lines) + " lines");
    verdict.lost += killed.lost;
    verdict.doubled += killed.doubled;
    addExamples(verdict, name, killed.first);
}

std::string inWords(Verdict verdict) {
    const auto median = middleOf(verdict.recovered);
    auto text = fmt::format("kill-test of {}: {} rounds, seed {}, {} records, {:.1f} MB ({})\n",
                            verdict.job, verdict.rounds, verdict.seed, verdict.records,
                            static_cast<double>(verdict.bytes) / 1e6, verdict.feeds);
    const auto line = [&](const char* what, const std::string& said) {
        text += fmt::format("  {:<13}{}\n", what, said);
    };
    line("kills", fmt::format("{}, {} of them while it started again", verdict.kills,
                              verdict.whileRecovering));
    line("lost", fmt::format("{} lines of outputs", verdict.lost));
    line("doubled", fmt::format("{} lines of outputs", verdict.doubled));
    line("differences", fmt::format("{} of {} rows of state", verdict.differences, verdict.rows));
    if (!verdict.recovered.empty())
        line("recovery", fmt::format("{} / {} / {} ms from a start to the first connection (least, "
                                     "median, most)",
                                     verdict.recovered.front().count(), median.count(),
                                     verdict.recovered.back().count()));
    line("directory",
         verdict.damage.empty() ? "log and checkpoints are sound" : "DAMAGED: " + verdict.damage);
    for (const auto& what : verdict.checked) line("checked", what);
    for (const auto& [what, why] : verdict.notChecked) line("not checked", what + ": " + why);
    for (const auto& example : verdict.examples) {
        std::string shown;
        core::appendPrintable(shown, example);
        line("differs", shown);
    }
    if (!verdict.kept.empty()) line("kept", verdict.kept + ", with all three runs and their logs");
    if (verdict.checked.empty()) text += "NOTHING COULD BE CHECKED\n";
    else text += verdict.passed() ? "passed\n" : "FAILED\n";
    return text;
}

Json inJson(Verdict verdict) {
    const auto median = middleOf(verdict.recovered);
    Json json{{"job", verdict.job},
              {"seed", verdict.seed},
              {"rounds", verdict.rounds},
              {"records", verdict.records},
              {"bytes", verdict.bytes},
              {"kills", verdict.kills},
              {"kills_while_recovering", verdict.whileRecovering},
              {"lost", verdict.lost},
              {"doubled", verdict.doubled},
              {"differences", verdict.differences},
              {"rows", verdict.rows}};
    if (!verdict.recovered.empty())
        json["recovery_ms"] = {{"min", verdict.recovered.front().count()},
                               {"median", median.count()},
                               {"max", verdict.recovered.back().count()}};
    json["damage"] = verdict.damage;
    json["checked"] = verdict.checked;
    json["not_checked"] = Json::array();
    for (const auto& [what, why] : verdict.notChecked)
        json["not_checked"].push_back({{"what", what}, {"why", why}});
    json["examples"] = verdict.examples;
    if (!verdict.kept.empty()) json["kept"] = verdict.kept;
    json["passed"] = verdict.passed();
    return json;
}

}  // namespace tidemill::tools
