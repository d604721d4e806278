// The Thrift sink's protocol: Thrift's compact protocol in frames.
//
//   frame     int32 length, bytes, big-endian: one message
//   message   0x82, version 1 and kind in one byte, varint sequence number, name, struct
//   call      append: field 1 an event; appendBatch: field 1 a list of them
//   event     field 1 a map of headers, field 2 the bytes of the body
//   answer    a message of the kind "reply" with the status as field 0
#include <optional>

#include "core/logging.h"
#include "sources/flume/protocol.h"
#include "sources/flume/wire.h"

namespace tidemill::sources::flume {
namespace {

using core::Result;

constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kNameBytesMax = 64;

constexpr char kProtocolId = '\x82';
constexpr unsigned kVersion = 1;
enum Kind : unsigned { kCall = 1, kReply = 2 };
constexpr unsigned kKindShift = 5;

enum Type : unsigned { kStop = 0, kI32 = 5, kBinary = 8, kList = 9, kMap = 11, kStruct = 12 };
// A map of texts to texts says so in one byte.
constexpr std::uint8_t kTextsToTexts = kBinary << 4 | kBinary;
constexpr unsigned kLongList = 15;
// The fewest bytes of an event: its fields, a map and a body of nothing, and the end.
constexpr std::size_t kEventBytesMin = 5;

struct Field {
    unsigned type = kStop;
    std::int64_t id = 0;
};

class ThriftReader : public WireReader {
public:
    using WireReader::WireReader;

    std::string_view text() { return raw(varint(32)); }
    Field field(std::int64_t before) {
        const unsigned head = byte();
        const unsigned step = head >> 4;
        Field field{head & 0xf, before + step};
        if (field.type == kStop) return field;
        if (step == 0) field.id = zigzag(16);
        return field;
    }
    // How many of what is `bytesEach` at least.
    std::uint64_t count(std::uint64_t count, std::size_t bytesEach) {
        if (!ok() || count > left() / bytesEach) fail();
        return ok() ? count : 0;
    }
};

struct Head {
    std::uint64_t sequence = 0;
    std::string_view name;
};

// Nothing: it is no call.
std::optional<Head> readHead(ThriftReader& in) {
    Head head;
    if (in.byte() != static_cast<unsigned char>(kProtocolId)) return std::nullopt;
    if (in.byte() != (kVersion | unsigned{kCall} << kKindShift)) return std::nullopt;
    head.sequence = in.varint(32);
    head.name = in.text();
    if (!in.ok() || head.name.size() > kNameBytesMax) return std::nullopt;
    return head;
}

Result<> readHeaders(ThriftReader& in, EventBatch& into) {
    const auto size = in.varint(32);
    if (size == 0) return {};
    if (in.byte() != kTextsToTexts) in.fail();
    const auto count = in.count(size, 2);
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        const auto name = in.text();
        const auto value = in.text();
        if (in.ok()) TM_TRY(into.header(name, value));
    }
    return {};
}

Result<> readEvent(ThriftReader& in, EventBatch& into) {
    TM_TRY(into.begin());
    bool hasHeaders = false;
    std::optional<std::string_view> body;
    Field field;
    while (in.ok() && (field = in.field(field.id)).type != kStop) {
        if (field.id == 1 && field.type == kMap && !hasHeaders) {
            hasHeaders = true;
            TM_TRY(readHeaders(in, into));
        } else if (field.id == 2 && field.type == kBinary && !body) {
            body = in.text();
        } else {
            in.fail();
        }
    }
    if (!in.ok() || !hasHeaders || !body) return refused("the events of a call do not parse");
    into.end(*body);
    return {};
}

Result<> readBatch(ThriftReader& in, EventBatch& into) {
    const unsigned head = in.byte();
    std::uint64_t size = head >> 4;
    if (size == kLongList) size = in.varint(32);
    if ((head & 0xf) != kStruct) in.fail();
    const auto count = in.count(size, kEventBytesMin);
    for (std::uint64_t i = 0; i < count; ++i) TM_TRY(readEvent(in, into));
    return {};
}

class Thrift final : public Protocol {
public:
    explicit Thrift(const EventLimits& limits) : limits_(limits) {}

    Result<bool> take(std::string_view& bytes) override {
        if (length_.size() < kLengthBytes) {
            if (!fill(length_, kLengthBytes, bytes)) return false;
            size_ = bigEndian(length_);
            if (size_ == 0 || size_ > limits_.requestBytesMax)
                return refused("a request is said to be " + std::to_string(size_) +
                               " bytes; 1 to " + std::to_string(limits_.requestBytesMax) +
                               " are taken (max_request_bytes); give the sink a smaller "
                               "batch-size" +
                               (isFirst_ ? looksLike(length_ + std::string(bytes.substr(0, 4)),
                                                     FlumeProtocol::kThrift)
                                         : ""));
        }
        return fill(message_, size_, bytes);
    }

    bool isWithin() const override { return !length_.empty(); }
    std::size_t heldBytes() const override { return flume::heldBytes(message_); }

    Result<> read(EventBatch& into) const override {
        ThriftReader in(message_);
        const auto head = readHead(in);
        if (!head)
            return refused("a message is no call of Thrift's compact protocol" +
                           (isFirst_
                                ? looksLike(length_ + message_.substr(0, 4), FlumeProtocol::kThrift)
                                : ""));
        if (head->name != "append" && head->name != "appendBatch")
            return refused("the call is \"" + core::escaped(head->name, kNameBytesMax) +
                           "\"; only append and appendBatch are known");
        const bool isBatch = head->name == "appendBatch";
        const auto field = in.field(0);
        if (field.id != 1 || field.type != (isBatch ? kList : kStruct)) in.fail();
        if (in.ok()) TM_TRY(isBatch ? readBatch(in, into) : readEvent(in, into));
        if (in.field(field.id).type != kStop || !in.finished())
            return refused("the events of a call do not parse");
        return {};
    }

    void forget() override {
        // The answer repeats its name and its sequence number.
        keepHead();
        clear(message_);
    }

    std::string answer(bool ok) override {
        keepHead();
        std::string body{kProtocolId, static_cast<char>(kVersion | unsigned{kReply} << kKindShift)};
        appendVarint(body, sequence_);
        appendVarint(body, name_.size());
        body += name_;
        // Field 0 does not fit into the short form; FAILED is 1, which is written as 2.
        body += {static_cast<char>(kI32), '\0', ok ? '\0' : '\2', '\0'};
        std::string frame;
        appendBigEndian(frame, static_cast<std::uint32_t>(body.size()));
        isFirst_ = hasHead_ = false;
        length_.clear();
        clear(message_);
        return frame + body;
    }

private:
    void keepHead() {
        if (hasHead_) return;
        hasHead_ = true;
        ThriftReader in(message_);
        const auto head = readHead(in).value_or(Head());
        sequence_ = head.sequence;
        name_ = head.name;
    }

    const EventLimits limits_;
    bool isFirst_ = true, hasHead_ = false;
    std::string length_, message_, name_;
    std::uint64_t sequence_ = 0;
    std::size_t size_ = 0;
};

}  // namespace

std::unique_ptr<Protocol> makeThrift(const EventLimits& limits) {
    return std::make_unique<Thrift>(limits);
}

}  // namespace tidemill::sources::flume
