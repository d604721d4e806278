// Kafka's records as elements of Python's streams, and back.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "python/native/steps.h"
#include "tidemill/streaming_context.h"

namespace tidemill::python {

// (key, value, topic, partition, offset, timestamp in milliseconds, [(name, value)]): keys and
// values are bytes, or None.
StepPtr<KafkaRecord, Object> kafkaTuple();

// Of a tuple (key, value), or of a value alone: bytes, str, which is encoded as UTF-8, or None.
// Throws PythonError for others.
StepPtr<Object, KafkaMessage> kafkaMessage();

extern template class StepNode<KafkaRecord, Object>;
extern template class StepNode<Object, KafkaMessage>;

}  // namespace tidemill::python
