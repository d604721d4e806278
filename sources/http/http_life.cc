// The life of an HTTP source: its daemon of the HTTP library, and what that calls.
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <thread>

#include "core/file_system.h"
#include "core/logging.h"
#include "core/secrets.h"
#include "core/workers.h"
#include "sources/endpoint.h"
#include "sources/http/http_check.h"
#include "sources/http/http_intake.h"
#include "sources/http/http_source.h"
#include "sources/text_receiver.h"
#include "sources/tls_context.h"

namespace tidemill::sources::http {
namespace {

using core::ErrorKind;
using core::Result;

// Connections beyond the cap that can be told so at the same time; more wait to be accepted.
constexpr unsigned kSpareConnections = 256;
// Of the library for a connection with a request: its head, and the largest piece of its body.
constexpr std::size_t kConnectionBytes = 32 << 10;

constexpr std::chrono::milliseconds kLookEvery{500};
// How long a graceful stop waits for the log and for answers to leave.
constexpr std::chrono::seconds kGracefulStopMax{30};
constexpr std::chrono::milliseconds kLookAgain{2};

// Empty for a peer on this machine.
std::string addressOf(const sockaddr* peer) {
    char text[INET6_ADDRSTRLEN] = "";
    if (peer->sa_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in*>(peer)->sin_addr;
        if (ntohl(v4.s_addr) >> 24 == 127) return {};
        return ::inet_ntop(AF_INET, &v4, text, sizeof text);
    }
    const auto& v6 = reinterpret_cast<const sockaddr_in6*>(peer)->sin6_addr;
    if (IN6_IS_ADDR_LOOPBACK(&v6)) return {};
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
        if (v6.s6_addr[12] == 127) return {};
        return ::inet_ntop(AF_INET, v6.s6_addr + 12, text, sizeof text);
    }
    return ::inet_ntop(AF_INET6, &v6, text, sizeof text);
}

MHD_Result onRequest(void* intake, MHD_Connection* connection, const char* url, const char* method,
                     const char*, const char* piece, std::size_t* pieceBytes, void** state) {
    auto* request = static_cast<Request*>(*state);
    bool goesOn = false;
    const auto done = core::catchingAll([&] {
        goesOn = static_cast<HttpIntake*>(intake)->handle(connection, url, method,
                                                          {piece, *pieceBytes}, request);
    });
    if (!done) core::logError("http: " + done.error().message);
    *state = request;
    *pieceBytes = 0;
    return done && goesOn ? MHD_YES : MHD_NO;
}

void onCompleted(void* intake, MHD_Connection*, void** state, MHD_RequestTerminationCode why) {
    const std::unique_ptr<Request> request(static_cast<Request*>(*state));
    *state = nullptr;
    if (request)
        static_cast<HttpIntake*>(intake)->completed(*request,
                                                    why == MHD_REQUEST_TERMINATED_COMPLETED_OK);
}

void onConnection(void* intake, MHD_Connection* connection, void** context,
                  MHD_ConnectionNotificationCode what) {
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        *context = static_cast<HttpIntake*>(intake)->opened(connection);
    else static_cast<HttpIntake*>(intake)->closed(*static_cast<Connection*>(*context));
}

constexpr const char* kTlsPriorities = "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1";
constexpr std::size_t kPemBytesMax = 1 << 20;

// What the HTTP library is told of encryption. It keeps pointers into it while the daemon starts.
struct Encryption {
    std::string certificate;
    std::string key;
    std::array<MHD_OptionItem, 4> options{{{MHD_OPTION_END, 0, nullptr}}};

    Result<> read(const HttpOptions& from) {
        TM_TRY(checkSecurity({from.certFile, from.keyFile, {}}));
        TM_ASSIGN(certificate,
                  core::readWholeFile(core::posixFileSystem(), from.certFile, kPemBytesMax));
        TM_ASSIGN(key, core::readWholeFile(core::posixFileSystem(), from.keyFile, kPemBytesMax));
        options = {{{MHD_OPTION_HTTPS_MEM_CERT, 0, certificate.data()},
                    {MHD_OPTION_HTTPS_MEM_KEY, 0, key.data()},
                    {MHD_OPTION_HTTPS_PRIORITIES, 0, const_cast<char*>(kTlsPriorities)},
                    {MHD_OPTION_END, 0, nullptr}}};
        return {};
    }
};

class Handle final : public ReceiverHandle<ListeningReceiver, HttpIntake> {
public:
    using ReceiverHandle::ReceiverHandle;
    std::uint16_t port() const override { return receiver_->port(); }
};

}  // namespace

Connection* HttpIntake::opened(MHD_Connection* connection) {
    const auto* fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const auto* peer = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    std::string why;
    auto& made = connections_.opened(fd->connect_fd, addressOf(peer->client_addr),
                                     network_->nextConnectionNumber(), why);
    ++total_;
    if (why.empty()) return &made;
    ++refused_;
    report(why + "; requests on new ones are refused until one ends");
    return &made;
}

