#define TIDEMILL_INSTANTIATE_COMMON_TYPES
#include "tidemill/common_types.h"

namespace tidemill {

TIDEMILL_COMMON_TYPES()

}  // namespace tidemill
