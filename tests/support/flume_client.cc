#include "tests/support/flume_client.h"

#include <algorithm>

namespace tidemill::test {
namespace {

void putFour(std::string& bytes, std::size_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
}

void putVarint(std::string& bytes, std::uint64_t value) {
    for (; value > 0x7f; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
    bytes += static_cast<char>(value);
}

// Of Avro: a length that is never negative, and the bytes.
void putAvro(std::string& bytes, std::uint64_t count) { putVarint(bytes, 2 * count); }
void putAvro(std::string& bytes, std::string_view text) {
    putAvro(bytes, text.size());
    bytes += text;
}

void putAvro(std::string& bytes, const SentEvent& event) {
    if (!event.headers.empty()) putAvro(bytes, event.headers.size());
    for (const auto& [name, value] : event.headers) {
        putAvro(bytes, name);
        putAvro(bytes, value);
    }
    bytes += '\0';
    putAvro(bytes, event.body);
}

std::string inPieces(std::uint32_t serial, std::string_view message, std::size_t pieceBytes) {
    std::string frame;
    putFour(frame, serial);
    putFour(frame, (message.size() + pieceBytes - 1) / pieceBytes);
    while (!message.empty()) {
        const auto piece = message.substr(0, pieceBytes);
        putFour(frame, piece.size());
        frame += piece;
        message.remove_prefix(piece.size());
    }
    return frame;
}

void putThrift(std::string& bytes, std::string_view text) {
    putVarint(bytes, text.size());
    bytes += text;
}

void putThrift(std::string& bytes, const SentEvent& event) {
    bytes += '\x1b';  // field 1, a map
    putVarint(bytes, event.headers.size());
    if (!event.headers.empty()) bytes += '\x88';
    for (const auto& [name, value] : event.headers) {
        putThrift(bytes, name);
        putThrift(bytes, value);
    }
    bytes += '\x18';  // one field further, binary
    putThrift(bytes, event.body);
    bytes += '\0';
}

std::string thriftHead(std::uint32_t sequence, std::string_view name) {
    std::string message = "\x82\x21";
    putVarint(message, sequence);
    putThrift(message, name);
    return message;
}

std::string framed(const std::string& message) {
    std::string frame;
    putFour(frame, message.size());
    return frame + message;
}

}  // namespace

std::string avroRequest(std::uint32_t serial, const std::vector<SentEvent>& events, bool isFirst,
                        std::size_t pieceBytes) {
    std::string message;
    if (isFirst) {
        message = std::string(16, 'c');
        putAvro(message, 1);
        putAvro(message, R"({"protocol":"AvroSourceProtocol"})");
        message += std::string(16, 's');
        message += '\0';
    }
    message += '\0';
    putAvro(message, "appendBatch");
    if (!events.empty()) putAvro(message, events.size());
    for (const auto& event : events) putAvro(message, event);
    message += '\0';
    return inPieces(serial, message, pieceBytes);
}

std::string avroAppend(std::uint32_t serial, const SentEvent& event) {
    std::string message(1, '\0');
    putAvro(message, "append");
    putAvro(message, event);
    return inPieces(serial, message, message.size());
}

std::string thriftRequest(std::uint32_t sequence, const std::vector<SentEvent>& events) {
    auto message = thriftHead(sequence, "appendBatch");
    message += '\x19';  // field 1, a list
    if (events.size() < 15) {
        message += static_cast<char>(events.size() << 4 | 0xc);
    } else {
        message += '\xfc';
        putVarint(message, events.size());
    }
    for (const auto& event : events) putThrift(message, event);
    return framed(message + '\0');
}

std::string thriftAppend(std::uint32_t sequence, const SentEvent& event) {
    auto message = thriftHead(sequence, "append");
    message += '\x1c';  // field 1, a struct
    putThrift(message, event);
    return framed(message + '\0');
}

bool FlumeClient::send(const std::vector<SentEvent>& events) {
    const auto number = sent_++;
    return client_.send(protocol_ == FlumeProtocol::kAvro ? avroRequest(number, events, number == 0)
                                                          : thriftRequest(number, events));
}

std::optional<bool> FlumeClient::answer() {
    const auto number = answered_++;
    std::string expected;
    if (protocol_ == FlumeProtocol::kAvro) {
        const std::size_t size = number == 0 ? 7 : 3;
        putFour(expected, number);
        putFour(expected, 1);
        putFour(expected, size);
        expected += std::string(size - 1, '\0');
    } else {
        std::string message = "\x82\x41";
        putVarint(message, number);
        putThrift(message, "appendBatch");
        message += {'\x05', '\0'};
        putFour(expected, message.size() + 2);
        expected += message;
    }
    std::string got;
    char status = '\0';
    if (!client_.bytes(expected.size() + (protocol_ == FlumeProtocol::kAvro ? 1 : 2), got))
        return std::nullopt;
    if (protocol_ == FlumeProtocol::kThrift) {
        if (got.back() != '\0') return std::nullopt;
        got.pop_back();
    }
    status = got.back();
    got.pop_back();
    if (got != expected || (status != '\0' && status != '\2')) return std::nullopt;
    return status == '\0';
}

}  // namespace tidemill::test
