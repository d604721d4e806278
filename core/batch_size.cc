#include "core/batch_size.h"

#include <algorithm>

namespace tidemill::core {
namespace {

// The next batch may be so much larger than the one that was measured.
constexpr std::size_t kGrowthMax = 8;
// A batch below this part of the memory tells little of a larger one.
constexpr std::size_t kReportingPart = 4;

}  // namespace

void BatchSize::ran(std::size_t batchBytes, std::size_t heldBytes) {
    if (holdsRecords_ || batchBytes < memoryBytes_ / kReportingPart) return;
    const std::size_t most = kGrowthMax * batchBytes;
    const double fits = static_cast<double>(batchBytes) * static_cast<double>(memoryBytes_) /
                        static_cast<double>(std::max<std::size_t>(heldBytes, 1));
    bytesMax_ = fits >= static_cast<double>(most) ? most : static_cast<std::size_t>(fits);
    bytesMax_ = std::max(bytesMax_, memoryBytes_);
}

}  // namespace tidemill::core
