#include <bit>

#include "sources/flume/event_batch.h"
#include "sources/flume/flume_source.h"

namespace tidemill::sources::flume {
namespace {

using core::Result;

template <class T>
Result<> within(const char* what, T value, T least, T most, const char* unit) {
    if (value >= least && value <= most) return {};
    return core::fail(core::ErrorKind::kInvalid,
                      std::string(what) + " is " + std::to_string(value) + unit + "; expected " +
                          std::to_string(least) + " to " + std::to_string(most) + unit);
}

}  // namespace

Result<> checkOptions(const FlumeOptions& options) {
    constexpr std::size_t kConnectionsMost = 1'000'000;
    constexpr std::int64_t kMillisMost = 1LL << 40;
    using std::chrono::milliseconds;
    const auto number = [](milliseconds time) { return std::int64_t{time.count()}; };
    TM_TRY(within("max_request_bytes", options.requestBytesMax, kRequestBytesMin, kRequestBytesMost,
                  " bytes"));
    TM_TRY(within("max_request_events", options.requestEventsMax, std::size_t{1},
                  kRequestEventsMost, ""));
    TM_TRY(within("max_header_bytes", options.headerBytesMax, std::size_t{1}, kHeaderBytesMost,
                  " bytes"));
    TM_TRY(within("max_connections", options.connectionsMax, std::size_t{1}, kConnectionsMost, ""));
    TM_TRY(within("max_connections_per_address", options.connectionsPerAddressMax, std::size_t{1},
                  kConnectionsMost, ""));
    TM_TRY(within("request_time", number(options.requestTimeMax), std::int64_t{1}, kMillisMost,
                  " ms"));
    TM_TRY(within("answer_time", number(options.answerTimeMax), std::int64_t{100},
                  std::int64_t{20'000}, " ms"));
    return within("dedup_for", number(options.dedupFor), std::int64_t{1'000}, kMillisMost, " ms");
}

std::size_t budgetFor(const FlumeOptions& options) {
    return std::bit_ceil(encodedBytesMost(
        {options.requestBytesMax, options.requestEventsMax, options.headerBytesMax, 0}));
}

}  // namespace tidemill::sources::flume
