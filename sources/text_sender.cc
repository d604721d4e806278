#include "sources/text_sender.h"

#include <poll.h>

#include <asio/io_context.hpp>
#include <cerrno>
#include <thread>
#include <utility>

#include "core/logging.h"
#include "sources/connect_socket.h"
#include "sources/endpoint.h"
#include "sources/send_input.h"
#include "sources/send_link.h"
#include "sources/session_answer.h"
#include "sources/session_errors.h"
#include "sources/sessions.h"
#include "sources/unix_path.h"

namespace tidemill::sources {
namespace {

using core::ErrorKind;
using core::Result;
using Clock = std::chrono::steady_clock;

// How often a wait looks whether it should end.
constexpr int kLookMillis = 100;
// A rate is kept in steps of this.
constexpr std::chrono::milliseconds kRateStep{20};
constexpr std::chrono::milliseconds kProgressPeriod{100};
// Longer answers than this are no protocol of ours.
constexpr std::size_t kAnswerBytesMax = 4096;

// A wait of this length is explained.
constexpr std::chrono::seconds kSaySoAfter{2};
constexpr std::chrono::seconds kPeerLookPeriod{5};
constexpr std::size_t kSkippedRangesMax = 100'000;

std::string sayLines(const LineRange& range) {
    if (range.first == range.last) return "line " + std::to_string(range.first) + " is";
    return "lines " + std::to_string(range.first) + " to " + std::to_string(range.last) + " are";
}

// What became of one connection.
enum class Ending { kDone, kLost };

// One run of a sender. Thread safety: externally synchronized.
class Sending {
public:
    Sending(const SendOptions& options, const std::atomic<bool>& stopped, int inputFd,
            SendReport& outcome)
        : options_(options),
          stopped_(stopped),
          outcome_(outcome),
          input_(
              inputFd, !options.live,
              UnfinishedLineNote(inputFd, hostAndPort(options.host, options.port), options.session),
              options.unacknowledgedBytesMax, [this](const std::string& text) { note(text); }) {}

    Result<std::uint64_t> run() {
        if (options_.tls) {
            TM_ASSIGN(tls_, makeClientContext(options_.caFile, "--ca"));
        }
        auto lastSeen = Clock::now();
        for (;;) {
            auto ending = connectAndSend(lastSeen);
            progress_.connected = false;
            report(true);
            if (!ending) return core::fail(std::move(ending.error()));
            if (*ending == Ending::kDone) {
                TM_TRY(compareWithInput());
                return progress_.linesDurable;
            }
            TM_TRY(rest(lastSeen));
        }
    }

private:
    // ---- waiting ----

    Result<> checkStopped() const {
        if (!stopped_.load(std::memory_order_relaxed)) return {};
        return core::fail(ErrorKind::kIo, "stopped; durable are the first " +
                                              std::to_string(progress_.linesDurable) +
                                              " lines of session " + options_.session);
    }

    Result<> rest(Clock::time_point lastSeen) {
        const auto until = Clock::now() + options_.retryPeriod;
        while (Clock::now() < until) {
            TM_TRY(checkStopped());
            report(false);
            std::this_thread::sleep_for(
                std::min<Clock::duration>(until - Clock::now() + std::chrono::milliseconds(1),
                                          std::chrono::milliseconds(kLookMillis)));
        }
        TM_TRY(checkStopped());
        if (options_.giveUpAfter && Clock::now() - lastSeen > *options_.giveUpAfter)
            return core::fail(ErrorKind::kIo, "no server at " + where() + " for " +
                                                  std::to_string(options_.giveUpAfter->count()) +
                                                  " ms");
        return {};
    }

    std::string where() const { return hostAndPort(options_.host, options_.port); }

    // Says something once, until something else is to be said.
    void note(const std::string& text) {
        if (text == lastNote_) return;
        lastNote_ = text;
        if (options_.onNote) options_.onNote(text);
    }

    void report(bool now) {
        if (!options_.onProgress) return;
        const auto time = Clock::now();
        if (!now && time - reported_ < kProgressPeriod) return;
        reported_ = time;
        progress_.linesSent = std::max(progress_.linesSent, window_.linesBefore(sendAt_));
        options_.onProgress(progress_);
    }

    // ---- one connection ----

