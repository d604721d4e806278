// JSON text for keys and values that may be any bytes: rows/json.h.
#pragma once

#include "rows/json.h"

namespace tidemill::tools {

using rows::appendJsonBytes;
using rows::appendJsonString;
using rows::base64;
using rows::isUtf8;

}  // namespace tidemill::tools
