#include "tools/web/http_server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "core/logging.h"
#include "core/workers.h"
#include "tools/web/event_listeners.h"
#include "tools/web/later_answers.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;

namespace {

constexpr unsigned kConnectionsMax = 200;
constexpr unsigned kIdleSeconds = 15;
constexpr std::size_t kConnectionBytes = 32 << 10;

constexpr std::string_view kPlain = "text/plain; charset=utf-8";
constexpr const char* kTlsPriorities = "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1";
constexpr const char* kEventsType = "text/event-stream";

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

std::string eventText(std::string_view name, std::string_view data) {
    return "event: " + std::string(name) + "\ndata: " + std::string(data) + "\n\n";
}

class HttpServer::Impl {
public:
    Impl(HttpAddress address, Handler handler, PageSecurity security)
        : address_(std::move(address)),
          handler_(std::move(handler)),
          security_(std::move(security)),
          listeners_(kListenersMost, kUnreadBytesMost),
          later_(kLaterMost) {}
    // No connection may be suspended when the server's thread ends.
    ~Impl() {
        listeners_.end();
        later_.end();
        if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
    }

    Result<> listen() {
        TM_ASSIGN(const auto resolved, resolve(address_));
        unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
        if (resolved.address.ss_family == AF_INET6) flags |= MHD_USE_IPv6;
        std::array<MHD_OptionItem, 4> encryption{{{MHD_OPTION_END, 0, nullptr}}};
        if (security_.encrypts()) {
            flags |= MHD_USE_TLS;
            encryption = {{{MHD_OPTION_HTTPS_MEM_CERT, 0, security_.certificate.data()},
                           {MHD_OPTION_HTTPS_MEM_KEY, 0, security_.key.data()},
                           {MHD_OPTION_HTTPS_PRIORITIES, 0, const_cast<char*>(kTlsPriorities)},
                           {MHD_OPTION_END, 0, nullptr}}};
        }
        errno = 0;
        daemon_ = MHD_start_daemon(
            flags, 0, nullptr, nullptr, &Impl::onRequest, this, MHD_OPTION_SOCK_ADDR,
            reinterpret_cast<const sockaddr*>(&resolved.address), MHD_OPTION_CONNECTION_LIMIT,
            kConnectionsMax, MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds,
            MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionBytes, MHD_OPTION_URI_LOG_CALLBACK,
            &Impl::onAddress, this, MHD_OPTION_NOTIFY_COMPLETED, &Impl::onCompleted, this,
            MHD_OPTION_ARRAY, encryption.data(), MHD_OPTION_END);
        const bool ofAddress = errno == EADDRINUSE || errno == EADDRNOTAVAIL || errno == EACCES;
        if (daemon_ == nullptr && security_.encrypts() && !ofAddress)
            return core::fail(
                ErrorKind::kInvalid,
                "listening failed: the certificate and the key do not do: host=" + address_.host);
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

    std::size_t listeners() const { return listeners_.count(); }
    void event(std::string_view text) { listeners_.send(text); }

private:
    // From its first line to the end of its answer.
    struct Request {
        std::string target;  // as it stands in the first line
        bool hasHead = false;
        std::optional<HttpResponse> made{};  // by a thread beside
    };

    static void* onAddress(void*, const char* target, MHD_Connection*) {
        return new Request{target};
    }
    static void onCompleted(void*, MHD_Connection*, void** state, MHD_RequestTerminationCode) {
        delete static_cast<Request*>(*state);
        *state = nullptr;
    }

    static MHD_Result onRequest(void* self, MHD_Connection* connection, const char*,
                                const char* method, const char*, const char*,
                                std::size_t* bodyBytes, void** state) {
        if (*state == nullptr) return MHD_NO;
        auto& request = *static_cast<Request*>(*state);
        // The first call of a request has its head alone; the answer belongs behind its body.
        if (!std::exchange(request.hasHead, true)) return MHD_YES;
        if (*bodyBytes != 0) {
            *bodyBytes = 0;
            return MHD_YES;
        }
        auto& server = *static_cast<Impl*>(self);
        if (request.made) return send(connection, *request.made);
        return server.answer(connection, request, method);
    }

    MHD_Result answer(MHD_Connection* connection, Request& request, std::string_view method) {
        const char* const host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
        if (security_.token.empty() && (host == nullptr || !isOurs(host)))
            return send(connection, {403, std::string(kPlain),
                                     "this server is not called so; ask for it by its address\n"});
        if (method != "GET" && method != "HEAD")
            return send(connection, {405, std::string(kPlain), "GET and HEAD only\n"});
        // The page itself says nothing of the job.
        if (request.target != "/" && !isAdmitted(connection))
            return send(connection, {401, "application/json",
                                     "{\"error\":\"the token is wrong or missing\"}\n"});
        HttpAnswer answer = failed();
        caught([&] { answer = handler_(request.target); });
        if (const auto* response = std::get_if<HttpResponse>(&answer))
            return send(connection, *response);
        if (auto* events = std::get_if<HttpEvents>(&answer))
            return method == "HEAD" ? send(connection, {200, kEventsType, ""})
                                    : listen(connection, std::move(events->first));
        // Suspended first: the thread beside may be done before this one is.
        MHD_suspend_connection(connection);
        auto& later = std::get<HttpLater>(answer);
        const bool asked =
            later_.ask([&request, connection, later = std::move(later)](bool isOver) {
                request.made = isOver ? busy() : failed();
                if (!isOver) caught([&] { request.made = later(); });
                MHD_resume_connection(connection);
            });
        if (!asked) {
            request.made = busy();
            MHD_resume_connection(connection);
        }
        return MHD_YES;
    }

    MHD_Result listen(MHD_Connection* connection, std::string first) {
        auto* const made = listeners_.listen(connection, std::move(first));
        if (made == nullptr) return send(connection, busy());
        return queue(connection, 200, made, kEventsType);
    }

    static void caught(const std::function<void()>& body) {
        if (const auto done = core::catchingAll(body); !done)
            core::logError("http: " + done.error().message);
    }
    static HttpResponse failed() {
        return {500, std::string(kPlain), "failed; the job's log says why\n"};
    }
    static HttpResponse busy() {
        return {503, std::string(kPlain), "too many ask; try again in a moment\n"};
    }

    bool isAdmitted(MHD_Connection* connection) const {
        const char* const given =
            MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
        return security_.admits(given != nullptr ? given : "");
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
        return queue(connection, response.code, made, response.type.c_str());
    }

    static MHD_Result queue(MHD_Connection* connection, unsigned code, MHD_Response* made,
                            const char* type) {
        MHD_add_response_header(made, "Content-Type", type);
        MHD_add_response_header(made, "Cache-Control", "no-store");
        MHD_add_response_header(made, "X-Content-Type-Options", "nosniff");
        MHD_add_response_header(made, "Referrer-Policy", "no-referrer");
        MHD_add_response_header(made, "Content-Security-Policy", kPolicy);
        if (code == 401) MHD_add_response_header(made, "WWW-Authenticate", "Bearer");
        if (code == 405) MHD_add_response_header(made, "Allow", "GET, HEAD");
        if (code == 503) MHD_add_response_header(made, "Retry-After", "1");
        const auto queued = MHD_queue_response(connection, code, made);
        MHD_destroy_response(made);
        return queued;
    }

    const HttpAddress address_;
    const Handler handler_;
    PageSecurity security_;
    EventListeners listeners_;
    LaterAnswers later_;
    MHD_Daemon* daemon_ = nullptr;
};

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const HttpAddress& address, Handler handler,
                                                       PageSecurity security) {
    auto impl = std::make_unique<Impl>(address, std::move(handler), std::move(security));
    TM_TRY(impl->listen());
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;
std::uint16_t HttpServer::port() const { return impl_->port(); }
std::size_t HttpServer::listeners() const { return impl_->listeners(); }
void HttpServer::event(std::string_view text) { impl_->event(text); }

}  // namespace tidemill::tools
