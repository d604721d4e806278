// From a program's options to a consumer's configuration. Private to sources/kafka/.
#pragma once

#include "core/error.h"
#include "sources/kafka/kafka_handle.h"
#include "sources/kafka/kafka_options.h"

namespace tidemill::sources::kafka {

// Errors (kInvalid): no brokers, both or neither of topics and pattern, a name that cannot be one,
// a property that the source sets itself.
core::Result<> checkOptions(const KafkaOptions& options);

// With all that exactness needs. Requires what checkOptions asks for.
Properties consumerProperties(const KafkaOptions& options);

}  // namespace tidemill::sources::kafka
