// What a program says of a stream of events that Flume agents send.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "core/rate.h"

namespace tidemill {

// What an agent's sink speaks: type = avro, or type = thrift.
enum class FlumeProtocol : std::uint8_t { kAvro, kThrift };

struct FlumeOptions {
    // Where agents send to: an address of this machine, "127.0.0.1" or "::1". Port 0: any free one.
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    FlumeProtocol protocol = FlumeProtocol::kAvro;

    // Of a request, which is a batch of an agent; 1 KiB … 16 MiB. An agent whose batch is larger
    // does not come past it: give its sink a smaller batch-size.
    std::size_t requestBytesMax = 8 << 20;
    // Events of a request; 1 … 1,000,000.
    std::size_t requestEventsMax = 100'000;
    // Names and values of the headers of an event together; up to 1 MiB, and 65,535 bytes each.
    std::size_t headerBytesMax = 64 << 10;
    // Beyond these a new connection is closed.
    std::size_t connectionsMax = 256;
    std::size_t connectionsPerAddressMax = 64;  // not applied to loopback
    // How long a request may take to arrive, and an answer to be read; at least 1 ms. A longer one
    // loses its connection.
    std::chrono::milliseconds requestTimeMax{60'000};
    // A request whose events are not durable by then is answered FAILED, and its agent sends it
    // again; 100 ms … 20 s. Shorter than the request-timeout of the agents' sinks.
    std::chrono::milliseconds answerTimeMax{5'000};

    // No more is taken than this, on average: requests wait, and are answered FAILED in the end.
    // In bytes, those of the events as the log holds them.
    std::optional<Rate> maxRate{};

    // Events whose header of this name was there before do not count again; those without it all
    // count. Empty: none is looked at.
    std::string dedupHeader{};
    // How long an id is remembered after it came last; at least 1 s.
    std::chrono::milliseconds dedupFor{3'600'000};

    // Files with a certificate and its key, in PEM: agents speak TLS (ssl = true of their sinks).
    // Behind the certificate those between it and its issuer. Read once, when the stream starts.
    // Empty: no encryption.
    std::string certFile{};
    std::string keyFile{};
    bool encrypts() const { return !certFile.empty() || !keyFile.empty(); }

    // Addresses that other machines can reach are refused unless this is set: anybody there may
    // send.
    bool allowRemote = false;
};

}  // namespace tidemill
