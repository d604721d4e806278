// Where panes and windows lie in time.
//
// Time from the data directory's zero time on is cut into panes of equal width, counted from 1;
// pane p is ((p - 1) * width, p * width]. A window is the last `panes` panes at a slide time.
#pragma once

#include <cstdint>
#include <numeric>

#include "core/batch_record.h"
#include "core/time.h"

namespace tidemill::state {

struct WindowTimes {
    Duration pane{0};
    std::uint64_t panes = 0;  // in a window
    Duration slide{0};

    static WindowTimes of(Duration window, Duration slide) {
        const Duration pane(std::gcd(window.count(), slide.count()));
        return {pane, static_cast<std::uint64_t>(window / pane), slide};
    }

    // The pane that the batch falls into.
    std::uint64_t paneOf(const core::BatchRecord& batch) const {
        const auto since = batch.time - batch.zeroTime;
        return since <= Duration(0)
                   ? 1
                   : static_cast<std::uint64_t>((since + pane - Duration(1)) / pane);
    }

    // The newest pane that a window whose last one is `last` does not hold; 0: none.
    std::uint64_t leftBy(std::uint64_t last) const { return last > panes ? last - panes : 0; }

    // Panes in spans as long as a window, from 0.
    std::uint64_t spanOf(std::uint64_t number) const { return (number - 1) / panes; }
    std::uint64_t firstOfSpan(std::uint64_t span) const { return span * panes + 1; }
};

}  // namespace tidemill::state
