// tidemill send: a sender that rests only when every line is durable.
#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>

#include "sources/sessions.h"
#include "sources/text_sender.h"
#include "tools/commands.h"
#include "tools/exit_code.h"

namespace tidemill::tools {
namespace {

bool parseServer(const std::string& server, std::string& host, std::uint16_t& port) {
    const auto colon = server.rfind(':');
    const std::string number = colon == server.npos ? server : server.substr(colon + 1);
    if (colon != server.npos && colon != 0) host = server.substr(0, colon);
    const char* end = number.data() + number.size();
    const auto [at, error] = std::from_chars(number.data(), end, port);
    return error == std::errc() && at == end && port != 0;
}

}  // namespace

int sendLines(const SendCommandOptions& wanted) {
    sources::SendOptions options;
    options.session = wanted.session;
    options.live = wanted.live;
    options.bytesPerSecondMax = wanted.bytesPerSecond;
    if (!parseServer(wanted.server, options.host, options.port)) {
        std::fprintf(stderr, "tidemill send: \"%s\" names no port: HOST:PORT, or PORT on this machine\n", wanted.server.c_str());
        return kExitUsage;
    }
    if (!sources::isSessionName(wanted.session)) {
        std::fprintf(stderr, "tidemill send: \"%s\" is no session name: 1 to 128 printable "
                             "characters without spaces\n", wanted.session.c_str());
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
    const auto sent = sources::TextSender(options).run(input);
    if (!sent) {
        std::fprintf(stderr, "tidemill send: %s\n", sent.error().message.c_str());
        return exitCodeOf(sent.error().kind);
    }
    std::fprintf(stderr, "tidemill send: all %llu lines are durable\n",
                 static_cast<unsigned long long>(*sent));
    return kExitDone;
}

}  // namespace tidemill::tools
