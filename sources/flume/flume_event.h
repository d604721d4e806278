// FlumeEvent: an event of a Flume agent, as views.
#pragma once

#include <optional>
#include <string_view>

namespace tidemill {

// One header of an event.
struct FlumeHeader {
    std::string_view name;
    std::string_view value;
};

// The headers of an event, in the order in which they came.
struct FlumeHeaders {
    // As the log holds them: docs/formats/flume_blocks.md.
    std::string_view encoded;

    bool empty() const { return encoded.empty(); }
    // Nothing when there is none of this name; of several the last.
    std::optional<std::string_view> find(std::string_view name) const;

    // Calls f(FlumeHeader) for each.
    template <class F>
    void forEach(F&& f) const {
        for (std::string_view rest = encoded; !rest.empty();) f(next(rest));
    }

private:
    // Takes the first one from `rest`.
    static FlumeHeader next(std::string_view& rest);
};

// The bytes it points to live until the batch is complete.
struct FlumeEvent {
    FlumeHeaders headers;
    std::string_view body;
};

}  // namespace tidemill
