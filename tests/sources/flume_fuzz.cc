// Fuzz target of the parsers of Flume's protocols: the first byte chooses one and into which pieces
// the bytes behind it are cut. With clang, -fsanitize=fuzzer drives it (-DTIDEMILL_FUZZ=ON); its
// main() is then libFuzzer's.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/byte_codec.h"
#include "sources/flume/protocol.h"

namespace {

using namespace tidemill;
using namespace tidemill::sources::flume;

void require(bool condition) {
    if (!condition) std::abort();
}

// As many events as it says, each of which can be read again.
void check(const EventBatch& batch, const EventLimits& limits) {
    require(batch.bytes().size() <= encodedBytesMost(limits));
    require(batch.events() + batch.oversize() <= limits.eventsMax);
    std::uint32_t events = 0;
    for (core::ByteReader in(batch.bytes()); !in.finished(); ++events) {
        const auto event = decodeEvent(in.string(in.left()));
        require(in.ok() && event.has_value());
        std::size_t headerBytes = 0;
        event->headers.forEach([&](const FlumeHeader& header) {
            headerBytes += header.name.size() + header.value.size();
        });
        require(headerBytes <= limits.headerBytesMax && event->body.size() <= limits.bodyBytesMax);
    }
    require(events == batch.events());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const EventLimits limits{4'000, 50, 300, 500};
    const auto protocol = data[0] % 2 == 0 ? makeAvro(limits) : makeThrift(limits);
    const std::size_t pieceBytes = data[0] / 2 + 1;
    EventBatch batch(limits);
    std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    while (!bytes.empty()) {
        auto piece = bytes.substr(0, pieceBytes);
        bytes.remove_prefix(piece.size());
        while (!piece.empty()) {
            const auto whole = protocol->take(piece);
            if (!whole) return 0;
            if (!*whole) break;
            batch.clear();
            if (!protocol->read(batch)) return 0;
            check(batch, limits);
            protocol->forget();
            require(!protocol->answer(size % 2 == 0).empty());
            require(!protocol->isWithin());
        }
    }
    return 0;
}
