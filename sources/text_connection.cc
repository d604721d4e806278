#include "sources/text_connection.h"

#include <algorithm>
#include <array>
#include <asio/error.hpp>
#include <utility>

#include "core/failpoint.h"
#include "sources/connect_socket.h"
#include "sources/session_errors.h"
#include "sources/text_receiver.h"

namespace tidemill::sources {
namespace {

// One read stays inside the second-level cache until its lines are counted.
constexpr std::size_t kReadBytes = 256 << 10;
// Read in one turn before other connections have theirs.
constexpr std::size_t kTurnBytes = 1 << 20;

// A connection that brings little at a time, often, is left alone until kLowRateBytes wait or the
// next batch time, which is when its lines are handed over anyway: a thousand connections of a
// hundred lines a second each took 5 times the CPU of one with all these lines, now 1.6 times.
constexpr int kLowRateBytes = 64 << 10;
// Little is less than this in one read; often, this many times between two batch times.
constexpr std::size_t kSmallReadBytes = 16 << 10;
constexpr std::uint64_t kSmallReadsMany = 4;

}  // namespace

TextConnection::TextConnection(Network& network, TextReceiver& receiver,
                               std::unique_ptr<Channel> channel, Limits limits,
                               const std::optional<CsvRecords>& csv)
    : network_(network),
      receiver_(receiver),
      channel_(std::move(channel)),
      assembler_(makeAssembler(network.pool(), network.lineLimits(), csv)),
      limits_(limits) {}

void TextConnection::start(std::unique_ptr<Gate> gate) {
    gate_ = std::move(gate);
    if (!gate_) return begin();
    channel_->sendAtOnce();
    network_.limits().set(*this, TimeLimit::kFirstLine);
    passGate();
}

void TextConnection::passGate() {
    const auto self = shared_from_this();
    switch (gate_->pass(*channel_)) {
        case Gate::Pass::kWaits: return waitReadable();
        case Gate::Pass::kOpen:
            gate_.reset();
            network_.limits().set(*this, std::nullopt);
            receiver_.letIn(*this);
            return begin();
        case Gate::Pass::kWrongToken:
            gate_.reset();
            receiver_.turnedAway(*this, "it brought no token, or a wrong one");
            return refuse(kErrorToken);
        case Gate::Pass::kFailed: {
            const auto why = channel_->trouble();
            if (!why.empty()) receiver_.turnedAway(*this, "TLS was not agreed on: " + why);
            return close("ended before its lines");
        }
    }
}

void TextConnection::begin() {
    connection_ = network_.nextConnectionNumber();
    startReading(1, {});
}

void TextConnection::startReading(std::uint64_t firstLine, std::string session) {
    assembler_->startAt(firstLine);
    session_ = std::move(session);
    state_ = State::kReading;
    waitReadable();
}

void TextConnection::waitReadable() {
    if (waiting_ || closed()) return;
    waiting_ = true;
    channel_->waitReadable(shared_from_this());
}

void TextConnection::channelReadable(const asio::error_code& error) {
    waiting_ = false;
    network_.loop().flushIfRequested();
    if (closed() || error == asio::error::operation_aborted) return;
    if (gate_) passGate();
    else readable();
}

void TextConnection::readAgain() {
    if (state_ == State::kReading) readable();
}

void TextConnection::readable() {
    switch (state_) {
        case State::kReading: return readLines();
        case State::kLingering: return discardInput();
        default: return;  // startReading() waits anew
    }
}

void TextConnection::readLines() {
    if (!receiver_.mayRead() || network_.paused()) return network_.waiting().holdPaused(*this);
    const core::ActivityScope activity(core::Activity::kReceive);
    const auto self = shared_from_this();
    const std::uint64_t bytesBefore = receiver_.counters.bytes;
    for (auto read = Read::kMore; read == Read::kMore;) {
        const auto room = assembler_->makeRoom();
        if (room == RecordAssembler::Room::kRefused) {
            linesArrived();
            if (state_ != State::kReading) return;
            network_.waiting().setOpen(*this, assembler_->holdsBuffer());
            return network_.waiting().awaitBudget(*this);
        }
        if (room == RecordAssembler::Room::kFull) handOver();
        else read = readOnce();
        if (read == Read::kEnded || state_ != State::kReading) return;
        if (receiver_.counters.bytes - bytesBefore >= kTurnBytes || !receiver_.mayRead()) break;
    }
    linesArrived();
    if (closed()) return;
    noteRead(receiver_.counters.bytes - bytesBefore);
    releaseUnused();
    waitReadable();
}

// Senders who wait for acknowledgements are not kept waiting.
void TextConnection::noteRead(std::uint64_t bytes) {
    if (!session_.empty() || bytes >= kSmallReadBytes) return;
    if (smallReadsOf_ != network_.waiting().flushes()) smallReads_ = 0;
    smallReadsOf_ = network_.waiting().flushes();
    if (++smallReads_ >= kSmallReadsMany) setLowRate(true);
}

void TextConnection::setLowRate(bool lowRate) {
    if (lowRate == lowRatePlace.has_value()) return;
    network_.waiting().setLowRate(*this, lowRate);
    channel_->setReadableAt(lowRate ? kLowRateBytes : 1);
}

void TextConnection::readLowRate() {
    if (state_ != State::kReading || !waiting_) return;
    // It is known to wait, and is read when reading is resumed.
    if (!receiver_.mayRead() || network_.paused()) return flushOpenBlock();
    const auto self = shared_from_this();
    const std::uint64_t before = receiver_.counters.bytes;
    readLines();
    if (closed()) return;
    if (receiver_.counters.bytes == before) setLowRate(false);
    flushOpenBlock();
}

// Reads into the room there is.
TextConnection::Read TextConnection::readOnce() {
    auto room = assembler_->room();
    room = room.first(std::min<std::uint64_t>({room.size(), kReadBytes, receiver_.allowedBytes()}));
    asio::error_code error;
    const std::size_t count = channel_->read(room, error);
    if (wouldBlock(error)) return Read::kDrained;
    if (!error && !core::reachFailpoint("recv.afterRead")) error = asio::error::connection_reset;
    if (error) {
        peerFinished_ = true;
        state_ = State::kWaiting;
        inputEnded(error != asio::error::eof);
        if (!closed()) releaseUnused();
        return Read::kEnded;
    }
    receiver_.hasRead(count);
    trackUnfinished(assembler_->added(count));
    if (!closed() && assembler_->insideLine() && !core::reachFailpoint("recv.midLine")) {
        inputEnded(true);
        return Read::kEnded;
    }
    return count < room.size() ? Read::kDrained : Read::kMore;
}

// Keeps the limits on unfinished lines up to date.
void TextConnection::trackUnfinished(bool lineEnded) {
    if (limits_ == Limits::kDoNotHold) return;
    if (!assembler_->insideLine()) {
        network_.limits().set(*this, std::nullopt);
    } else if (lineEnded || !timedPlace) {
        network_.limits().set(*this, TimeLimit::kUnfinishedLine);
    }
    const std::size_t before = std::exchange(unfinishedBytes_, assembler_->unfinishedBytes());
    if (before != unfinishedBytes_) network_.limits().unfinishedChanged(before, unfinishedBytes_);
}

// Between lines no buffer is held; else the batch time must find it.
void TextConnection::releaseUnused() {
    if (!assembler_->hasLines() && !assembler_->insideLine()) assembler_->releaseBuffer();
    network_.waiting().setOpen(*this, assembler_->holdsBuffer());
}

void TextConnection::flushOpenBlock() {
    handOver();
    if (closed()) return;
    assembler_->releaseBuffer();
    network_.waiting().setOpen(*this, assembler_->holdsBuffer());
}

void TextConnection::handOver() {
    if (closed() || !assembler_->hasLines()) return;
    auto cut = assembler_->take();
    core::BlockOrigin origin;
    origin.source = receiver_.source();
    origin.connection = connection_;
    origin.firstLine = cut.firstLine;
    origin.lines = cut.lines;
    origin.oversize = cut.oversize;
    const std::uint64_t lastLine = origin.nextLine() - 1;
    if (!session_.empty()) core::setLineLane(origin, session_);
    const auto block =
        std::make_shared<core::Block>(std::move(cut.buffer), cut.sizeBytes, std::move(origin));
    switch (network_.log().append(block)) {
        case core::BlockLog::Outcome::kQueued:
            receiver_.counters.records += cut.lines;
            receiver_.counters.oversize += cut.oversize;
            handedOver(block->lsn(), lastLine, cut.oversizeLines);
            return;
        case core::BlockLog::Outcome::kStale: return refuse(kErrorStale);
        case core::BlockLog::Outcome::kFailed: return network_.logFailed();
    }
}

void TextConnection::dropUnfinishedLine() {
    if (!assembler_->insideLine()) return;
    assembler_->dropLine();
    ++receiver_.counters.partialLinesDropped;
}

void TextConnection::inputEnded(bool broken) {
    handOver();
    if (closed()) return;
    if (broken) {
        ++receiver_.counters.resets;
        dropUnfinishedLine();
        return close("the connection was reset");
    }
    assembler_->finishLine();
    handOver();
    close("the peer has closed the connection");
}

void TextConnection::finish() {
    readLowRate();
    if (closed()) return;
    handOver();
    if (closed()) return;
    dropUnfinishedLine();
    close("stopped");
}

void TextConnection::close(const std::string& why) {
    if (closed()) return;
    const auto self = shared_from_this();
    state_ = State::kClosed;
    closing();
    assembler_->discard();
    network_.waiting().setOpen(*this, false);
    network_.waiting().setLowRate(*this, false);
    network_.limits().set(*this, std::nullopt);
    const std::size_t unfinished = std::exchange(unfinishedBytes_, 0);
    if (unfinished != 0) network_.limits().unfinishedChanged(unfinished, 0);
    channel_->close();
    receiver_.connectionClosed(*this, why);
}

void TextConnection::lost(const std::string& why) {
    ++receiver_.counters.resets;
    close(why);
}

void TextConnection::closeIfPeerGone() {
    if (closed() || !channel_->peerGone()) return;
    state_ = State::kWaiting;
    inputEnded(true);
    if (!closed()) close("the peer does not answer any more");
}

void TextConnection::refuse(std::string_view text) {
    if (closed() || state_ == State::kLingering) return;
    const auto self = shared_from_this();
    closing();
    assembler_->discard();
    network_.waiting().setOpen(*this, false);
    setLowRate(false);
    send("error " + std::string(text) + "\n");
    if (!closed()) linger();
}

void TextConnection::timeIsUp(TimeLimit limit) {
    if (limit == TimeLimit::kLinger) return close("ended");
    ++receiver_.counters.connectionsClosed;
    if (gate_) {
        asio::error_code error;
        const bool canHear = channel_->isOpen(error);
        gate_.reset();
        receiver_.turnedAway(
            *this, canHear ? "it brought no token in time" : "TLS was not agreed on in time");
        return canHear ? refuse(kErrorNoToken) : close("was too slow");
    }
    handOver();
    if (closed()) return;
    dropUnfinishedLine();
    refuse(kErrorSlowLine);
}

void TextConnection::overUnfinishedBudget() {
    ++receiver_.counters.connectionsClosed;
    handOver();
    if (closed()) return;
    dropUnfinishedLine();
    refuse(kErrorUnfinishedBudget);
}

void TextConnection::send(std::string_view text) {
    output_ += text;
    if (!writing_) flush();
}

void TextConnection::flush() {
    const auto self = shared_from_this();
    while (!output_.empty()) {
        asio::error_code error;
        const std::size_t count = channel_->write(output_, error);
        if (wouldBlock(error)) {
            writing_ = true;
            return channel_->waitWritable(self);
        }
        if (error) {
            output_.clear();
            if (state_ == State::kLingering) return close("ended");
            state_ = State::kWaiting;
            return inputEnded(true);
        }
        output_.erase(0, count);
    }
    outputSent();
}

void TextConnection::channelWritable() {
    writing_ = false;
    network_.loop().flushIfRequested();
    if (!closed()) flush();
}

void TextConnection::outputSent() {
    if (state_ != State::kLingering) return;
    if (peerFinished_) return close("ended");
    channel_->endOutput();
}

void TextConnection::linger() {
    state_ = State::kLingering;
    network_.limits().set(*this, TimeLimit::kLinger);
    const std::size_t unfinished = std::exchange(unfinishedBytes_, 0);
    if (unfinished != 0) network_.limits().unfinishedChanged(unfinished, 0);
    if (!sending()) outputSent();
    // Closing with unread input would reset the connection and could lose our last words.
    waitReadable();
}

void TextConnection::discardInput() {
    std::array<char, 16 << 10> nowhere;
    for (int reads = 0; reads < 16; ++reads) {
        asio::error_code error;
        channel_->read(nowhere, error);
        if (wouldBlock(error)) break;
        if (error) return close("ended");
    }
    waitReadable();
}

}  // namespace tidemill::sources
