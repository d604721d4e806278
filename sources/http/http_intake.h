// An HTTP source at work: requests come in on a thread of the HTTP library, their lines go to the
// log, and the answers leave when the log says that they are durable. Private to sources/http/.
//
// One request's way, on the library's thread except where said:
//   its head is there     begin -> readHead; a refusal is kept until the body has been swallowed
//   a piece of its body   more -> RequestBody
//   its body has ended    complete -> appendLines; the request is suspended with its answer
//   its lines are durable the network's I/O thread -> moreIsDurable -> resumeDurable -> resumed
//   it goes on            send
// Twice a second the I/O thread ends connections that are too slow (Connections::endSlow).
#pragma once

#include <asio/steady_timer.hpp>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/source.h"
#include "sources/http/connections.h"
#include "sources/http/listen_socket.h"
#include "sources/http/request_body.h"
#include "sources/http/request_head.h"
#include "sources/network.h"
#include "sources/network_service.h"

struct MHD_Connection;
struct MHD_Daemon;

namespace tidemill::sources::http {

// What is known of a request until it is answered.
struct Request {
    Connection* connection = nullptr;
    RequestHead head;
    std::optional<RequestBody> body;
    std::optional<Answer> answer;
    std::uint64_t swallowedBytes = 0;
};

// Thread safety: start, stop, pause, statistics and port are thread-safe, but start and stop are
// not called at the same time.
class HttpIntake final : public LogListener, public std::enable_shared_from_this<HttpIntake> {
public:
    HttpIntake(std::shared_ptr<Network> network, core::SourceId source, HttpListen listen,
               core::SourceObserver* observer);
    ~HttpIntake() override;

    core::Result<> start();
    void stop(bool graceful);
    void pause(bool paused) { paused_ = paused; }
    // Takes no request once so many bytes were taken, until the next call.
    void allow(std::uint64_t bytes) { allowedBytes_ = bytes; }
    core::SourceStatistics statistics() const;
    std::uint16_t port() const { return port_; }

    // For the library's callbacks.
    Connection* opened(MHD_Connection* connection);
    void closed(Connection& connection);
    // False: the connection is to be closed.
    bool handle(MHD_Connection* connection, std::string_view path, std::string_view method,
                std::string_view piece, Request*& request);
    void completed(Request& request, bool wasSent);

private:
    struct Waiting {
        core::Lsn lsn;
        MHD_Connection* connection;
        Request* request;
    };

    core::Result<> open();
    void moreIsDurable() override { resumeDurable(); }
    void logFailed() override;

    std::unique_ptr<Request> begin(MHD_Connection* connection, std::string_view path,
                                   std::string_view method);
    bool more(Request& request, std::string_view piece);
    // What is answered at once; nothing: the request has its answer and waits for the log.
    std::optional<Answer> complete(MHD_Connection* connection, Request& request);
    std::optional<Answer> append(MHD_Connection* connection, Request& request);
    std::optional<Answer> cannotTake();
    void hasTaken(std::uint64_t records, std::uint64_t bytes);
    std::optional<Answer> awaitDurable(MHD_Connection* connection, Request& request, core::Lsn lsn,
                                       Answer answer);
    bool answer(MHD_Connection* connection, Request& request);
    // Lets those go on whose lines are durable.
    void resumeDurable();
    // Lets all go on, which hear that nothing is promised.
    void giveUp(const std::string& why);
    void awaitAnswered();

    void armTimer();
    // Seldom said again, so that a flood of clients does not fill our log.
    void report(const std::string& message);

    const std::shared_ptr<Network> network_;
    const core::SourceId source_;
    const HttpListen listen_;
    const std::string label_;
    core::SourceObserver* const observer_;
    HeadRules rules_;
    std::string lanes_;
    Connections connections_;
    std::optional<ListenSocket> socket_;
    MHD_Daemon* daemon_ = nullptr;
    asio::steady_timer timer_;

    std::atomic<std::uint16_t> port_{0};
    std::atomic<bool> paused_{false}, stopping_{false}, started_{false}, logFailed_{false};
    std::atomic<std::uint64_t> allowedBytes_{core::Allowance::kUnlimited};
    std::atomic<std::uint64_t> bytes_{0}, records_{0}, total_{0}, refused_{0}, ended_{0},
        resets_{0};

    std::mutex mutex_;             // of the two below
    std::deque<Waiting> waiting_;  // in LSN order
    std::optional<std::string> gaveUp_;
    std::mutex reportMutex_;
    std::optional<std::chrono::steady_clock::time_point> reported_;
};

}  // namespace tidemill::sources::http
