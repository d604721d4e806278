#include "outputs/kafka/mutant.h"

namespace tidemill::outputs {

Mutant& mutant() {
    static Mutant one = Mutant::kNone;
    return one;
}

}  // namespace tidemill::outputs
