// What a request is answered. Private to sources/http/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

struct MHD_Connection;

namespace tidemill::sources::http {

struct Answer {
    unsigned code = 200;
    // JSON with 200, else a sentence.
    std::string body;
    // Lines of the session that are durable: `Tidemill-Durable`.
    std::optional<std::uint64_t> durable{};
    // When a client may come again: `Retry-After`; 0: nothing is said.
    unsigned retrySeconds = 0;
    // Nothing more is taken from the connection.
    bool closes = false;
};

// Of a request whose records are durable: how many of them are new.
Answer taken(std::uint64_t records, std::optional<std::uint64_t> durable);

// Hands the answer to the library. False: it takes none now; the connection is to be closed.
bool send(MHD_Connection* connection, const Answer& answer);

}  // namespace tidemill::sources::http
