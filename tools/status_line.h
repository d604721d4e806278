// The daemon's status line: what happened since the last one.
#pragma once

#include <chrono>
#include <string>

#include "tidemill/streaming_context.h"

namespace tidemill::tools {

// Thread safety: worker-confined.
class StatusLine {
public:
    explicit StatusLine(const StreamingContext& context);
    // "batch 42: 1200 records/s, 0.1 MB/s, …" since the last call.
    std::string next();

private:
    const StreamingContext& context_;
    EngineStatus last_;
    std::chrono::steady_clock::time_point lastAt_;
};

}  // namespace tidemill::tools
