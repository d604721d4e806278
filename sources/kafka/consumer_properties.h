// From a program's options to a consumer's configuration. Private to sources/kafka/.
#pragma once

#include <cstddef>

#include "core/error.h"
#include "rdkafka/handle.h"
#include "sources/kafka/kafka_options.h"

namespace tidemill::sources::kafka {

// librdkafka's objects, in all files of this folder.
using namespace rdkafka;
using rdkafka::describe;  // partitions have one too

// Errors (kInvalid): no brokers, both or neither of topics and pattern, a name that cannot be one,
// a property that the source sets itself.
core::Result<> checkOptions(const KafkaOptions& options);

// With all that exactness needs. Requires what checkOptions asks for.
Properties consumerProperties(const KafkaOptions& options);

// librdkafka stops to fetch while so many records wait to be taken.
inline constexpr std::size_t kQueuedRecords = 50'000;

// Whether this consumer cannot go on: a person must act, or librdkafka has given it up.
inline bool endsTheJob(rd_kafka_resp_err_t error) {
    return needsPerson(error) || error == RD_KAFKA_RESP_ERR__FATAL;
}

}  // namespace tidemill::sources::kafka
