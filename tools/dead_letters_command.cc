// tidemill dead_letters: the records that a job has gone on without, to be looked at and sent
// again.
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/format.h"
#include "core/reversible_text.h"
#include "tools/commands.h"
#include "tools/dead_letter_file.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"

namespace tidemill::tools {
namespace {

using core::Result;
using nlohmann::json;

// Calls f(letter) for each of the wanted batches, as long as it answers true.
Result<> forEach(const DeadLetterOptions& options,
                 const std::function<bool(const DeadLetter&)>& f) {
    TM_ASSIGN(const auto files, deadLetterFiles(options.dataDirectory, options.batch));
    bool isWanted = true;
    for (const auto& file : files)
        if (isWanted)
            TM_TRY(
                forEachDeadLetter(file, [&](const auto& letter) { return isWanted = f(letter); }));
    return {};
}

std::string printed(const std::string& text) {
    std::string printable;
    core::appendPrintable(printable, text);
    return printable;
}

Result<> list(const DeadLetterOptions& options) {
    TM_ASSIGN(const auto files, deadLetterFiles(options.dataDirectory, options.batch));
    if (files.empty() && !options.json)
        put("no dead letters" +
            (options.batch == 0 ? "" : " of batch " + std::to_string(options.batch)) + "\n");
    for (const auto& file : files) {
        DeadLetter first;
        std::uint64_t count = 0, notKept = 0;
        TM_TRY(forEachDeadLetter(file, [&](const DeadLetter& letter) {
            if (count == 0) first = letter;
            notKept += letter.notKept;
            count += letter.kind != DeadLetter::Kind::kCount;
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
                   "\t" + printed(first.operation) +
                   (first.error.empty() ? "" : ": " + printed(first.error));
        if (!put(line + "\n")) return {};
    }
    return {};
}

Result<> show(const DeadLetterOptions& options) {
    std::uint64_t left = options.limit == 0 ? ~std::uint64_t{0} : options.limit;
    return forEach(options, [&](const DeadLetter& letter) {
        std::string line;
        if (options.json)
            line = json{{"batch", letter.batch},         {"time_ms", letter.timeMillis},
                        {"operation", letter.operation}, {"error", letter.error},
                        {"kind", toString(letter.kind)}, {"record", letter.record},
                        {"not_kept", letter.notKept}}
                       .dump();
        else if (letter.kind == DeadLetter::Kind::kCount)
            line = "batch " + std::to_string(letter.batch) + "\t" + std::to_string(letter.notKept) +
                   " more are not kept";
        else
            line = "batch " + std::to_string(letter.batch) + "\t" + printed(letter.operation) +
                   (letter.error.empty() ? "" : ": " + printed(letter.error)) + "\n  " +
                   printed(letter.record);
        return put(line + "\n") && --left != 0;
    });
}

// What is to be sent: the lines among the letters, as they were received.
class Resending {
public:
    // False: the temporary file cannot be written.
    bool take(const DeadLetter& letter) {
        if (letter.batch != batch_) number_ = 0;
        batch_ = letter.batch;
        if (letter.kind == DeadLetter::Kind::kCount) {
            notKept_ += letter.notKept;
            return true;
        }
        ++number_;
        std::string line = core::fromReversible(letter.record);
        const std::string reason = whyNot(letter, line);
        if (!reason.empty()) {
            leave(reason);
            return true;
        }
        // The server takes one '\r' before the line end for a part of that.
        line += line.ends_with('\r') ? "\r\n" : "\n";
        ++lines_;
        return std::fwrite(line.data(), 1, line.size(), file_.get()) == line.size();
    }

    // Sends the lines; the exit code.
    int send(SendCommandOptions options) {
        if (std::fflush(file_.get()) != 0) return failed();
        say();
        int code = kExitDone;
        if (lines_ != 0) {
            ::lseek(::fileno(file_.get()), 0, SEEK_SET);
            options.file = "/dev/fd/" + std::to_string(::fileno(file_.get()));
            code = sendLines(options);
        }
        const bool isWhole = left_.empty() && notKept_ == 0;
        return code == kExitDone && !isWhole ? kExitNotAsInput : code;
    }

    bool isOpen() const { return file_ != nullptr; }

    static int failed() {
        std::perror("tidemill dead_letters resend: a temporary file");
        return kExitFailed;
    }

private:
    // Records of each reason that are named; others are counted.
    static constexpr std::size_t kNamedMax = 10;
    struct Left {
        std::uint64_t count = 0;
        std::string named;
    };

    // Empty: the record goes as a line.
    static std::string whyNot(const DeadLetter& letter, const std::string& line) {
        switch (letter.kind) {
            case DeadLetter::Kind::kBeginning: return "only the beginning was kept";
            case DeadLetter::Kind::kRow: return "a row that a step made is no line";
            case DeadLetter::Kind::kElement:
                return "what a function was given need not be a line as it was received";
            default: break;
        }
        return line.find('\n') == line.npos
                   ? ""
                   : "a record with a line end in it would arrive as several lines";
    }

    void leave(const std::string& reason) {
        auto& left = left_[reason];
        if (++left.count <= kNamedMax)
            left.named += (left.named.empty() ? "" : ", ") + std::to_string(number_) +
                          " of batch " + std::to_string(batch_);
    }

    void say() const {
        const auto line = [](std::uint64_t count, const std::string& reason,
                             const std::string& named) {
            std::fprintf(stderr, "tidemill dead_letters resend: %llu not sent: %s%s\n",
                         static_cast<unsigned long long>(count), reason.c_str(), named.c_str());
        };
        for (const auto& [reason, left] : left_)
            line(left.count, reason,
                 ": record " + left.named + (left.count > kNamedMax ? ", …" : ""));
        if (notKept_ != 0) line(notKept_, "nothing of them was kept", "");
        if (lines_ == 0) std::fprintf(stderr, "tidemill dead_letters resend: nothing to send\n");
    }

    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    const std::unique_ptr<std::FILE, Close> file_{std::tmpfile()};
    std::uint64_t lines_ = 0;
    std::uint64_t notKept_ = 0;
    std::map<std::string, Left> left_;  // by reason
    std::uint64_t batch_ = 0;
    std::uint64_t number_ = 0;  // of the letter in its batch, from 1
};

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
    Resending resending;
    if (!resending.isOpen()) return Resending::failed();
    bool isWritten = true;
    const auto read = forEach(
        options, [&](const DeadLetter& letter) { return isWritten = resending.take(letter); });
    if (!read) return sayFailure(read.error());
    return isWritten ? resending.send(std::move(send)) : Resending::failed();
}

}  // namespace tidemill::tools
