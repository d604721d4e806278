// One peer that lines are read from. Private to sources/.
//
// What a connection waits for, and what becomes of it. A row is a state and where the connection is
// listed meanwhile; the first four are kReading. S: SessionConnection only.
//
//   state, waiting for      | what comes                       | then
//   ------------------------+----------------------------------+-------------------------------
//   input                   | bytes                            | whole lines fill the open block
//   (waiting_)              | little, often (not S)            | low-rate
//                           | no room in the budget            | budget
//                           | reading is paused                | pause
//                           | batch time, log idle (S)         | what is open is handed over
//                           | the end of input                 | kClosed; S: finishing
//                           | a reset, or the peer is gone     | kClosed
//                           | a line unfinished for too long,  | says `error`, kLingering
//                           | the oldest of too many bytes,    |
//                           | a session's line out of turn (S) |
//   low-rate                | batch time                       | reads; input, when nothing came
//   (setLowRate)          | 64 KiB                           | as in `input`
//   budget (awaitBudget)    | buffers come back                | reads on: input
//   pause (holdPaused)      | reading is resumed               | reads on: input
//   ------------------------+----------------------------------+-------------------------------
//   kWaiting: its gate      | TLS is agreed on, `token TOKEN`  | input; S: first line
//   (kFirstLine; with TLS   | another token, too late          | says `error`, kLingering
//   or a token)             | TLS fails                        | kClosed
//   ------------------------+----------------------------------+-------------------------------
//   kWaiting: first line (S)| `session NAME`                   | its owner stays, or all before
//   (kFirstLine)            |                                  | it to be durable
//                           | another line, too late           | says `error`, kLingering
//   kWaiting: its owner (S) | 100 ms (kTakeover)               | asks again
//   kWaiting: `resume` (S)  | what is in the log is durable    | says `resume N`: input
//   kWaiting: finishing (S) | its lines are durable            | says `durable N`, kLingering
//   ------------------------+----------------------------------+-------------------------------
//   kLingering: the peer    | input                            | is thrown away
//   to read our last words  | the end of input, 0.5 s          | kClosed
//   (kLinger)               |                                  |
//   any                     | a graceful stop                  | hands over: kClosed; S: finishing
//                           | a stop, or the log has failed    | kClosed
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/block.h"
#include "sources/channel.h"
#include "sources/gate.h"
#include "sources/network.h"
#include "sources/record_assembler.h"

namespace tidemill::sources {

class TextReceiver;

// Reads while its receiver and the budget allow, and hands whole lines to the log. A plain
// connection: an end of input ends its last line too. Thread safety: confined to the I/O thread.
class TextConnection : public Channel::User, public std::enable_shared_from_this<TextConnection> {
public:
    // Whether the limits on unfinished lines hold: not for servers we chose to dial.
    enum class Limits { kHold, kDoNotHold };

    // `csv`: records are those of CSV; none: lines.
    TextConnection(Network& network, TextReceiver& receiver, std::unique_ptr<Channel> channel,
                   Limits limits, const std::optional<CsvRecords>& csv = std::nullopt);
    ~TextConnection() override = default;
    TextConnection(const TextConnection&) = delete;
    TextConnection& operator=(const TextConnection&) = delete;

    // Its lines count once `gate` is open; null: from the beginning.
    void start(std::unique_ptr<Gate> gate);
    // A batch time: hands over what is complete and gives the buffer back.
    void flushOpenBlock();
    // A batch time: reads what came since the last one.
    void readLowRate();
    // Reading was held up by the budget or a pause, and may go on.
    void readAgain();
    // A graceful stop: hands over what is complete and ends.
    virtual void finish();
    // Ends at once; what was not handed over is dropped.
    void close(const std::string& why);
    // Says `error TEXT` and ends; what was not handed over is dropped.
    void refuse(std::string_view text);

    // Ends when the peer's machine does not answer any more.
    void closeIfPeerGone();
    virtual void timeIsUp(TimeLimit limit);
    void overUnfinishedBudget();
    std::size_t unfinishedBytes() const { return unfinishedBytes_; }
    bool closed() const { return state_ == State::kClosed; }

    void channelReadable(const asio::error_code& error) override;
    void channelWritable() override;

    // The network's own notes about this connection.
    std::optional<std::size_t> openPlace, lowRatePlace;
    std::optional<TimedPlace> timedPlace;

protected:
    // It may send its lines, or what stands before them.
    virtual void begin();
    // Whole lines may have arrived.
    virtual void linesArrived() {}
    // The lines up to `lastLine` are in the log at `lsn`.
    virtual void handedOver(core::Lsn, std::uint64_t /*lastLine*/,
                            const std::vector<LineRange>& /*oversize*/) {}
    // No more input: the peer has ended it, or (`broken`) the connection broke.
    virtual void inputEnded(bool broken);
    // Everything passed to send() has gone out.
    virtual void outputSent();
    virtual void readable();
    virtual void closing() {}
    bool atGate() const { return gate_ != nullptr; }

    void startReading(std::uint64_t firstLine, std::string session);
    void stopReading() { state_ = State::kWaiting; }
    void waitReadable();
    void handOver();
    void dropUnfinishedLine();
    void send(std::string_view text);
    bool sending() const { return !output_.empty(); }
    // Ends our direction once the output has gone out, and closes when the peer has read it.
    void linger();
    void lost(const std::string& why);

    Network& network_;
    TextReceiver& receiver_;
    const std::unique_ptr<Channel> channel_;
    const std::unique_ptr<RecordAssembler> assembler_;
    bool peerFinished_ = false;

private:
    enum class State { kWaiting, kReading, kLingering, kClosed };
    enum class Read {
        kMore,     // there may be more at once
        kDrained,  // nothing more for now
        kEnded,    // there will be nothing more
    };

    void passGate();
    void readLines();
    Read readOnce();
    void noteRead(std::uint64_t bytes);
    void setLowRate(bool lowRate);
    void trackUnfinished(bool lineEnded);
    void releaseUnused();
    void discardInput();
    void flush();

    const Limits limits_;
    std::unique_ptr<Gate> gate_;  // until it is open
    State state_ = State::kWaiting;
    bool waiting_ = false;  // a handler waits for input
    bool writing_ = false;  // a handler waits for room in the output
    std::uint64_t connection_ = 0;
    std::uint64_t smallReads_ = 0;  // since batch time smallReadsOf_
    std::uint64_t smallReadsOf_ = 0;
    std::string session_;
    std::string output_;
    std::size_t unfinishedBytes_ = 0;
};

}  // namespace tidemill::sources
