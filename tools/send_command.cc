// tidemill send: a sender that rests only when every line is durable.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <set>
#include <string>

#include "sources/endpoint.h"
#include "sources/sessions.h"
#include "sources/text_sender.h"
#include "sources/tls_context.h"
#include "tools/commands.h"
#include "tools/exit_code.h"

namespace tidemill::tools {
namespace {

// "17", "17, 20 to 25"; the first ten.
std::string inWords(const std::set<sources::LineRange>& lines) {
    std::string text;
    int printed = 0;
    for (const auto& [first, last] : lines) {
        if (++printed > 10) return text + ", …";
        text += (text.empty() ? "" : ", ") + std::to_string(first) +
                (last == first ? "" : " to " + std::to_string(last));
    }
    return text;
}

int sayOutcome(std::uint64_t lines, const sources::SendReport& report) {
    const auto all = static_cast<unsigned long long>(lines);
    if (report.asInTheInput()) {
        std::fprintf(stderr, "tidemill send: all %llu lines are durable\n", all);
        return kExitDone;
    }
    if (!report.skipped.empty()) {
        const auto skipped = report.skippedLines();
        std::fprintf(stderr,
                     "tidemill send: %llu of %llu lines %s not counted, being longer than the "
                     "job's max_record_bytes: line %s; the others are durable\n",
                     static_cast<unsigned long long>(skipped), all, skipped == 1 ? "is" : "are",
                     inWords(report.skipped).c_str());
    }
    if (report.grownLine)
        std::fprintf(stderr,
                     "tidemill send: line %llu was sent when it had no line end, and has grown "
                     "since: durable is only its beginning; the other lines of %llu are durable\n",
                     static_cast<unsigned long long>(*report.grownLine), all);
    return kExitNotAsInput;
}

}  // namespace

int sendLines(const SendCommandOptions& wanted) {
    sources::SendOptions options;
    options.session = wanted.session;
    options.live = wanted.live;
    options.bytesPerSecondMax = wanted.bytesPerSecond;
    const auto server = sources::parseEndpoint(wanted.server);
    if (!server) {
        std::fprintf(stderr, "tidemill send: %s\n", server.error().message.c_str());
        return kExitUsage;
    }
    options.host = server->host;
    options.port = server->port;
    options.tls = wanted.tls;
    options.caFile = wanted.caFile;
    auto token = sources::readTokenFile(wanted.tokenFile);
    if (!token) {
        std::fprintf(stderr, "tidemill send: %s\n", token.error().message.c_str());
        return kExitUsage;
    }
    options.token = std::move(*token);
    if (!sources::isSessionName(wanted.session)) {
        std::fprintf(stderr,
                     "tidemill send: \"%s\" is no session name: 1 to 128 printable "
                     "characters without spaces\n",
                     wanted.session.c_str());
        return kExitUsage;
    }
    int input = STDIN_FILENO;
    if (!wanted.file.empty() && wanted.file != "-") {
        input = ::open(wanted.file.c_str(), O_RDONLY | O_CLOEXEC);
        if (input < 0) {
            std::perror(("tidemill send: " + wanted.file).c_str());
            return kExitFailed;
        }
    }
    using Clock = std::chrono::steady_clock;
    auto said = Clock::now();
    options.onNote = [](const std::string& note) {
        std::fprintf(stderr, "tidemill send: %s\n", note.c_str());
    };
    options.onProgress = [&](const sources::SendProgress& progress) {
        if (Clock::now() - said < std::chrono::seconds(2)) return;
        said = Clock::now();
        std::fprintf(stderr, "tidemill send: %llu lines durable, %.1f MB sent%s\n",
                     static_cast<unsigned long long>(progress.linesDurable),
                     static_cast<double>(progress.bytesSent) / 1e6,
                     progress.connected ? "" : ", not connected");
    };
    sources::TextSender sender(options);
    const auto sent = sender.run(input);
    if (sent) return sayOutcome(*sent, sender.report());
    std::fprintf(stderr, "tidemill send: %s\n", sent.error().message.c_str());
    return sender.report().takenOver ? kExitTakenOver : exitCodeOf(sent.error());
}

}  // namespace tidemill::tools
