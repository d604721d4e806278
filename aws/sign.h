// Signature Version 4 of AWS, of requests that POST a body to "/".
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemill::aws {

using Clock = std::chrono::system_clock;

// Who asks. Never shown.
struct Credentials {
    std::string keyId;
    std::string secretKey;
    std::string sessionToken{};                  // empty: none
    std::optional<Clock::time_point> expires{};  // none: never
};

struct PostToSign {
    std::string_view host;  // as the Host header has it, with a port that is not the scheme's
    std::string_view contentType;
    std::string_view target;  // of X-Amz-Target: "Kinesis_20131202.ListShards"
    std::string_view body;
    std::string_view region;
    std::string_view service;
};

// The headers to send with it ("name: value"), Authorization among them.
std::vector<std::string> signPost(const PostToSign& post, const Credentials& credentials,
                                  Clock::time_point now);

}  // namespace tidemill::aws
