// A connection of the acknowledged text protocol. Private to sources/.
// Format: docs/formats/acknowledged_text.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "sources/text_connection.h"

namespace tidemill::sources {

// Reads `session NAME`, says `resume N`, then counts the lines that follow and says `durable M`
// when they are. Bytes behind the last line end never count. Thread safety: confined to the I/O
// thread.
class SessionConnection final : public TextConnection {
public:
    SessionConnection(Network& network, TextReceiver& receiver, std::unique_ptr<Channel> channel);

    void finish() override;
    void timeIsUp(TimeLimit limit) override;

    // The three below are for Sessions.
    // Another connection owns the session now.
    void takenOver();
    // Lines have come from it within the last second.
    bool isBusy() const;
    // The peer has ended its direction, and nothing that it sent is left to read.
    bool hasEnded();
    // The log has made everything before us durable.
    void resume();
    // Whole lines, handed over as the log has nothing else to do.
    void handOverLines();
    // Lines up to `line` are durable; answer() says so once all news is in.
    void durable(std::uint64_t line);
    void answer();
    // Whether Sessions keeps it among those to hand over.
    bool waitsForAnswer = false;

private:
    enum class Stage {
        kFirstLine,
        kAwaitingSession,  // its owner is busy: see Sessions::enter()
        kAwaitingResume,
        kOpen,
        kFinishing,
        kEnded
    };

    void begin() override;
    void readable() override;
    void linesArrived() override;
    void handedOver(core::Lsn lsn, std::uint64_t lastLine,
                    const std::vector<LineRange>& oversize) override;
    void inputEnded(bool broken) override;
    void outputSent() override;
    void closing() override;
    void readFirstLine();
    void introduced(std::string_view line);
    void enterSession();
    // "skipped N" for each range of oversize lines that ends before or with `line`.
    std::string sayOversize(std::uint64_t line);
    void finishWhenDurable();

    Stage stage_ = Stage::kFirstLine;
    std::string name_;
    FirstLine firstLine_;
    std::uint64_t queuedLine_ = 0;    // the last line in the log
    std::uint64_t durableLine_ = 0;   // the last durable one
    std::uint64_t answeredLine_ = 0;  // the last one said to be durable
    bool answered_ = false;           // something was
    std::deque<LineRange> oversize_;  // lines in the log that do not count and are not said yet
    std::vector<LineRange> oversizeReported_;
    std::chrono::steady_clock::time_point lastLines_{};  // when some came
};

}  // namespace tidemill::sources
