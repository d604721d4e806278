#include "tools/kill_test/compare.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <utility>

#include "core/file_system.h"
#include "recovery/inspect.h"
#include "state/state_reader.h"
#include "tools/tables/difference.h"
#include "tools/tables/table_text.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kShown = 5;
constexpr std::size_t kLineBytesMax = 512 << 20;
constexpr std::size_t kEntryBytes = 80;

Result<std::unique_ptr<state::StateReader>> newest(const std::string& directory) {
    TM_ASSIGN(const auto generations,
              recovery::inspectGenerations(core::posixFileSystem(), directory));
    for (const auto& generation : generations)
        if (generation.problem.empty()) return state::StateReader::open(generation.path);
    return core::fail(ErrorKind::kNotFound, "no checkpoint: directory=" + directory);
}

Result<ComparedTable> compareOne(const state::StateReader& before, const state::StateReader& after,
                                 const TableOfTwo& table) {
    ComparedTable result;
    auto described = table.any();
    if (described.operatorId != core::kSystemOperator) TM_TRY(addLifetime(after, described));
    if (described.signature.find(" window_ms=") != std::string::npos)
        result.timeBound = "a window: what it holds depends on the time";
    else if (described.signature.find(" idle_ms=") != std::string::npos)
        result.timeBound = "keys that are idle go: what it holds depends on the time";
    TableText text(table.any());
    Result<> outcome;
    const auto add = [&](const char* sign, std::string_view key, std::string_view value) {
        const auto line = text.line(false, key, value);
        if (line) result.first.push_back(sign + line->substr(0, line->find('\n')));
        else outcome = core::fail(line.error());
    };
    TM_ASSIGN(const auto compared,
              compareTable(before, after, table, [&](const RowDifference& row) {
                  if (row.before) add("- ", row.key, *row.before);
                  if (row.after) add("+ ", row.key, *row.after);
                  return outcome && result.first.size() < 2 * kShown;
              }));
    TM_TRY(std::move(outcome));
    result.rows = compared.rows;
    result.differences = compared.differences;
    return result;
}

// {"batch": 7, "time": 1000, "key": … is made {"key": …
void dropStamp(std::string& line) {
    std::size_t at = 0;
    for (const char* const name : {"batch\": ", "time\": "}) {
        const std::string_view begin = at == 0 ? "{\"" : ", \"";
        if (line.compare(at, begin.size(), begin) != 0) return;
        at += begin.size();
        if (at < line.size() && line[at] == '_') ++at;
        if (line.compare(at, std::string_view(name).size(), name) != 0) return;
        at = line.find_first_not_of("-0123456789", at + std::string_view(name).size());
        if (at == line.npos) return;
    }
    if (line.compare(at, 2, ", ") == 0) line.replace(0, at + 2, "{");
}

}  // namespace

Result<std::map<std::string, ComparedTable>> compareStates(const std::string& before,
                                                           const std::string& after) {
    TM_ASSIGN(const auto one, newest(before));
    TM_ASSIGN(const auto other, newest(after));
    TM_ASSIGN(const auto tables, tablesOf(*one, *other));
    std::map<std::string, ComparedTable> results;
    for (const auto& table : tables) {
        const auto& any = table.any();
        // How far senders are belongs to the state; what operators keep beside their tables does not.
        const bool isSystems = any.operatorId == core::kSystemOperator;
        if (isSystems ? any.operatorName != "(sessions)" : any.number != 0) continue;
        TM_ASSIGN(results[any.operatorName], compareOne(*one, *other, table));
    }
    return results;
}

Result<OutputLines> readOutput(const fs::path& directory) {
    OutputLines lines;
    std::size_t bytes = 0;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(directory, none)) {
        if (entry.path().filename().string().starts_with(".") || !entry.is_regular_file()) continue;
        const auto extension = entry.path().extension();
        std::ifstream file(entry.path(), std::ios::binary);
        std::string line;
        // The names of the columns.
        if (extension == ".csv" || extension == ".tsv") std::getline(file, line);
        while (std::getline(file, line)) {
            dropStamp(line);
            const auto [at, isNew] = lines.try_emplace(line, 0);
            ++at->second;
            if (isNew) bytes += line.size() + kEntryBytes;
            if (bytes > kLineBytesMax)
                return core::fail(
                    ErrorKind::kInvalid,
                    "an output has written too much to be compared: path=" + directory.string());
        }
        if (file.bad())
            return core::fail(ErrorKind::kIo, "read failed: file=" + entry.path().string());
    }
    return lines;
}

ComparedLines compareLines(const OutputLines& before, const OutputLines& after) {
    ComparedLines result;
    const auto show = [&](const char* sign, const std::string& line) {
        if (result.first.size() < kShown) result.first.push_back(sign + line);
    };
    for (const auto& [line, times] : before) {
        result.lines += static_cast<std::uint64_t>(times);
        const auto found = after.find(line);
        const auto there = found == after.end() ? 0 : found->second;
        if (there < times) {
            result.lost += static_cast<std::uint64_t>(times - there);
            show("- ", line);
        } else if (there > times) {
            result.doubled += static_cast<std::uint64_t>(there - times);
            show("+ ", line);
        }
    }
    for (const auto& [line, times] : after)
        if (!before.contains(line)) {
            result.doubled += static_cast<std::uint64_t>(times);
            show("+ ", line);
        }
    return result;
}

}  // namespace tidemill::tools
