#include "sources/session_connection.h"

#include <algorithm>
#include <asio/error.hpp>
#include <utility>

#include "core/failpoint.h"
#include "core/mutant.h"
#include "sources/connect_socket.h"
#include "sources/session_errors.h"
#include "sources/text_receiver.h"

namespace tidemill::sources {
namespace {

constexpr std::string_view kWord = "session ";
// The word, a name of 128 bytes, "\r\n".
constexpr std::size_t kFirstLineBytesMax = kWord.size() + 128 + 2;

constexpr std::chrono::seconds kBusyFor{1};

}  // namespace

SessionConnection::SessionConnection(Network& network, TextReceiver& receiver,
                                     std::unique_ptr<Channel> channel)
    : TextConnection(network, receiver, std::move(channel), Limits::kHold),
      firstLine_(kFirstLineBytesMax) {}

void SessionConnection::begin() {
    channel_->sendAtOnce();
    network_.limits().set(*this, TimeLimit::kFirstLine);
    waitReadable();
}

void SessionConnection::readable() {
    if (stage_ == Stage::kFirstLine) return readFirstLine();
    TextConnection::readable();
}

// Takes the first line from the socket and not a byte behind it: what follows is read as data.
void SessionConnection::readFirstLine() {
    switch (firstLine_.read(*channel_)) {
        case FirstLine::Read::kMore: return waitReadable();
        case FirstLine::Read::kLine: return introduced(firstLine_.text());
        case FirstLine::Read::kEnded:
            if (firstLine_.broken()) ++receiver_.counters.resets;
            return close("ended before it named a session");
        case FirstLine::Read::kTooLong:
            stage_ = Stage::kEnded;
            return refuse("the first line is too long; expected: session NAME");
    }
}

void SessionConnection::introduced(std::string_view line) {
    network_.limits().set(*this, std::nullopt);
    stage_ = Stage::kEnded;
    if (!line.starts_with(kWord)) return refuse("expected as the first line: session NAME");
    const std::string_view name = line.substr(kWord.size());
    if (!isSessionName(name))
        return refuse("a session name is 1 to 128 printable bytes without spaces");
    if (network_.failed()) return refuse(kErrorLogFailed);
    name_ = name;  // set first: closing() leaves the session, should entering fail half way
    enterSession();
}

void SessionConnection::enterSession() {
    const auto entered = network_.sessions().enter(*this, name_);
    if (!entered) {
        stage_ = Stage::kEnded;
        return refuse(entered.error().message);
    }
    if (*entered == Sessions::Entry::kOwnerIsBusy) {
        stage_ = Stage::kAwaitingSession;
        return network_.limits().set(*this, TimeLimit::kTakeover);
    }
    stage_ = Stage::kAwaitingResume;
    network_.sessions().awaitResume(*this);
}

void SessionConnection::resume() {
    if (stage_ != Stage::kAwaitingResume || closed()) return;
    stage_ = Stage::kOpen;
    queuedLine_ = durableLine_ = answeredLine_ = network_.log().sessionLines(name_);
    const auto unheard = network_.sessions().takeUnheard(name_);
    oversize_.assign(unheard.begin(), unheard.end());
    const std::uint64_t resumed = durableLine_ + (TM_MUTANT(session_resumes_a_line_off) ? 1 : 0);
    send("resume " + std::to_string(resumed) + "\n" + sayOversize(durableLine_));
    if (!closed()) startReading(durableLine_ + 1, name_);
}

bool SessionConnection::isBusy() const {
    return !closed() && std::chrono::steady_clock::now() - lastLines_ < kBusyFor;
}

bool SessionConnection::hasEnded() {
    char first = 0;
    asio::error_code error;
    channel_->peek({&first, 1}, error);
    return error && !wouldBlock(error);
}

std::string SessionConnection::sayOversize(std::uint64_t line) {
    std::string text;
    for (; !oversize_.empty() && oversize_.front().last <= line; oversize_.pop_front()) {
        const auto [first, last] = oversize_.front();
        text += "skipped " + std::to_string(first) +
                (last == first ? "" : "-" + std::to_string(last)) + "\n";
        if (oversizeReported_.size() < kOversizeRangesMax)
            oversizeReported_.push_back({first, last});
    }
    return text;
}

void SessionConnection::takenOver() {
    stage_ = Stage::kEnded;
    dropUnfinishedLine();
    refuse(kErrorTakenOver);
}

void SessionConnection::linesArrived() {
    if (stage_ != Stage::kOpen || !assembler_->hasLines()) return;
    lastLines_ = std::chrono::steady_clock::now();
    network_.sessions().answerLater(*this);
}

void SessionConnection::handOverLines() {
    waitsForAnswer = false;
    if (stage_ != Stage::kOpen) return;
    const auto self = shared_from_this();
    flushOpenBlock();
}

void SessionConnection::handedOver(core::Lsn lsn, std::uint64_t lastLine,
                                   const std::vector<LineRange>& oversize) {
    queuedLine_ = lastLine;
    oversize_.insert(oversize_.end(), oversize.begin(), oversize.end());
    if (TM_MUTANT(durable_said_at_once)) {
        durable(lastLine);
        answer();
    }
    network_.sessions().awaitDurable(*this, lsn, lastLine);
}

void SessionConnection::durable(std::uint64_t line) { durableLine_ = std::max(durableLine_, line); }

void SessionConnection::answer() {
    if (closed() || (stage_ != Stage::kOpen && stage_ != Stage::kFinishing)) return;
    // While an earlier answer waits to be sent none is added: the newest follows it.
    if (sending() || durableLine_ <= answeredLine_) return finishWhenDurable();
    if (!core::reachFailpoint("ack.beforeSend")) return lost("failpoint ack.beforeSend");
    answeredLine_ = durableLine_;
    answered_ = true;
    send(sayOversize(answeredLine_) + "durable " + std::to_string(answeredLine_) + "\n");
    if (closed()) return;
    if (!core::reachFailpoint("ack.afterSend")) return lost("failpoint ack.afterSend");
    finishWhenDurable();
}

void SessionConnection::outputSent() {
    if (stage_ == Stage::kOpen || stage_ == Stage::kFinishing) {
        if (durableLine_ > answeredLine_) return answer();
        return finishWhenDurable();
    }
    TextConnection::outputSent();
}

void SessionConnection::inputEnded(bool broken) {
    const auto self = shared_from_this();
    handOver();
    if (closed()) return;
    dropUnfinishedLine();
    if (broken) {
        ++receiver_.counters.resets;
        return close("the connection was reset");
    }
    finish();
}

void SessionConnection::finish() {
    if (stage_ == Stage::kFinishing || stage_ == Stage::kEnded) return;
    if (stage_ != Stage::kOpen) return close("ended before the session was resumed");
    const auto self = shared_from_this();
    stopReading();
    handOver();
    if (closed()) return;
    dropUnfinishedLine();
    network_.limits().set(*this, std::nullopt);
    stage_ = Stage::kFinishing;
    finishWhenDurable();
}

void SessionConnection::finishWhenDurable() {
    if (stage_ != Stage::kFinishing || closed() || sending()) return;
    if (durableLine_ < queuedLine_ || answeredLine_ < durableLine_) return;
    stage_ = Stage::kEnded;
    const auto self = shared_from_this();
    // A client that sent no lines is answered too: it may only want to know how far the session is.
    if (!answered_) send("durable " + std::to_string(durableLine_) + "\n");
    oversizeReported_.clear();  // the client has read them, since it waited for the last answer
    closing();
    if (!closed()) linger();
}

void SessionConnection::timeIsUp(TimeLimit limit) {
    if (limit == TimeLimit::kTakeover) return enterSession();
    if (limit != TimeLimit::kFirstLine || atGate()) return TextConnection::timeIsUp(limit);
    stage_ = Stage::kEnded;
    ++receiver_.counters.connectionsClosed;
    refuse(kErrorNoSession);
}

void SessionConnection::closing() {
    stage_ = Stage::kEnded;
    if (name_.empty()) return;
    // What was sent last may not have reached the client: the next connection is sent it again.
    oversizeReported_.insert(oversizeReported_.end(), oversize_.begin(), oversize_.end());
    oversize_.clear();
    network_.sessions().keepUnheard(name_, std::exchange(oversizeReported_, {}));
    network_.sessions().leave(*this, name_);
}

}  // namespace tidemill::sources
