// The Unix socket through which a running daemon is asked: DIR/CONTROL of its data directory, for
// its user only. One line is a request, one line the answer; docs/formats/control.md.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/error.h"

namespace tidemill::tools {

inline constexpr const char* kControlName = "CONTROL";

// Answers on a thread of its own from the moment on at which this process has the data directory,
// and makes the socket anew when it is removed. Never in the job's way: what cannot be had is
// logged once. Thread safety: worker-confined; the two functions are called on its thread.
class ControlServer {
public:
    struct Answer {
        std::string line;              // without its line end
        std::function<void()> then{};  // called when the client has it, or is gone
    };
    // One request, without its line end, to one line of answer. Must return at once.
    using Answers = std::function<Answer(std::string_view request)>;

    // `everySecond` is called about once a second.
    ControlServer(std::string directory, Answers answers, std::function<void()> everySecond);
    // Removes the socket.
    ~ControlServer();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

// Asks the daemon that has `directory`: sends a line, returns the answer without its line end.
// Errors: kNotFound when none runs there, kConflict when one does and does not answer, kIo.
core::Result<std::string> askDaemon(const std::string& directory, std::string_view request);

}  // namespace tidemill::tools
