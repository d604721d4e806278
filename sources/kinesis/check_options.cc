#include "sources/kinesis/check_options.h"

#include <algorithm>
#include <string>

#include "aws/kinesis.h"
#include "aws/settings.h"
#include "core/logging.h"

namespace tidemill::sources::kinesis {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kApplicationBytesMax = 128;
constexpr milliseconds kLeast{100};
// Iterators live for five minutes.
constexpr milliseconds kPollMost{60'000};

core::Result<> invalid(const std::string& message) {
    return core::fail(core::ErrorKind::kInvalid, "kinesis: " + message);
}

}  // namespace

core::Result<> checkOptions(const KinesisOptions& options) {
    if (!aws::isStreamName(options.stream))
        return invalid("\"" + core::escaped(options.stream, 60) +
                       "\" is no name of a stream: 1 to 128 letters, digits, '_', '.', '-'");
    if (!options.region.empty() && !aws::isRegion(options.region))
        return invalid("\"" + core::escaped(options.region, 60) + "\" is no name of a region");
    if (const auto endpoint = aws::endpointOf(options.endpoint, "any"); !endpoint)
        return invalid(endpoint.error().message);
    const auto isPlain = [](char c) { return c > ' ' && c < 0x7f && c != '/'; };
    if (options.application.empty() || options.application.size() > kApplicationBytesMax ||
        !std::all_of(options.application.begin(), options.application.end(), isPlain))
        return invalid("application \"" + core::escaped(options.application, 60) +
                       "\" must be 1 to 128 printable bytes without blanks and '/'");
    if (options.pollEvery < kLeast || options.pollEvery > kPollMost)
        return invalid("pollEvery is " + std::to_string(options.pollEvery.count()) +
                       " ms; it must be 100 ms to 60 s");
    if (options.discoverEvery < kLeast)
        return invalid("discoverEvery is " + std::to_string(options.discoverEvery.count()) +
                       " ms; at least 100");
    return {};
}

}  // namespace tidemill::sources::kinesis
