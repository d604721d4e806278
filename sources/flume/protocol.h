// What an agent's sink speaks on one connection: requests of events, one answer for each. Private
// to sources/flume/.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/error.h"
#include "sources/flume/event_batch.h"
#include "sources/flume/flume_options.h"

namespace tidemill::sources::flume {

// Every error is kInvalid and says what is wrong with the bytes: nothing is sure on the connection
// from then on. What is held grows with the bytes that came, never with what they say of others.
// Thread safety: externally synchronized.
class Protocol {
public:
    virtual ~Protocol() = default;

    // Takes bytes from the front of `bytes`; true: a request is whole, and no more were taken.
    virtual core::Result<bool> take(std::string_view& bytes) = 0;
    // Bytes of a request are there, and it is not whole.
    virtual bool isWithin() const = 0;
    // Memory that the request at hand takes, beyond a little that every connection has.
    virtual std::size_t heldBytes() const = 0;

    // The events of the whole request, which stays as it is.
    virtual core::Result<> read(EventBatch& into) const = 0;
    // Its events are not needed any more.
    virtual void forget() = 0;
    // The answer to it: OK or FAILED. The next one may be taken then.
    virtual std::string answer(bool ok) = 0;
};

std::unique_ptr<Protocol> makeAvro(const EventLimits& limits);
std::unique_ptr<Protocol> makeThrift(const EventLimits& limits);

inline std::unique_ptr<Protocol> makeProtocol(FlumeProtocol protocol, const EventLimits& limits) {
    return protocol == FlumeProtocol::kAvro ? makeAvro(limits) : makeThrift(limits);
}

// What the first bytes of a connection look like, when they are none of the protocol that was
// `expected`: "; they look like TLS, ...". Empty: nothing known.
std::string looksLike(std::string_view first, FlumeProtocol expected);

}  // namespace tidemill::sources::flume