    Result<Ending> connectAndSend(Clock::time_point& lastSeen) {
        asio::io_context io;
        StreamSocket socket(io);
        if (const auto error = connectSocket(socket, options_.host, options_.port, stopped_)) {
            note("cannot connect to " + where() + ": " + error.message() + "; trying again every " +
                 std::to_string(options_.retryPeriod.count()) + " ms");
            TM_TRY(checkStopped());
            return Ending::kLost;
        }
        lastSeen = Clock::now();
        ++progress_.connections;
        received_.clear();
        resumed_.reset();
        passing_.clear();
        endingReported_ = false;
        serverEnded_ = false;
        // A Unix socket has no host: its server is on this one.
        SendLink link(socket, tls_, unixPathOf(options_.host) ? "localhost" : options_.host);
        auto ending = converse(link);
        lastSeen = Clock::now();
        if (ending && *ending == Ending::kLost)
            note("connection to " + where() + " lost; trying again every " +
                 std::to_string(options_.retryPeriod.count()) + " ms");
        return ending;
    }

    // TLS is agreed on. False: the connection was lost.
    Result<bool> shakeHands(SendLink& link, Clock::time_point begun) {
        for (asio::error_code error; !link.handshake(error);) {
            TM_TRY(checkStopped());
            if (wouldBlock(error)) {
                if (Clock::now() - begun >= options_.answerMax)
                    return core::fail(ErrorKind::kIo,
                                      where() +
                                          " accepted the connection, but did not agree on "
                                          "TLS for " +
                                          seconds(options_.answerMax) + ": does it speak TLS?");
                report(false);
                pollfd ready{link.fd(), link.events(false), 0};
                ::poll(&ready, 1, kLookMillis);
                continue;
            }
            const std::string answer = link.plainAnswer();
            const SessionAnswer said = parseSessionAnswer(answer);
            if (said.kind == SessionAnswer::Kind::kError && isPassing(said.text)) {
                passing_ = said.text;
                return false;
            }
            if (const auto why = link.trouble(); !why.empty())
                return core::fail(ErrorKind::kConflict, "no TLS with " + where() + ": " + why);
            return false;
        }
        return true;
    }

    Result<Ending> converse(SendLink& link) {
        const auto asked = Clock::now();
        TM_ASSIGN(const bool agreed, shakeHands(link, asked));
        if (!agreed) return lost();
        const std::string greeting =
            (options_.token.empty() ? "" : "token " + options_.token + "\n") + "session " +
            options_.session + "\n";
        asio::error_code error;
        if (link.write(greeting, error) != greeting.size()) return Ending::kLost;
        // The server answers once everything that an older connection sent is durable.
        while (!resumed_) {
            TM_TRY(checkStopped());
            if (serverEnded_) return lost();
            const auto waited = Clock::now() - asked;
            if (waited >= options_.answerMax)
                return core::fail(ErrorKind::kIo,
                                  where() +
                                      " accepted the connection, but said nothing to \"session " +
                                      options_.session + "\" for " + seconds(options_.answerMax) +
                                      ": is there a listen_acknowledged source?");
            if (waited >= kSaySoAfter)
                note("connected to " + where() + "; waiting for its answer to \"session " +
                     options_.session + "\"");
            report(false);
            pollfd ready{link.fd(), link.events(false), 0};
            if (link.hasPending() || ::poll(&ready, 1, kLookMillis) == 1) TM_TRY(receive(link));
        }
        const std::uint64_t lines = *std::exchange(resumed_, std::nullopt);
        progress_.connected = true;
        TM_TRY(goTo(lines));
        while (!serverEnded_) {
            TM_TRY(checkStopped());
            if (input_.ended() && progress_.linesDurable == window_.lines()) return Ending::kDone;
            if (!passing_.empty()) break;
            TM_TRY(step(link));
            report(false);
        }
        if (input_.ended() && progress_.linesDurable == window_.lines()) return Ending::kDone;
        return lost();
    }

    Ending lost() {
        if (!passing_.empty()) note("the server says: " + passing_);
        return Ending::kLost;
    }

    static std::string seconds(std::chrono::milliseconds time) {
        return time.count() % 1000 == 0 ? std::to_string(time.count() / 1000) + " s"
                                        : std::to_string(time.count()) + " ms";
    }

    // A server that was cut off sends nothing, and the kernel goes on retrying for many minutes.
    void lookForThePeer(const SendLink& link) {
        if (Clock::now() - peerLookedAt_ < kPeerLookPeriod) return;
        peerLookedAt_ = Clock::now();
        if (isPeerGone(link.fd())) serverEnded_ = true;
    }

    Result<> compareWithInput() {
        auto grown = input_.grownLine();
        if (!grown)
            return core::fail(grown.error().kind, grown.error().message + "; durable are " +
                                                      std::to_string(progress_.linesDurable) +
                                                      " lines of session " + options_.session);
        if (*grown) outcome_.grownLine = *grown;
        return {};
    }

