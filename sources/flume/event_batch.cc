#include "sources/flume/event_batch.h"

namespace tidemill {
namespace sources::flume {
namespace {

// In front of an event: its length, and that of its headers.
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kEventBytes = 2 * kLengthBytes;
constexpr std::size_t kTextLengthBytes = 2;

template <class T>
void putAt(char* at, T value) {
    for (std::size_t i = 0; i < sizeof value; ++i) at[i] = static_cast<char>(value >> (8 * i));
}

template <class T>
T takeNumber(std::string_view& bytes) {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
        value =
            static_cast<T>(value | static_cast<T>(static_cast<unsigned char>(bytes[i])) << (8 * i));
    bytes.remove_prefix(sizeof(T));
    return value;
}

void appendText(std::string& bytes, std::string_view text) {
    bytes += static_cast<char>(text.size() & 0xff);
    bytes += static_cast<char>(text.size() >> 8);
    bytes += text;
}

// False: the bytes do not begin with one.
bool takeText(std::string_view& bytes, std::string_view& text) {
    if (bytes.size() < kTextLengthBytes) return false;
    const auto size = takeNumber<std::uint16_t>(bytes);
    if (size > bytes.size()) return false;
    text = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return true;
}

bool takeHeader(std::string_view& bytes, FlumeHeader& header) {
    return takeText(bytes, header.name) && takeText(bytes, header.value);
}

}  // namespace

// A header of the least bytes in a request, two, takes four here; an event of two takes eight.
std::size_t encodedBytesMost(const EventLimits& limits) {
    return 2 * limits.requestBytesMax + kEventBytes * limits.eventsMax;
}

void EventBatch::clear() {
    bytes_.clear();
    events_ = oversize_ = 0;
}

core::Result<> EventBatch::begin() {
    if (std::size_t{events_} + oversize_ == limits_.eventsMax)
        return core::fail(core::ErrorKind::kInvalid,
                          "a request holds more than " + std::to_string(limits_.eventsMax) +
                              " events (max_request_events); give the sink a smaller batch-size");
    eventBegin_ = bytes_.size();
    headerTextBytes_ = 0;
    bytes_.append(kEventBytes, '\0');
    return {};
}

core::Result<> EventBatch::header(std::string_view name, std::string_view value) {
    headerTextBytes_ += name.size() + value.size();
    if (headerTextBytes_ > limits_.headerBytesMax || name.size() > kHeaderTextBytesMax ||
        value.size() > kHeaderTextBytesMax)
        return core::fail(core::ErrorKind::kInvalid,
                          "the headers of event " + std::to_string(events_ + oversize_ + 1) +
                              " of a request hold " + std::to_string(headerTextBytes_) +
                              " bytes and more; at most " + std::to_string(limits_.headerBytesMax) +
                              " are taken (max_header_bytes), and 65535 of a name or a value");
    appendText(bytes_, name);
    appendText(bytes_, value);
    return {};
}

void EventBatch::end(std::string_view body) {
    if (body.size() > limits_.bodyBytesMax) {
        bytes_.resize(eventBegin_);
        ++oversize_;
        return;
    }
    const auto headers = bytes_.size() - eventBegin_ - kEventBytes;
    bytes_ += body;
    putAt(bytes_.data() + eventBegin_,
          static_cast<std::uint32_t>(bytes_.size() - eventBegin_ - kLengthBytes));
    putAt(bytes_.data() + eventBegin_ + kLengthBytes, static_cast<std::uint32_t>(headers));
    ++events_;
}

std::optional<FlumeEvent> decodeEvent(std::string_view bytes) {
    if (bytes.size() < kLengthBytes) return std::nullopt;
    const auto headers = takeNumber<std::uint32_t>(bytes);
    if (headers > bytes.size()) return std::nullopt;
    FlumeEvent event{{bytes.substr(0, headers)}, bytes.substr(headers)};
    FlumeHeader header;
    for (auto rest = event.headers.encoded; !rest.empty();)
        if (!takeHeader(rest, header)) return std::nullopt;
    return event;
}

}  // namespace sources::flume

FlumeHeader FlumeHeaders::next(std::string_view& rest) {
    FlumeHeader header;
    // Checked when the event was read from its block.
    if (!sources::flume::takeHeader(rest, header)) rest = {};
    return header;
}

std::optional<std::string_view> FlumeHeaders::find(std::string_view name) const {
    std::optional<std::string_view> found;
    forEach([&](const FlumeHeader& header) {
        if (header.name == name) found = header.value;
    });
    return found;
}

}  // namespace tidemill
