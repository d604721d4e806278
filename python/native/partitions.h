// mapPartitions: a Python function of all elements of a partition.
#pragma once

#include <memory>

#include "core/stream_node.h"
#include "python/native/function.h"

namespace tidemill::python {

// Function(number of the partition, iterator of its elements) -> iterable. What it throws ends the
// job: it has seen many records.
std::shared_ptr<core::StreamNode<Object>> makePartitions(
    std::shared_ptr<core::StreamNode<Object>> parent, Function function);

}  // namespace tidemill::python
