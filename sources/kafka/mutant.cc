#include "sources/kafka/mutant.h"

namespace tidemill::sources::kafka {

Mutant& mutant() {
    static Mutant one = Mutant::kNone;
    return one;
}

}  // namespace tidemill::sources::kafka
