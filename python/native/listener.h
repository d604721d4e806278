// A Python function that hears of the running job.
#pragma once

#include <memory>

#include "python/native/function.h"
#include "tidemill/streaming_listener.h"

namespace tidemill::python {

// Calls Function(name of the event, dict of what is known); the names are those of
// StreamingListener. What it raises is logged.
std::shared_ptr<StreamingListener> makeListener(Function function);

}  // namespace tidemill::python
