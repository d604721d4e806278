// Calls of Kinesis Data Streams: what is sent, and what kind of answer came.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "aws/http.h"
#include "aws/sign.h"
#include "core/error.h"

namespace tidemill::aws {

// Where a stream is.
struct Endpoint {
    std::string url;   // "https://kinesis.eu-central-1.amazonaws.com/"
    std::string host;  // as the Host header has it
    std::string region;
};

// `url`: "http://localhost:4567", for services that are not AWS' own; empty: the region's. Errors:
// kInvalid.
core::Result<Endpoint> endpointOf(const std::string& url, const std::string& region);

// `action`: "ListShards"; `body`: its arguments in JSON.
HttpRequest kinesisCall(const Endpoint& endpoint, const Credentials& credentials,
                        std::string_view action, std::string body, std::size_t answerBytesMax,
                        Clock::time_point now);

enum class CallEnd {
    kDone,
    kThrottled,        // too often, or too much: later
    kTransient,        // the service, or the way there, fails: later
    kExpiredIterator,  // another one is needed
    kExpiredToken,     // credentials that were good are so no longer
    kRefused,          // credentials that are not known, or do not fit what was signed
    kNotFound,         // the stream, or the shard, does not exist
    kInvalid,          // an argument is wrong, such as a sequence number of another stream
    kForbidden,        // a person must permit it, or mend it
};

struct CallAnswer {
    CallEnd end = CallEnd::kDone;
    std::string body;               // of kDone
    std::string message;            // of the others: what the service said, for people
    bool isOfService = false;       // it answered; else what kept it from that
    std::int64_t serverMillis = 0;  // as HttpAnswer has it
};

CallAnswer callAnswerOf(HttpAnswer answer);

// The stream's name: 1 to 128 letters, digits, '_', '.', '-'.
bool isStreamName(std::string_view name);

}  // namespace tidemill::aws
