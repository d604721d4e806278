#include "outputs/progress.h"

#include <random>

namespace tidemill::outputs {

Standing standing(const std::optional<Progress>& found, const Sending& sending) {
    const std::uint64_t batch = sending.mark.batch.value;
    const std::uint64_t last = found ? found->batch : 0;
    if (last > batch) return Standing::kNewer;
    if (last == batch)
        return found && found->digest == sending.mark.digest ? Standing::kDone : Standing::kForeign;
    if (!sending.previous || last == *sending.previous) return Standing::kSend;
    return last < *sending.previous ? Standing::kMissing : Standing::kForeign;
}

std::uint64_t randomWriter() {
    std::random_device random;
    return std::uint64_t{random()} << 32 | random();
}

}  // namespace tidemill::outputs
