// KafkaRecord: a record of a topic, as views.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/time.h"

namespace tidemill {

// One header of a record; a name may come more than once.
struct KafkaHeader {
    std::string_view name;
    std::optional<std::string_view> value;
};

// The headers of a record, in their order.
struct KafkaHeaders {
    // As the log holds them: docs/formats/kafka_blocks.md.
    std::string_view encoded;

    bool empty() const { return encoded.empty(); }
    // The last one of this name; nothing when there is none, or it has no value.
    std::optional<std::string_view> find(std::string_view name) const;

    // Calls f(KafkaHeader) for each.
    template <class F>
    void forEach(F&& f) const {
        for (std::string_view rest = encoded; !rest.empty();) f(next(rest));
    }

private:
    // Takes the first one from `rest`.
    static KafkaHeader next(std::string_view& rest);
};

// The bytes it points to live until the batch is complete.
struct KafkaRecord {
    std::string_view topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    // By the producer or the broker, as the topic is configured; -1 ms when the record has none.
    BatchTime timestamp{};
    std::optional<std::string_view> key;
    std::optional<std::string_view> value;  // nothing: a tombstone
    KafkaHeaders headers;
};

}  // namespace tidemill
