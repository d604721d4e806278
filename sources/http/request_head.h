// What the head of a request says, and whether the request can be taken. Private to sources/http/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sources/http/answer.h"

struct MHD_Connection;

namespace tidemill::sources::http {

struct HeadRules {
    std::string path;
    std::string token;  // empty: none is asked for
    std::size_t requestBytesMax = 0;
};

struct RequestHead {
    bool asksOnly = false;  // GET: how far the session is
    bool isGzip = false;
    // `Tidemill-Session`; empty: none.
    std::string session;
    std::uint64_t firstLine = 0;  // `Tidemill-First-Line`
    // The body's, when the head says it.
    std::optional<std::uint64_t> bodyBytes;
    // The client sends no body before it is told to.
    bool waitsForContinue = false;
    // What is to be answered as the request cannot be taken.
    std::optional<Answer> refusal;
};

// By the library's thread, while it has the request.
RequestHead readHead(MHD_Connection* connection, std::string_view path, std::string_view method,
                     const HeadRules& rules);

}  // namespace tidemill::sources::http
