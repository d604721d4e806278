// A client that speaks as a Flume agent's Avro or Thrift sink does, for tests of servers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sources/flume/flume_options.h"
#include "tests/support/test_client.h"

namespace tidemill::test {

struct SentEvent {
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers{};
};

// The bytes of one request, in its frame. `isFirst`: of the connection, with a handshake. Pieces of
// `pieceBytes` at most, as the sink cuts them.
std::string avroRequest(std::uint32_t serial, const std::vector<SentEvent>& events, bool isFirst,
                        std::size_t pieceBytes = 8 << 10);
// A single event by `append`, without a handshake.
std::string avroAppend(std::uint32_t serial, const SentEvent& event);
std::string thriftRequest(std::uint32_t sequence, const std::vector<SentEvent>& events);
std::string thriftAppend(std::uint32_t sequence, const SentEvent& event);

// Thread safety: externally synchronized. No wait lasts longer than 10 s.
class FlumeClient {
public:
    explicit FlumeClient(std::uint16_t port, FlumeProtocol protocol = FlumeProtocol::kAvro)
        : client_(port), protocol_(protocol) {}

    TestClient& raw() { return client_; }
    bool connected() const { return client_.connected(); }
    // A batch.
    bool send(const std::vector<SentEvent>& events);
    // The next answer: whether it is OK; none when the connection ends before, or says something
    // else than that.
    std::optional<bool> answer();
    std::optional<bool> append(const std::vector<SentEvent>& events) {
        if (!send(events)) return std::nullopt;
        return answer();
    }

private:
    TestClient client_;
    const FlumeProtocol protocol_;
    std::uint32_t sent_ = 0, answered_ = 0;
};

}  // namespace tidemill::test
