// Owns the sockets that lines are received from: one I/O thread for all of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/block_log.h"
#include "core/buffer_pool.h"
#include "core/csv_records.h"
#include "core/error.h"
#include "core/ids.h"
#include "core/source.h"
#include "sources/flume/flume_options.h"
#include "sources/http/http_options.h"
#include "sources/text_security.h"

namespace tidemill::sources {

class Network;

// Limits that all receivers of a service share.
struct NetworkOptions {
    // A longer line is skipped and counted as oversize; its '\n' and a '\r' before it not counted.
    // At most 32 MiB.
    std::size_t recordBytesMax = 1 << 20;
    // Buffers of busy connections grow up to this; 4 KiB … 64 MiB.
    std::size_t blockBytesMax = 4 << 20;
    // Unfinished lines of all accepted connections together; over it the connection with the
    // oldest one is closed.
    std::size_t unfinishedBytesMax = 64 << 20;
    // How long a line of an accepted connection may stay unfinished while it is being read, and
    // how long a client may take to say `session NAME`.
    std::chrono::milliseconds unfinishedLineMax{60'000};
    std::chrono::milliseconds firstLineMax{60'000};
    // Session names that are ever taken; beyond it a new name gets `error`.
    std::size_t sessionsMax = 10'000;
};

// Text from a server we connect to: socketTextStream.
struct DialOptions {
    // What messages call the source; empty: "source N", its number.
    std::string label{};
    std::string host;  // a name, or an address with or without brackets
    std::uint16_t port = 0;
    // At most so long after a first failure; then as Backoff says.
    std::chrono::milliseconds firstRetry{2'000};
    std::optional<CsvRecords> csv{};  // records are those of CSV; none: lines
    // The server speaks TLS, and its certificate is for `host`, vouched for by those in `caFile`;
    // empty: by those that the system trusts.
    bool tls = false;
    std::string caFile{};
};

// Text from clients that connect to us.
struct ListenOptions {
    std::string label{};  // as above
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  // 0: any free one
    // Clients begin with `session NAME` (docs/formats/acknowledged_text.md).
    bool acknowledged = false;
    // An address other machines can reach is refused without it, or encryption and a token.
    bool allowRemote = false;
    std::size_t connectionsMax = 1'024;
    std::size_t connectionsPerAddressMax = 64;  // not for loopback
    std::optional<CsvRecords> csv{};            // as above; not with acknowledgements
    // With a certificate clients speak TLS; with a token their first line is `token TOKEN`.
    SecurityFiles security{};
};

// Text in requests of HTTP clients.
struct HttpListen {
    std::string label{};  // as above
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  // 0: any free one
    HttpOptions options{};
};

// Events that Flume agents send.
struct FlumeListen {
    std::string label{};  // as above
    FlumeOptions options{};
};

// Thread safety: thread-safe.
class ListeningReceiver : public core::Source {
public:
    // The port listened on; 0 before start.
    virtual std::uint16_t port() const = 0;
};

// Make it before the log's first append, and let it go before the log. It is the pool's release
// listener. Thread safety: thread-safe.
class NetworkService {
public:
    // Starts the I/O thread and raises the limit of open files. Errors: kInvalid (an option).
    static core::Result<std::unique_ptr<NetworkService>> make(
        core::BlockLog& log, std::shared_ptr<core::BufferPool> pool, NetworkOptions options = {});
    // Stops what still receives, not gracefully.
    ~NetworkService();
    NetworkService(const NetworkService&) = delete;
    NetworkService& operator=(const NetworkService&) = delete;

    // Receivers, not started yet. `observer` may be null; else it must outlive the receiver.
    std::unique_ptr<core::Source> dialText(core::SourceId source, DialOptions options,
                                           core::SourceObserver* observer = nullptr);
    std::unique_ptr<ListeningReceiver> listenText(core::SourceId source, ListenOptions options,
                                                  core::SourceObserver* observer = nullptr);

    std::unique_ptr<ListeningReceiver> listenHttp(core::SourceId source, HttpListen listen,
                                                  core::SourceObserver* observer = nullptr);
    std::unique_ptr<ListeningReceiver> listenFlume(core::SourceId source, FlumeListen listen,
                                                   core::SourceObserver* observer = nullptr);

    // For all receivers of the service in one hop. pause() and resume(): for tests; the engine
    // pauses source by source.
    void flushOpenBlocks();
    void pause();
    void resume();

private:
    explicit NetworkService(std::shared_ptr<Network> network);
    std::shared_ptr<Network> network_;
};

}  // namespace tidemill::sources
