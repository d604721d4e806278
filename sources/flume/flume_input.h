// The stream of events that a Flume source received.
#pragma once

#include <string_view>
#include <type_traits>

#include "core/block.h"
#include "core/inputs/prefixed_input.h"
#include "sources/flume/event_batch.h"

namespace tidemill::sources::flume {

struct FlumeForm {
    template <class T>
    static auto decoderOf(const core::Block& block) {
        return [&block](std::string_view bytes) -> T {
            const auto event = decodeEvent(bytes);
            if (!event) core::throwCorrupt("a Flume event in the log does not parse", block);
            if constexpr (std::is_same_v<T, std::string_view>) return event->body;
            else return *event;
        };
    }
};

// T: FlumeEvent, or std::string_view for the bodies alone.
template <class T>
using FlumeInputNode = core::PrefixedInputNode<T, FlumeForm>;

}  // namespace tidemill::sources::flume
