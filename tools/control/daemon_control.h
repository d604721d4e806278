// The requests a running daemon answers, and the daemon's side of them.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tidemill/streaming_context.h"
#include "tools/control/control_socket.h"
#include "tools/control/daemon_status.h"
#include "tools/control/live_state.h"
#include "tools/web/job_page.h"

namespace tidemill::tools {

// Requests; the first ones are a word each. Answers are JSON objects; one with "error" says why
// nothing was done.
inline constexpr std::string_view kStatusRequest = "status";
inline constexpr std::string_view kCheckpointRequest = "checkpoint";
// Followed by a name.
inline constexpr std::string_view kSavepointRequest = "savepoint";
inline constexpr std::string_view kStopRequest = "stop";
inline constexpr std::string_view kStopNowRequest = "stop now";
// Followed by an object with "table" and "key"; and by the number that it answers.
inline constexpr std::string_view kGetRequest = "get";
inline constexpr std::string_view kGotRequest = "got";
// Followed by the source's number, from 1, and of a rate by its text, or kDeclaredRate.
inline constexpr std::string_view kPauseRequest = "pause";
inline constexpr std::string_view kResumeRequest = "resume";
inline constexpr std::string_view kRateRequest = "rate";
inline constexpr std::string_view kDeclaredRate = "default";

// From its construction to its end the daemon can be asked. Thread safety: phase() and progress()
// are thread-safe.
class DaemonControl {
public:
    // With a page when `page` says where; `plan` is what it says of the job. Before the context's
    // start.
    struct Page {
        HttpAddress address;
        PageSecurity security;
    };
    DaemonControl(StreamingContext& context, const std::optional<Page>& page, std::string plan);

    void phase(Phase phase) { status_.phase(phase); }
    void progress(const std::string& line) { status_.progress(line); }

private:
    ControlServer::Answer answer(std::string_view request);
    ControlServer::Answer checkpoint();
    ControlServer::Answer savepoint(std::string_view name);
    ControlServer::Answer stop(bool now);
    ControlServer::Answer intake(std::string_view request);
    ControlServer::Answer get(std::string_view what);
    ControlServer::Answer got(std::string_view number);

    StreamingContext& context_;
    DaemonStatus status_;
    LiveState liveState_;
    std::shared_ptr<BatchHistory> batches_;
    std::unique_ptr<JobPage> page_;
    std::atomic<bool> stopping_ = false;
    ControlServer server_;
};

}  // namespace tidemill::tools
