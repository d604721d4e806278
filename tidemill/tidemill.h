// All that a streaming program needs. Names are in namespace tidemill; `using namespace tidemill`
// also brings the chrono literals, so that intervals read 1s, 250ms.
#pragma once

#include "tidemill/common_types.h"
#include "tidemill/dstream.h"
#include "tidemill/memory_budget.h"
#include "tidemill/options.h"
#include "tidemill/split_words.h"
#include "tidemill/streaming_context.h"
