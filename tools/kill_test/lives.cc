#include "tools/kill_test/lives.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>
#include <utility>

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

constexpr milliseconds kLookEvery{2};
constexpr milliseconds kLongest{120'000};
constexpr milliseconds kRoundMost{3000};
constexpr std::size_t kLogShown = 2000;

milliseconds since(Clock::time_point begun) {
    return std::chrono::duration_cast<milliseconds>(Clock::now() - begun);
}

milliseconds upTo(std::mt19937_64& random, milliseconds most) {
    return milliseconds(random() % static_cast<std::uint64_t>(most.count() + 1));
}

std::string endOf(const std::filesystem::path& log) {
    std::ifstream file(log, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    return text.size() <= kLogShown ? text : "…" + text.substr(text.size() - kLogShown);
}

}  // namespace

core::Error Lives::endedByItself(const std::string& what, int how,
                                 const std::filesystem::path& log) const {
    return {ErrorKind::kIo, what + " ended by itself with " + endInWords(how) + ":\n" + endOf(log)};
}

Result<> Lives::start() {
    TM_ASSIGN(process_, Process::start(job_.arguments, job_.directory, job_.log));
    return {};
}

bool Lives::listens() const {
    return std::all_of(job_.ports.begin(), job_.ports.end(), [](std::uint16_t port) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) return false;
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const bool there =
            ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        ::close(fd);
        return there;
    });
}

Result<milliseconds> Lives::awaitListening() {
    const auto begun = Clock::now();
    while (!listens()) {
        if (const auto ended = process_->ended())
            return core::fail(endedByItself("the job", *ended, job_.log));
        if (since(begun) > kLongest)
            return core::fail(ErrorKind::kIo,
                              "the job does not listen after 2 minutes:\n" + endOf(job_.log));
        std::this_thread::sleep_for(kLookEvery);
    }
    return since(begun);
}

Result<Lives::Senders> Lives::send(std::size_t piece) {
    Senders senders;
    for (std::size_t i = 0; i < feeds_.size(); ++i) {
        TM_ASSIGN(
            auto sender,
            Process::start(
                {program_, "send", "--session",
                 "kill-test-" + std::to_string(piece + 1) + "-" + std::to_string(i + 1),
                 "127.0.0.1:" + std::to_string(job_.ports[i]), feeds_[i].pieces[piece].string()},
                {}, sendersLog()));
        senders.push_back(std::move(sender));
    }
    return senders;
}

Result<> Lives::awaitSent(Senders& senders) {
    for (auto& sender : senders) {
        const auto begun = Clock::now();
        while (!sender->ended()) {
            if (const auto ended = process_->ended())
                return core::fail(endedByItself("the job", *ended, job_.log));
            if (since(begun) > kLongest)
                return core::fail(ErrorKind::kIo,
                                  "a sender is not done after 2 minutes:\n" + endOf(sendersLog()));
            std::this_thread::sleep_for(kLookEvery);
        }
        if (*sender->ended() != 0)
            return core::fail(endedByItself("a sender", *sender->ended(), sendersLog()));
    }
    return {};
}

Result<> Lives::kill() {
    if (process_->kill()) return {};
    return core::fail(endedByItself("the job", *process_->ended(), job_.log));
}

Result<> Lives::stop() {
    process_->terminate();
    const auto ended = process_->wait(kLongest);
    if (!ended)
        return core::fail(ErrorKind::kIo,
                          "the job has not stopped 2 minutes after SIGTERM:\n" + endOf(job_.log));
    if (*ended == 0) return {};
    return core::fail(
        ErrorKind::kIo,
        (*ended == -SIGTERM ? "SIGTERM does not stop the job gracefully, it just ends it (in C++: "
                              "stopOnSignals())"
                            : "the stop of the job failed with " + endInWords(*ended)) +
            std::string(":\n") + endOf(job_.log));
}

Result<> Lives::undisturbed(milliseconds between) {
    TM_TRY(start());
    TM_TRY(awaitListening());
    const auto count = feeds_.front().pieces.size();
    auto said = Clock::now();
    for (std::size_t piece = 0; piece < count; ++piece) {
        const auto begun = Clock::now();
        TM_ASSIGN(auto senders, send(piece));
        TM_TRY(awaitSent(senders));
        pieceTook_ = std::max(pieceTook_, since(begun));
        std::this_thread::sleep_for(between);
        if (since(said) < milliseconds(2000)) continue;
        said = Clock::now();
        progress_("has taken " + std::to_string(piece + 1) + " of " + std::to_string(count) +
                  " pieces");
    }
    return stop();
}

Result<KillCounts> Lives::killed(std::mt19937_64& random) {
    KillCounts counts;
    TM_TRY(start());
    TM_TRY(awaitListening());
    const auto rounds = feeds_.front().pieces.size();
    // Until the piece's batch has run, too.
    const auto most = std::min(pieceTook_ + job_.interval * 3 / 2, kRoundMost);
    milliseconds recovery{20};
    auto said = Clock::now();
    for (std::size_t round = 0; round < rounds; ++round) {
        TM_ASSIGN(auto senders, send(round));
        std::this_thread::sleep_for(upTo(random, most));
        TM_TRY(kill());
        ++counts.kills;
        TM_TRY(start());
        while (random() % 4 == 0) {
            std::this_thread::sleep_for(upTo(random, recovery));
            TM_TRY(kill());
            ++counts.kills;
            ++counts.whileRecovering;
            TM_TRY(start());
        }
        TM_ASSIGN(recovery, awaitListening());
        counts.recovered.push_back(recovery);
        TM_TRY(awaitSent(senders));
        if (since(said) < milliseconds(2000)) continue;
        said = Clock::now();
        progress_("round " + std::to_string(round + 1) + " of " + std::to_string(rounds) + ": " +
                  std::to_string(counts.kills) + " kills");
    }
    TM_TRY(stop());
    return counts;
}

}  // namespace tidemill::tools