    // Reads, sends and hears what is possible now, or waits until something is.
    Result<> step(SendLink& link) {
        if (!input_.ended() && window_.room().empty())
            TM_TRY(input_.makeRoom(progress_.linesDurable, sendAt_));
        const bool room = !input_.ended() && !window_.room().empty();
        const bool toSend = sendAt_ < sendUntil();
        if (input_.ended() && sendAt_ == window_.end() && !std::exchange(endingReported_, true))
            link.endOutput();
        if (link.hasPending()) return receive(link);
        pollfd ready[2] = {{link.fd(), link.events(toSend), 0},
                           {room ? input_.fd() : -1, POLLIN, 0}};
        const bool waitsForRate = options_.bytesPerSecondMax != 0 && sendAt_ != window_.end();
        if (::poll(ready, 2, waitsForRate ? int(kRateStep.count()) : kLookMillis) <= 0) {
            lookForThePeer(link);
            return {};
        }
        if ((ready[0].revents & (POLLIN | POLLERR | POLLHUP)) != 0) TM_TRY(receive(link));
        if (serverEnded_) return {};
        if ((ready[1].revents & (POLLIN | POLLERR | POLLHUP | POLLNVAL)) != 0)
            TM_TRY(input_.read());
        if (toSend && (ready[0].revents & POLLOUT) != 0) sendSome(link);
        return {};
    }

    // A server waits for the end of a line only when that line is in one piece too large.
    std::uint64_t sendUntil() const {
        const std::uint64_t ready =
            input_.ended() || input_.full() ? window_.end() : window_.lineEnd();
        if (options_.bytesPerSecondMax == 0) return ready;
        // In steps, or every byte that becomes allowed would be sent by itself.
        const auto steps = (Clock::now() - resumedAt_) / kRateStep;
        const auto allowed = options_.bytesPerSecondMax * static_cast<std::uint64_t>(steps) /
                             (std::chrono::seconds(1) / kRateStep);
        return std::min(ready, std::max(sendAt_, resumedFrom_ + allowed));
    }

    void sendSome(SendLink& link) {
        while (sendAt_ < sendUntil()) {
            std::string_view bytes = window_.bytes(sendAt_);
            bytes = bytes.substr(0, sendUntil() - sendAt_);
            asio::error_code error;
            const std::size_t count = link.write(bytes, error);
            sendAt_ += count;
            progress_.bytesSent += count;
            if (error && !wouldBlock(error)) serverEnded_ = true;
            if (error || count < bytes.size()) return;
            // Answers must be heard and input read between the pieces.
            if (!input_.ended()) return;
        }
    }

    // ---- answers ----

    Result<> receive(SendLink& link) {
        char bytes[4096];
        for (;;) {
            asio::error_code error;
            const std::size_t count = link.read(bytes, error);
            if (wouldBlock(error)) break;
            if (error) {
                serverEnded_ = true;
                break;
            }
            received_.append(bytes, count);
            if (received_.size() > 16 * kAnswerBytesMax) break;
        }
        std::size_t begin = 0;
        for (std::size_t end; (end = received_.find('\n', begin)) != received_.npos;
             begin = end + 1)
            TM_TRY(understand(std::string_view(received_).substr(begin, end - begin)));
        received_.erase(0, begin);
        if (received_.size() > kAnswerBytesMax)
            return core::fail(ErrorKind::kConflict, where() + " does not speak our protocol");
        return {};
    }

    Result<> understand(std::string_view line) {
        const SessionAnswer answer = parseSessionAnswer(line);
        switch (answer.kind) {
            case SessionAnswer::Kind::kResume: resumed_ = answer.lines; return {};
            case SessionAnswer::Kind::kDurable: return acknowledged(answer.lines);
            case SessionAnswer::Kind::kSkipped:
                if (outcome_.skipped.size() < kSkippedRangesMax &&
                    outcome_.skipped.insert({answer.lines, answer.last}).second)
                    note(sayLines({answer.lines, answer.last}) +
                         " too long for the server (its max_record_bytes) and not counted");
                return {};
            case SessionAnswer::Kind::kError:
                if (isPassing(answer.text)) {
                    passing_ = answer.text;
                    return {};
                }
                if (answer.text == kErrorTakenOver || answer.text == kErrorStale) {
                    outcome_.takenOver = true;
                    return core::fail(
                        ErrorKind::kConflict,
                        "another sender has taken session " + options_.session +
                            " over; durable are " + std::to_string(progress_.linesDurable) +
                            " lines. A session is for one sender at a time: stop the other one, or "
                            "give each a name of its own");
                }
                return core::fail(ErrorKind::kConflict, "the server refused session " +
                                                            options_.session + ": " +
                                                            core::escaped(answer.text));
            default: break;
        }
        return core::fail(ErrorKind::kConflict, where() + " does not speak our protocol: it said " +
                                                    core::escaped(line, 80));
    }

