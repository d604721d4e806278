// tidemill dead_letters: the records that a job has gone on without, to be looked at and sent
// again.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/format.h"
#include "rows/format/reversible_text.h"
#include "tools/commands.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"

namespace tidemill::tools {
namespace {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;
using nlohmann::json;

// One line of a file of dead letters.
struct Letter {
    std::uint64_t batch = 0;
    std::int64_t timeMillis = 0;
    std::uint64_t notKept = 0;  // so many more of the batch are not here
    std::string operation, record, error;

    // A long record's beginning alone was kept.
    bool isCut() const {
        return record.ends_with(" bytes)") && record.find("... (the beginning of ") != record.npos;
    }
};

Result<Letter> letterOf(const std::string& line, const fs::path& file) {
    const auto object = json::parse(line, nullptr, false);
    if (!object.is_object() || !object.contains("batch") || !object["batch"].is_number_unsigned())
        return core::fail(ErrorKind::kCorrupt, "not a dead letter: file=" + file.string() +
                                                   " line=" + line.substr(0, 80));
    Letter letter;
    letter.batch = object["batch"];
    letter.timeMillis = object.value("time_ms", std::int64_t{0});
    letter.notKept = object.value("not_kept", std::uint64_t{0});
    letter.operation = object.value("operation", "");
    letter.record = object.value("record", "");
    letter.error = object.value("error", "");
    return letter;
}

// Files of dead letters in the order of their batches. Errors: kNotFound, no data directory.
Result<std::vector<fs::path>> filesOf(const std::string& dataDirectory) {
    std::error_code error;
    if (!fs::is_directory(dataDirectory, error))
        return core::fail(ErrorKind::kNotFound, "no data directory: path=" + dataDirectory);
    std::vector<fs::path> files;
    const fs::path directory = fs::path(dataDirectory) / "dead_letters";
    if (!fs::exists(directory, error)) return files;
    for (const auto& entry : fs::directory_iterator(directory, error))
        if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
    if (error)
        return core::fail(ErrorKind::kIo,
                          "cannot be listed: path=" + directory.string() + ": " + error.message());
    std::sort(files.begin(), files.end());
    return files;
}

// Calls f(letter) for each of one file, as long as it answers true.
Result<> forEachIn(const fs::path& file, const std::function<bool(const Letter&)>& f) {
    std::ifstream in(file);
    if (!in) return core::fail(ErrorKind::kIo, "cannot be read: file=" + file.string());
    for (std::string line; std::getline(in, line);) {
        TM_ASSIGN(const auto letter, letterOf(line, file));
        if (!f(letter)) return {};
    }
    return {};
}

// Of all batches, or of one.
Result<> forEach(const DeadLetterOptions& options, const std::function<bool(const Letter&)>& f) {
    TM_ASSIGN(const auto files, filesOf(options.dataDirectory));
    bool isWanted = true;
    for (const auto& file : files)
        if (isWanted)
            TM_TRY(forEachIn(file, [&](const Letter& letter) {
                if (options.batch != 0 && letter.batch != options.batch) return true;
                return isWanted = f(letter);
            }));
    return {};
}

std::string printed(const std::string& text) {
    std::string printable;
    core::appendPrintable(printable, text);
    return printable;
}

Result<> list(const DeadLetterOptions& options) {
    TM_ASSIGN(const auto files, filesOf(options.dataDirectory));
    if (files.empty() && !options.json) put("no dead letters\n");
    for (const auto& file : files) {
        Letter first;
        std::uint64_t count = 0, notKept = 0;
        TM_TRY(forEachIn(file, [&](const Letter& letter) {
            if (count == 0) first = letter;
            notKept += letter.notKept;
            count += letter.notKept == 0;
            return true;
        }));
        std::string line;
        if (options.json)
            line =
                json{{"batch", first.batch}, {"time_ms", first.timeMillis},  {"kept", count},
                     {"not_kept", notKept},  {"operation", first.operation}, {"error", first.error}}
                    .dump();
        else
            line = "batch " + std::to_string(first.batch) + "\t" + std::to_string(count + notKept) +
                   " left out" + (notKept == 0 ? "" : ", " + std::to_string(count) + " kept") +
                   "\t" + printed(first.operation) + ": " + printed(first.error);
        if (!put(line + "\n")) return {};
    }
    return {};
}

Result<> show(const DeadLetterOptions& options) {
    std::uint64_t left = options.limit == 0 ? ~std::uint64_t{0} : options.limit;
    return forEach(options, [&](const Letter& letter) {
        std::string line;
        if (options.json)
            line = json{{"batch", letter.batch},         {"time_ms", letter.timeMillis},
                        {"operation", letter.operation}, {"error", letter.error},
                        {"record", letter.record},       {"not_kept", letter.notKept}}
                       .dump();
        else if (letter.notKept != 0)
            line = "batch " + std::to_string(letter.batch) + "\t" + std::to_string(letter.notKept) +
                   " more are not kept";
        else
            line = "batch " + std::to_string(letter.batch) + "\t" + printed(letter.operation) +
                   ": " + printed(letter.error) + "\n  " + printed(letter.record);
        return put(line + "\n") && --left != 0;
    });
}

}  // namespace

int listDeadLetters(const DeadLetterOptions& options) {
    const auto result = list(options);
    return result ? finishOutput() : sayFailure(result.error());
}

int showDeadLetters(const DeadLetterOptions& options) {
    const auto result = show(options);
    return result ? finishOutput() : sayFailure(result.error());
}

int resendDeadLetters(const DeadLetterOptions& options, SendCommandOptions send) {
    std::FILE* const lines = std::tmpfile();
    if (lines == nullptr) {
        std::perror("tidemill dead_letters resend: a temporary file");
        return kExitFailed;
    }
    std::uint64_t cut = 0, notKept = 0;
    bool isWritten = true;
    const auto read = forEach(options, [&](const Letter& letter) {
        notKept += letter.notKept;
        if (letter.notKept != 0) return true;
        if (letter.isCut()) {
            ++cut;
            return true;
        }
        const auto line = rows::fromReversible(letter.record) + "\n";
        isWritten = std::fwrite(line.data(), 1, line.size(), lines) == line.size();
        return isWritten;
    });
    if (read && std::fflush(lines) == 0 && isWritten) {
        if (cut != 0 || notKept != 0)
            std::fprintf(stderr,
                         "tidemill dead_letters resend: %llu records are not sent, of which only "
                         "the beginning was kept, and %llu of which nothing was\n",
                         static_cast<unsigned long long>(cut),
                         static_cast<unsigned long long>(notKept));
        ::lseek(::fileno(lines), 0, SEEK_SET);
        send.file = "/dev/fd/" + std::to_string(::fileno(lines));
        const int code = sendLines(send);
        std::fclose(lines);
        return code;
    }
    std::fclose(lines);
    if (!read) return sayFailure(read.error());
    std::perror("tidemill dead_letters resend: a temporary file");
    return kExitFailed;
}

}  // namespace tidemill::tools
