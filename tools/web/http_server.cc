#include "tools/web/http_server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "core/logging.h"
#include "core/workers.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;

namespace {

constexpr unsigned kConnectionsMax = 200;
constexpr unsigned kIdleSeconds = 15;
constexpr std::size_t kConnectionBytes = 32 << 10;

constexpr std::string_view kPlain = "text/plain; charset=utf-8";

// Only what the page itself brings with it may run or be shown.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src "
    "'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct Resolved {
    sockaddr_storage address{};
    socklen_t bytes = 0;
};

Result<Resolved> resolve(const HttpAddress& address) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    const int failed =
        ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
    if (failed != 0)
        return core::fail(ErrorKind::kInvalid,
                          "no such address: host=" + address.host + ": " + ::gai_strerror(failed));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, ::freeaddrinfo);
    Resolved resolved;
    std::memcpy(&resolved.address, all->ai_addr, all->ai_addrlen);
    resolved.bytes = all->ai_addrlen;
    return resolved;
}

bool isLoopbackAddress(const sockaddr_storage& address) {
    if (address.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
        return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    }
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0;
}

// "localhost:4040" and "[::1]:4040" without the port.
std::string_view nameOf(std::string_view host) {
    if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
    return host.substr(0, host.rfind(':'));
}

bool isNumber(std::string_view host) {
    const std::string text(host);
    in6_addr any{};
    return ::inet_pton(AF_INET, text.c_str(), &any) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), &any) == 1;
}

}  // namespace

bool isLoopback(const std::string& host) {
    const auto resolved = resolve({host, 0});
    return resolved && isLoopbackAddress(resolved->address);
}

class HttpServer::Impl {
public:
    Impl(HttpAddress address, Handler handler)
        : address_(std::move(address)), handler_(std::move(handler)) {}
    ~Impl() {
        if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
    }

    Result<> listen() {
        TM_ASSIGN(const auto resolved, resolve(address_));
        unsigned flags = MHD_USE_POLL_INTERNAL_THREAD;
        if (resolved.address.ss_family == AF_INET6) flags |= MHD_USE_IPv6;
        daemon_ = MHD_start_daemon(
            flags, 0, nullptr, nullptr, &Impl::onRequest, this, MHD_OPTION_SOCK_ADDR,
            reinterpret_cast<const sockaddr*>(&resolved.address), MHD_OPTION_CONNECTION_LIMIT,
            kConnectionsMax, MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds,
            MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionBytes, MHD_OPTION_END);
        if (daemon_ == nullptr)
            return core::fail(errno == EADDRINUSE ? ErrorKind::kConflict : ErrorKind::kIo,
                              "listening failed: host=" + address_.host + " port=" +
                                  std::to_string(address_.port) + ": " + std::strerror(errno));
        return {};
    }

    std::uint16_t port() const {
        const auto* info = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT);
        return info != nullptr ? info->port : 0;
    }

private:
    static MHD_Result onRequest(void* self, MHD_Connection* connection, const char* url,
                                const char* method, const char*, const char*,
                                std::size_t* bodyBytes, void** state) {
        // The first call of a request has its head alone; the answer belongs behind its body.
        static int begun;
        if (*state == nullptr) {
            *state = &begun;
            return MHD_YES;
        }
        if (*bodyBytes != 0) {
            *bodyBytes = 0;
            return MHD_YES;
        }
        return static_cast<Impl*>(self)->answer(connection, url, method);
    }

    MHD_Result answer(MHD_Connection* connection, const char* url, std::string_view method) {
        const char* const host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
        if (host == nullptr || !isOurs(host))
            return send(connection, {403, std::string(kPlain),
                                     "this server is not called so; ask for it by its address\n"});
        if (method != "GET" && method != "HEAD")
            return send(connection, {405, std::string(kPlain), "GET and HEAD only\n"});
        HttpResponse response{500, std::string(kPlain), "failed; the job's log says why\n"};
        const auto done = core::catchingAll([&] {
            response = handler_({url, [connection](const char* name) {
                                     const char* const value = MHD_lookup_connection_value(
                                         connection, MHD_GET_ARGUMENT_KIND, name);
                                     return std::string(value != nullptr ? value : "");
                                 }});
        });
        if (!done) core::logError("http: " + done.error().message);
        return send(connection, response);
    }

    // A number says where it leads; a name may be anybody's.
    bool isOurs(std::string_view host) const {
        const auto name = nameOf(host);
        return isNumber(name) || name == "localhost" || name == address_.host;
    }

    static MHD_Result send(MHD_Connection* connection, const HttpResponse& response) {
        MHD_Response* const made = MHD_create_response_from_buffer(
            response.body.size(), const_cast<char*>(response.body.data()), MHD_RESPMEM_MUST_COPY);
        if (made == nullptr) return MHD_NO;
        MHD_add_response_header(made, "Content-Type", response.type.c_str());
        MHD_add_response_header(made, "Cache-Control", "no-store");
        MHD_add_response_header(made, "X-Content-Type-Options", "nosniff");
        MHD_add_response_header(made, "Referrer-Policy", "no-referrer");
        MHD_add_response_header(made, "Content-Security-Policy", kPolicy);
        if (response.code == 405) MHD_add_response_header(made, "Allow", "GET, HEAD");
        const auto queued = MHD_queue_response(connection, response.code, made);
        MHD_destroy_response(made);
        return queued;
    }

    const HttpAddress address_;
    const Handler handler_;
    MHD_Daemon* daemon_ = nullptr;
};

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const HttpAddress& address,
                                                       Handler handler) {
    auto impl = std::make_unique<Impl>(address, std::move(handler));
    TM_TRY(impl->listen());
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;
std::uint16_t HttpServer::port() const { return impl_->port(); }

}  // namespace tidemill::tools
