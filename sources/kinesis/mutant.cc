#include "sources/kinesis/mutant.h"

namespace tidemill::sources::kinesis {

Mutant& mutant() {
    static Mutant one = Mutant::kNone;
    return one;
}

}  // namespace tidemill::sources::kinesis