    Result<> acknowledged(std::uint64_t lines) {
        if (lines > window_.lines())
            return core::fail(ErrorKind::kConflict,
                              "session " + options_.session + " has " + std::to_string(lines) +
                                  " lines, but this sender has sent only " +
                                  std::to_string(window_.lines()) + ": another one uses it");
        progress_.linesDurable = std::max(progress_.linesDurable, lines);
        window_.dropLines(lines);
        return {};
    }

    // Prepares to send what follows line `lines`.
    Result<> goTo(std::uint64_t lines) {
        if (!begun_) {
            begun_ = true;
            if (const auto grown = input_.grownSinceEarlierRun(lines)) {
                outcome_.grownLine = grown;
                note("line " + std::to_string(*grown) +
                     " has grown since it was sent without a line end; what was added to it is not "
                     "durable and never will be in this session");
            }
            window_.restart(options_.live ? lines : 0);
            if (options_.live && lines != 0)
                note("session " + options_.session + " goes on behind line " +
                     std::to_string(lines) +
                     "; lines that a sender before this one held back are gone");
        } else {
            note("connected to " + where() + " again; going on behind line " +
                 std::to_string(lines));
        }
        if (options_.live && lines > window_.lines())
            return core::fail(ErrorKind::kConflict,
                              "session " + options_.session + " has " + std::to_string(lines) +
                                  " lines, more than this sender has sent: another one uses it");
        TM_TRY(skipTo(lines));
        auto position = window_.behindLine(lines);
        if (!position) {
            TM_ASSIGN(const bool restarted, input_.restart());
            if (restarted) {
                TM_TRY(skipTo(lines));
                position = window_.behindLine(lines);
            }
        }
        if (!position)
            return core::fail(ErrorKind::kConflict, "the server has only " + std::to_string(lines) +
                                                        " lines of session " + options_.session +
                                                        ", and this sender does not have line " +
                                                        std::to_string(lines + 1) + " any more");
        sendAt_ = resumedFrom_ = *position;
        resumedAt_ = Clock::now();
        progress_.linesDurable = lines;
        progress_.linesSent = lines;
        window_.dropLines(lines);
        return {};
    }

    // Reads on until the input has so many lines.
    Result<> skipTo(std::uint64_t lines) {
        while (window_.lines() < lines && !input_.ended()) {
            TM_TRY(checkStopped());
            report(false);
            window_.dropLines(lines);
            if (window_.room().empty()) window_.giveUp(window_.end());
            pollfd ready{input_.fd(), POLLIN, 0};
            if (::poll(&ready, 1, kLookMillis) != 0) TM_TRY(input_.read());
        }
        if (window_.lines() >= lines) return {};
        return core::fail(ErrorKind::kInvalid, "the input has " + std::to_string(window_.lines()) +
                                                   " lines, but session " + options_.session +
                                                   " has " + std::to_string(lines) +
                                                   " already: not the same input");
    }

    const SendOptions& options_;
    const std::atomic<bool>& stopped_;
    SendReport& outcome_;
    SendInput input_;
    SendWindow& window_ = input_.window();
    TlsContext tls_;                 // null: without
    std::uint64_t resumedFrom_ = 0;  // sendAt_ when the connection began, and when that was
    Clock::time_point resumedAt_;
    std::uint64_t sendAt_ = 0;
    bool begun_ = false;
    bool endingReported_ = false;  // our direction of the connection is shut
    bool serverEnded_ = false;
    std::string received_;
    std::optional<std::uint64_t> resumed_;
    std::string passing_;  // the server's last words, if they need not be the last
    std::string lastNote_;
    SendProgress progress_;
    Clock::time_point reported_{};
    Clock::time_point peerLookedAt_ = Clock::now();
};

}  // namespace

std::uint64_t SendReport::skippedLines() const {
    std::uint64_t lines = 0;
    for (const auto& [first, last] : skipped) lines += last - first + 1;
    return lines;
}

TextSender::TextSender(SendOptions options) : options_(std::move(options)) {}

Result<std::uint64_t> TextSender::run(int inputFd) {
    if (!isSessionName(options_.session))
        return core::fail(ErrorKind::kInvalid,
                          "a session name is 1 to 128 printable bytes without spaces: " +
                              core::escaped(options_.session));
    return Sending(options_, stopped_, inputFd, report_).run();
}

}  // namespace tidemill::sources
