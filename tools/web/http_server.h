// A small HTTP server for looking: GET and HEAD of a few paths, on one address.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/error.h"

namespace tidemill::tools {

struct HttpRequest {
    std::string_view path;  // "/metrics", without the query
    // The value of a name in the query; empty when it is not there.
    std::function<std::string(const char* name)> argument;
};

struct HttpResponse {
    unsigned code = 200;
    std::string type;  // "text/plain; charset=utf-8"
    std::string body;
};

struct HttpAddress {
    std::string host;  // of a network interface, or a name of one
    std::uint16_t port = 0;
};

// Whether nobody but this machine can reach the address.
bool isLoopback(const std::string& host);

// Answers on one thread of its own. At most 200 connections are open at a time, each for 15 s
// without a byte, with 32 KiB of memory for a request; what is beyond is refused. Requests whose
// Host is another name than that of the address are refused with 403, so that no page of elsewhere
// can read answers through a browser's name lookup (DNS rebinding). Thread safety: worker-confined;
// the handler is called on the server's thread.
class HttpServer {
public:
    using Handler = std::function<HttpResponse(const HttpRequest&)>;

    // Errors: kInvalid for an address that is none of this machine, kConflict when it is taken,
    // kIo.
    static core::Result<std::unique_ptr<HttpServer>> listen(const HttpAddress& address,
                                                            Handler handler);
    ~HttpServer();

    // The port that it is bound to.
    std::uint16_t port() const;

private:
    class Impl;
    explicit HttpServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace tidemill::tools
