// Says how far a start is, when it takes long.
#pragma once

#include <chrono>
#include <string>

#include "core/clock.h"
#include "core/logging.h"
#include "tidemill/options.h"

namespace tidemill {

// Thread safety: worker-confined.
class StartProgress {
public:
    StartProgress(const StreamingOptions& options, core::Clock& clock)
        : options_(options), clock_(clock), begun_(clock.monotonic()), said_(begun_) {}

    // line() gives the line that is said, when it is time for one.
    template <class Line>
    void at(const Line& line) {
        if (clock_.monotonic() - said_ < kEvery) return;
        said_ = clock_.monotonic();
        if (options_.onProgress) options_.onProgress(line());
        else core::logInfo(line());
    }

    std::chrono::milliseconds took() const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.monotonic() - begun_);
    }

private:
    static constexpr std::chrono::seconds kEvery{2};

    const StreamingOptions& options_;
    core::Clock& clock_;
    const std::chrono::nanoseconds begun_;
    std::chrono::nanoseconds said_;
};

}  // namespace tidemill
