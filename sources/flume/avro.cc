// The Avro sink's protocol: Avro RPC in the frames of Avro's Netty transceiver.
//
//   frame     int32 serial, int32 n, n x (int32 length, bytes), big-endian; joined, a message
//   message   [handshake, the first of a connection only] call
//   call      map of metadata, name, argument: an event (append) or an array of them (appendBatch)
//   event     map of headers, bytes of the body
//   answer    a frame with the serial and one piece
#include "core/logging.h"
#include "sources/flume/protocol.h"
#include "sources/flume/wire.h"

namespace tidemill::sources::flume {
namespace {

using core::Result;

constexpr std::size_t kHeadBytes = 8;
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kHashBytes = 16;
constexpr std::size_t kNameBytesMax = 64;
// The agent's own description of the protocol, in the handshake.
constexpr std::size_t kProtocolBytesMax = 256 << 10;
constexpr std::uint64_t kMetadataMax = 1'000;
constexpr std::size_t kPieceBytesUsual = 1 << 10;  // the sink's are of 8 KiB
constexpr std::size_t kPiecesSpare = 1 << 10;

class AvroReader : public WireReader {
public:
    using WireReader::WireReader;

    std::string_view text(std::size_t bytesMax) {
        const auto size = zigzag();
        if (size < 0 || static_cast<std::uint64_t>(size) > bytesMax) fail();
        return ok() ? raw(static_cast<std::uint64_t>(size)) : std::string_view();
    }
    // Which of two is there; another answer is none.
    bool isSecond() {
        const auto branch = zigzag();
        if (branch != 0 && branch != 1) fail();
        return branch == 1;
    }
    // Entries of the next block of an array or a map, of at least `bytesEach`; 0: it has ended.
    std::uint64_t block(std::size_t bytesEach) {
        auto count = zigzag();
        if (count < 0) {
            // Negative, and the block's size behind it.
            count = count == INT64_MIN ? 0 : -count;
            if (count == 0 || zigzag() < 0) fail();
        }
        if (!ok() || static_cast<std::uint64_t>(count) > left() / bytesEach) fail();
        return ok() ? static_cast<std::uint64_t>(count) : 0;
    }
};

// Calls each(name, value) for the entries of a map; false: it is none, or each() says so.
template <class Each>
bool readMap(AvroReader& in, std::size_t textBytesMax, Each each) {
    while (const auto count = in.block(2)) {
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto name = in.text(textBytesMax);
            const auto value = in.text(textBytesMax);
            if (!in.ok() || !each(name, value)) return false;
        }
    }
    return in.ok();
}

bool readMetadata(AvroReader& in) {
    std::uint64_t entries = 0;
    return readMap(in, kHeaderTextBytesMax,
                   [&](std::string_view, std::string_view) { return ++entries <= kMetadataMax; });
}

bool readHandshake(AvroReader& in) {
    in.raw(kHashBytes);
    if (in.isSecond()) in.text(kProtocolBytesMax);
    in.raw(kHashBytes);
    return !in.isSecond() || readMetadata(in);
}

class Avro final : public Protocol {
public:
    explicit Avro(const EventLimits& limits)
        : limits_(limits), piecesMax_(limits.requestBytesMax / kPieceBytesUsual + kPiecesSpare) {}

    Result<bool> take(std::string_view& bytes) override {
        if (head_.size() < kHeadBytes) {
            if (!fill(head_, kHeadBytes, bytes)) return false;
            pieces_ = bigEndian(std::string_view(head_).substr(4));
            if (pieces_ == 0 || pieces_ > piecesMax_)
                return refused("a message of " + std::to_string(pieces_) +
                               " pieces is none of an Avro sink; at most " +
                               std::to_string(piecesMax_) + " are taken" +
                               (isFirst_ ? looksLike(head_, FlumeProtocol::kAvro) : ""));
        }
        while (pieces_ != 0) {
            if (length_.size() < kLengthBytes) {
                if (!fill(length_, kLengthBytes, bytes)) return false;
                const std::size_t size = bigEndian(length_);
                if (size > limits_.requestBytesMax - message_.size())
                    return refused("a request is more than " +
                                   std::to_string(limits_.requestBytesMax) +
                                   " bytes (max_request_bytes); give the sink a smaller "
                                   "batch-size" +
                                   (isFirst_ ? looksLike(head_, FlumeProtocol::kAvro) : ""));
                pieceEnd_ = message_.size() + size;
            }
            if (!fill(message_, pieceEnd_, bytes)) return false;
            length_.clear();
            --pieces_;
        }
        return true;
    }

    bool isWithin() const override { return !head_.empty(); }
    std::size_t heldBytes() const override { return flume::heldBytes(message_); }

    Result<> read(EventBatch& into) const override {
        AvroReader in(message_);
        if (isFirst_ && !readHandshake(in)) return refused("the handshake does not parse");
        if (!readMetadata(in)) return refused("the metadata of a call do not parse");
        const auto name = in.text(kNameBytesMax);
        if (!in.ok()) return refused("a message holds no call");
        if (name == "append") {
            TM_TRY(readEvent(in, into));
        } else if (name == "appendBatch") {
            while (const auto count = in.block(2))
                for (std::uint64_t i = 0; i < count; ++i) TM_TRY(readEvent(in, into));
        } else {
            return refused("the call is \"" + core::escaped(name, kNameBytesMax) +
                           "\"; only append and appendBatch are known");
        }
        if (!in.finished()) return refused("the events of a call do not parse");
        return {};
    }

    void forget() override { clear(message_); }

    std::string answer(bool ok) override {
        // The first one: both know the same protocol, and nothing more is said of it.
        std::string body = isFirst_ ? std::string(4, '\0') : std::string();
        // No metadata, no error; FAILED is the second word of the status.
        body += {'\0', '\0', ok ? '\0' : '\2'};
        std::string frame = head_.substr(0, 4);
        appendBigEndian(frame, 1);
        appendBigEndian(frame, static_cast<std::uint32_t>(body.size()));
        isFirst_ = false;
        head_.clear();
        clear(message_);
        return frame + body;
    }

private:
    Result<> readEvent(AvroReader& in, EventBatch& into) const {
        TM_TRY(into.begin());
        Result<> headers;
        const bool isMap = readMap(in, limits_.requestBytesMax, [&](auto name, auto value) {
            headers = into.header(name, value);
            return headers.has_value();
        });
        if (!headers) return headers;
        const auto body = in.text(limits_.requestBytesMax);
        if (!isMap || !in.ok()) return refused("the events of a call do not parse");
        into.end(body);
        return {};
    }

    const EventLimits limits_;
    const std::size_t piecesMax_;
    bool isFirst_ = true;
    std::string head_, length_, message_;
    std::size_t pieceEnd_ = 0;
    std::uint32_t pieces_ = 0;  // still to come
};

}  // namespace

std::unique_ptr<Protocol> makeAvro(const EventLimits& limits) {
    return std::make_unique<Avro>(limits);
}

}  // namespace tidemill::sources::flume
