// tidemill test: a job on given input, compared with what is expected of it.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/file_system.h"
#include "core/logging.h"
#include "tools/commands.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"
#include "tools/job_file.h"
#include "tools/testing/run_case.h"
#include "tools/testing/test_case.h"

namespace tidemill::tools {
namespace {

using core::Result;
using Json = nlohmann::ordered_json;
using Files = std::map<std::string, std::string>;
namespace fs = std::filesystem;

// Of a file, so many lines that differ are shown.
constexpr std::size_t kShownLines = 20;

// Lines that only one of the two has; those of a batch may come in any order.
struct LineDifference {
    std::vector<std::string_view> missing;     // expected and not there
    std::vector<std::string_view> unexpected;  // there and not expected
    bool isNone() const { return missing.empty() && unexpected.empty(); }
};

std::map<std::string_view, long> countsOf(std::string_view text) {
    std::map<std::string_view, long> counts;
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find('\n', begin), text.size());
        ++counts[text.substr(begin, end - begin)];
        begin = end + 1;
    }
    return counts;
}

// The lines of `text` of which `others` has fewer, in the order of the text.
std::vector<std::string_view> beyond(std::string_view text,
                                     std::map<std::string_view, long> others) {
    std::vector<std::string_view> lines;
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find('\n', begin), text.size());
        const auto line = text.substr(begin, end - begin);
        if (others[line]-- <= 0) lines.push_back(line);
        begin = end + 1;
    }
    return lines;
}

using Difference = std::map<std::string, LineDifference>;  // by file; those that differ

Difference differenceOf(const Files& expected, const Files& found) {
    Difference all;
    static const std::string kNone;
    const auto compare = [&](const std::string& name, const std::string& wanted,
                             const std::string& got) {
        LineDifference lines{beyond(wanted, countsOf(got)), beyond(got, countsOf(wanted))};
        if (!lines.isNone()) all.emplace(name, std::move(lines));
    };
    for (const auto& [name, text] : expected) {
        const auto got = found.find(name);
        compare(name, text, got == found.end() ? kNone : got->second);
    }
    for (const auto& [name, text] : found)
        if (!expected.contains(name)) compare(name, kNone, text);
    return all;
}

void addLines(std::string& out, const std::vector<std::string_view>& lines, char sign,
              bool coloured) {
    for (std::size_t i = 0; i < std::min(lines.size(), kShownLines); ++i) {
        if (coloured) out += sign == '-' ? "\x1b[31m" : "\x1b[32m";
        out += std::string("    ") + sign + " " + std::string(lines[i]);
        if (coloured) out += "\x1b[0m";
        out += "\n";
    }
    if (lines.size() > kShownLines)
        out += "    … and " + std::to_string(lines.size() - kShownLines) + " more\n";
}

std::string inWords(const Difference& difference) {
    const bool coloured = ::isatty(STDOUT_FILENO) == 1;
    std::string out;
    for (const auto& [name, lines] : difference) {
        out += "  " + name + " (- expected, + given)\n";
        addLines(out, lines.missing, '-', coloured);
        addLines(out, lines.unexpected, '+', coloured);
    }
    return out;
}

Json inJson(const Difference& difference) {
    Json files = Json::object();
    for (const auto& [name, lines] : difference)
        files[name] = {{"missing", lines.missing}, {"unexpected", lines.unexpected}};
    return files;
}

Result<> update(const TestCase& wanted, const Files& found) {
    auto& files = core::posixFileSystem();
    const auto directory = wanted.path / "expected";
    if (!wanted.hasExpected) TM_TRY(files.createDirectory(directory));
    for (const auto& [name, text] : wanted.expected)
        if (!found.contains(name)) TM_TRY(files.unlink(directory / name));
    for (const auto& [name, text] : found) TM_TRY(core::publishFile(files, directory / name, text));
    return {};
}

class Tests {
public:
    explicit Tests(const TestOptions& options) : options_(options) {}

    Result<int> run(const JobFile& job, const std::vector<TestCase>& cases) {
        std::size_t differ = 0, written = 0;
        for (const auto& wanted : cases) {
            const auto found = runTestCase(job, wanted);
            if (!found && found.error().kind == core::ErrorKind::kInvalid)
                return core::fail(found.error());
            if (!found) {
                ++differ;
                say(wanted.name, "failed", "  " + found.error().message + "\n",
                    {{"error", found.error().message}});
                continue;
            }
            const auto difference = differenceOf(wanted.expected, *found);
            if (options_.update && !(difference.empty() && wanted.hasExpected)) {
                TM_TRY(update(wanted, *found));
                ++written;
                say(wanted.name, "written", "", {});
            } else if (!wanted.hasExpected) {
                ++differ;
                say(wanted.name, "differs",
                    "  it has no expected/ yet: --update writes what the job gives\n", {});
            } else if (difference.empty()) {
                say(wanted.name, "ok", "", {});
            } else {
                ++differ;
                say(wanted.name, "differs", inWords(difference), {{"files", inJson(difference)}});
            }
        }
        if (!options_.json)
            put(std::to_string(cases.size()) + (cases.size() == 1 ? " case, " : " cases, ") +
                (written != 0 ? std::to_string(written) + " written, " : "") +
                (differ == 0 ? written == cases.size() ? "none compared" : "all well"
                             : std::to_string(differ) + " not as expected") +
                "\n");
        return differ == 0 ? kExitDone : kExitFailed;
    }

private:
    void say(const std::string& name, const std::string& outcome, const std::string& words,
             Json more) {
        if (!options_.json) {
            put(outcome + std::string(outcome.size() < 8 ? 8 - outcome.size() : 1, ' ') + name +
                "\n" + words);
            return;
        }
        Json line{{"case", name}, {"outcome", outcome}};
        if (more.is_object()) line.update(more);
        put(line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    }

    const TestOptions& options_;
};

}  // namespace

int testJob(const TestOptions& options) {
    core::setLogLevel(core::LogLevel::kError);
    const auto job = readJobFile(options.jobFile);
    if (!job) {
        std::fprintf(stderr, "%s\n", job.error().message.c_str());
        return kExitJobFile;
    }
    const auto cases = readTestCases(*job, options.cases);
    if (!cases) return sayFailure(cases.error());
    const auto code = Tests(options).run(*job, *cases);
    if (!code) {
        finishOutput();
        std::fprintf(stderr, "%s\n", code.error().message.c_str());
        return kExitJobFile;
    }
    const int written = finishOutput();
    return written != kExitDone ? written : *code;
}

}  // namespace tidemill::tools
