// What a program says of a stream that is received over HTTP.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "core/rate.h"

namespace tidemill {

struct HttpOptions {
    // Requests go to this path, "/orders": letters, digits and -_.~/ behind a slash, at most 200
    // bytes. The positions of sessions are kept under it in the data directory, so two streams of
    // a job have different ones.
    std::string path = "/";

    // Of the body of a request, as it is sent and as it inflates; 1 KiB … 32 MiB. Larger ones are
    // refused as a whole.
    std::size_t requestBytesMax = 8 << 20;
    // Beyond these a new connection's request is refused: 503, 429.
    std::size_t connectionsMax = 1024;
    std::size_t connectionsPerAddressMax = 64;  // not applied to loopback
    // How long a request may take to arrive, from its head on; at least 1 ms. A longer one loses
    // its connection.
    std::chrono::milliseconds requestTimeMax{60'000};
    // How long a connection may be without the whole head of a request, and how long a client may
    // take to read an answer; at least 1 ms.
    std::chrono::milliseconds idleTimeMax{60'000};

    // No more is taken than this, on average: 503. In bytes, those of the lines.
    std::optional<Rate> maxRate{};

    // Files with a certificate and its key, in PEM: requests come to https://. Behind the first
    // those between it and its issuer. Read once, when the stream starts. Empty: no encryption.
    std::string certFile{};
    std::string keyFile{};
    bool encrypts() const { return !certFile.empty() || !keyFile.empty(); }

    // A file with a token, which requests must bring: "Authorization: Bearer TOKEN". One line end
    // at its end is no part of it. Read once, when the stream starts. Empty: none.
    std::string tokenFile{};
    // Addresses that other machines can reach are refused without a token unless this is set.
    bool insecure = false;
};

}  // namespace tidemill
