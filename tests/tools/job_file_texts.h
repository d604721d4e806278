// Parsing and planning a job file's text, for tests of what is said of it.
#pragma once

#include <gtest/gtest.h>

#include "core/logging.h"
#include "tidemill/streaming_context.h"
#include "tools/job_file.h"
#include "tools/job_plan.h"

namespace tidemill::tools {

using SourceType = SourceSpec::Type;
using StepType = StepSpec::Type;
using OutputType = OutputSpec::Type;

inline core::Result<> planned(const JobFile& job) {
    StreamingContext context(job.options);
    TM_TRY(planJob(job, context));
    return context.job()->validate();
}

inline std::string errorOf(const std::string& text) {
    const auto job = parseJobFile(text, "job.toml");
    if (!job) return job.error().message;
    const auto plan = planned(*job);
    return plan ? "no error" : plan.error().message;
}

// A job of lines 1 to 7, in which nothing is wrong; `more` begins at line 8.
inline std::string errorBehindAGoodJob(const std::string& more) {
    return errorOf(R"([job]
name = "j"
[[source]]
type = "socket"
port = 9999
[[output]]
to = "print"
)" + more);
}

// The same with `keys` as lines 3 and following of [job].
inline std::string errorInJob(const std::string& keys) {
    return errorOf("[job]\nname = \"j\"\n" + keys +
                   "\n[[source]]\ntype = \"socket\"\nport = 9999\n[[output]]\nto = \"print\"\n");
}

inline JobFile good(const std::string& text) {
    auto job = parseJobFile(text, "job.toml");
    EXPECT_TRUE(job) << job.error().message;
    if (!job) return {};
    const auto plan = planned(*job);
    EXPECT_TRUE(plan) << plan.error().message;
    return *job;
}

}  // namespace tidemill::tools
