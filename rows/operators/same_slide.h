// Streams that are put together have batches at the same times.
#pragma once

#include <string>

#include "rows/row_stream.h"

namespace tidemill::rows {

// Errors: kInvalid, with both slides.
inline core::Result<> requireSameSlide(const RowStream& a, const RowStream& b) {
    const auto first = a.job->slideOf(*a.node), second = b.job->slideOf(*b.node);
    if (first == second) return {};
    return core::fail(core::ErrorKind::kInvalid, "the two streams slide differently (" +
                                                     std::to_string(first.count()) + " ms and " +
                                                     std::to_string(second.count()) +
                                                     " ms): give their windows the same slide");
}

}  // namespace tidemill::rows
