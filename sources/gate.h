// What a client must do before its lines count: agree on TLS, and bring a token. Private to
// sources/.
#pragma once

#include <cstddef>
#include <string>

#include "sources/channel.h"

namespace tidemill::sources {

// Reads a line from the channel and not a byte behind it. Thread safety: confined to the I/O
// thread.
class FirstLine {
public:
    // `bytesMax`: of the line, with its end.
    explicit FirstLine(std::size_t bytesMax) : bytesMax_(bytesMax) {}

    enum class Read { kMore, kLine, kTooLong, kEnded };
    Read read(Channel& channel);
    // Without its end. Requires kLine.
    std::string_view text() const;
    // Behind kEnded: it was no proper end.
    bool broken() const { return broken_; }

private:
    const std::size_t bytesMax_;
    std::string line_;
    bool broken_ = false;
};

// Thread safety: confined to the I/O thread.
class Gate {
public:
    // `token`: empty: none is asked for.
    explicit Gate(std::string token);

    enum class Pass {
        kWaits,       // until the channel is readable
        kOpen,        // what follows is the client's lines
        kWrongToken,  // or none
        kFailed,      // TLS was not agreed on, or the client is gone
    };
    Pass pass(Channel& channel);

private:
    const std::string token_;
    FirstLine line_;
};

}  // namespace tidemill::sources