void HttpIntake::closed(Connection& connection) { connections_.closed(connection); }

Result<> HttpIntake::start() {
    if (started_) return {};
    if (auto opened = open(); !opened) {
        opened.error().message = label_ + ": " + opened.error().message;
        return opened;
    }
    started_ = true;
    network_->loop().call([this] {
        network_->add(*this);
        armTimer();
    });
    const auto where = std::string(listen_.options.encrypts() ? "takes HTTPS" : "takes HTTP") +
                       " requests on " + hostAndPort(withoutBrackets(listen_.address), port_) +
                       listen_.options.path;
    core::logInfo(label_ + ": " + where);
    if (observer_ != nullptr) observer_->sourceStarted(source_, where);
    return {};
}

Result<> HttpIntake::open() {
    const auto& options = listen_.options;
    TM_TRY(checkOptions(options));
    // With the last line's end.
    const auto blockBytes = std::bit_ceil(options.requestBytesMax + 1);
    if (blockBytes > network_->pool().budgetBytes())
        return core::fail(ErrorKind::kInvalid, "a request of max_request_bytes, " +
                                                   std::to_string(options.requestBytesMax) +
                                                   ", takes " + std::to_string(blockBytes) +
                                                   " bytes of memory, but receive_budget is " +
                                                   std::to_string(network_->pool().budgetBytes()) +
                                                   ": make that larger, or requests smaller");
    rules_ = {options.path, {}, options.requestBytesMax};
    if (!options.tokenFile.empty()) {
        TM_ASSIGN(rules_.token, readToken(options.tokenFile));
        core::keepSecret(rules_.token, "${token_file}");
    }
    TM_ASSIGN(auto socket, ListenSocket::open(listen_.address, listen_.port,
                                              options.insecure || !rules_.token.empty()));
    socket_.emplace(std::move(socket));
    port_ = socket_->port();
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    Encryption encryption;
    if (options.encrypts()) {
        TM_TRY(encryption.read(options));
        flags |= MHD_USE_TLS;
    }
    if (socket_->isIpv6()) flags |= MHD_USE_IPv6;
    const auto connectionsMax = static_cast<unsigned>(
        std::min<std::size_t>(options.connectionsMax, 1'000'000) + kSpareConnections);
    daemon_ = MHD_start_daemon(
        flags, 0, nullptr, nullptr, &onRequest, this, MHD_OPTION_LISTEN_SOCKET, socket_->fd(),
        MHD_OPTION_CONNECTION_LIMIT, connectionsMax, MHD_OPTION_CONNECTION_TIMEOUT, 0U,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionBytes, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_CONNECTION, &onConnection, this, MHD_OPTION_NOTIFY_COMPLETED,
        &onCompleted, this, MHD_OPTION_ARRAY, encryption.options.data(), MHD_OPTION_END);
    if (daemon_ != nullptr) return {};
    return core::fail(ErrorKind::kIo,
                      std::string("the HTTP server could not start: ") + std::strerror(errno));
}

void HttpIntake::stop(bool graceful) {
    stopping_ = true;
    if (daemon_ == nullptr) return;
    // From here on nobody can connect.
    MHD_quiesce_daemon(daemon_);
    if (graceful) awaitAnswered();
    giveUp("the job has stopped");
    network_->loop().call([this] {
        network_->remove(*this);
        timer_.cancel();
    });
    MHD_stop_daemon(daemon_);
    daemon_ = nullptr;
    socket_.reset();
    if (observer_ != nullptr)
        observer_->sourceStopped(source_, logFailed_ ? "the log failed" : "stopped");
}

void HttpIntake::awaitAnswered() {
    const auto until = std::chrono::steady_clock::now() + kGracefulStopMax;
    while (!connections_.allAnswered() && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(kLookAgain);
}

void HttpIntake::armTimer() {
    timer_.expires_after(kLookEvery);
    timer_.async_wait([weak = weak_from_this()](const asio::error_code& cancelled) {
        const auto self = weak.lock();
        if (!self || cancelled) return;
        self->network_->loop().flushIfRequested();
        const auto ended = self->connections_.endSlow(std::chrono::steady_clock::now());
        self->ended_ += ended;
        if (ended != 0)
            self->report(std::to_string(ended) +
                         " connections were closed that were idle or too slow");
        self->armTimer();
    });
}

std::unique_ptr<ListeningReceiver> makeHttpSource(std::shared_ptr<Network> network,
                                                  core::SourceId source, HttpListen listen,
                                                  core::SourceObserver* observer) {
    return std::make_unique<Handle>(
        std::make_shared<HttpIntake>(std::move(network), source, std::move(listen), observer));
}

}  // namespace tidemill::sources::http
