// A small HTTP server for looking: GET and HEAD of a few paths, on one address.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "core/error.h"
#include "tools/web/page_security.h"

namespace tidemill::tools {

struct HttpResponse {
    unsigned code = 200;
    std::string type;  // "text/plain; charset=utf-8"
    std::string body;
};

// An answer that takes a while: is made on a thread beside the server's, one after another.
using HttpLater = std::function<HttpResponse()>;

// The stream of the server's events, as text/event-stream (Server-sent events, HTML standard 9.2).
struct HttpEvents {
    std::string first;  // what it begins with
};

using HttpAnswer = std::variant<HttpResponse, HttpLater, HttpEvents>;

struct HttpAddress {
    std::string host;  // of a network interface, or a name of one
    std::uint16_t port = 0;
};

// Whether nobody but this machine can reach the address.
bool isLoopback(const std::string& host);

// "event: NAME" with `data`, which has no line ends, as a stream of events has it.
std::string eventText(std::string_view name, std::string_view data);

// Answers on one thread of its own. At most 200 connections are open at a time, each for 15 s
// without a byte, with 32 KiB of memory for a request; what is beyond is refused. Up to 64 of them
// hear events, and kLaterMost answers may be waited for; more get 503. Where no token is asked
// for, requests whose Host is another name than that of the address are refused with 403, so that
// no page of elsewhere can read answers through a browser's name lookup (DNS rebinding).
// Thread safety: worker-confined, but
// listeners() and event() are thread-safe; the handler is called on the server's thread.
class HttpServer {
public:
    static constexpr std::size_t kListenersMost = 64;
    static constexpr std::size_t kLaterMost = 16;
    // What a listener has not read yet; who is slower is dropped, and may come again.
    static constexpr std::size_t kUnreadBytesMost = 256 << 10;

    // Of the address in the request's first line, as it stands there. Thread safety: thread-safe.
    using Handler = std::function<HttpAnswer(std::string_view target)>;

    // With a token in `security`, everything but "/" is for those who have it; others get 401.
    // Errors: kInvalid for an address that is none of this machine, or a certificate and key that
    // do not do; kConflict when the address is taken, kIo.
    static core::Result<std::unique_ptr<HttpServer>> listen(const HttpAddress& address,
                                                            Handler handler,
                                                            PageSecurity security = {});
    // Waits for an answer that is being made.
    ~HttpServer();

    // The port that it is bound to.
    std::uint16_t port() const;

    // Who hears events, and sends them a text of eventText().
    std::size_t listeners() const;
    void event(std::string_view text);

private:
    class Impl;
    explicit HttpServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace tidemill::tools
