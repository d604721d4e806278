#include "sources/kafka/kafka_position.h"

#include "core/byte_codec.h"
#include "sources/kafka/mutant.h"

namespace tidemill::sources::kafka {

std::string encodePosition(const Position& position) {
    core::ByteWriter out;
    const bool isOneOff = mutant() == Mutant::kResumesOneOff && position.next > 0;
    out.i64(position.next + (isOneOff ? 1 : 0));
    if (position.anchor) {
        out.i64(position.anchor->offset);
        out.i64(position.anchor->timestampMillis);
        out.u64(position.anchor->hash);
    }
    return std::move(out).bytes();
}

core::Result<Position> decodePosition(std::string_view bytes) {
    core::ByteReader in(bytes);
    Position position;
    position.next = in.i64();
    if (in.ok() && in.left() != 0) {
        Anchor anchor;
        anchor.offset = in.i64();
        anchor.timestampMillis = in.i64();
        anchor.hash = in.u64();
        position.anchor = anchor;
    }
    const bool fits = !position.anchor ||
                      (position.anchor->offset >= 0 && position.anchor->offset < position.next);
    if (!in.finished() || position.next < 0 || !fits)
        return core::fail(core::ErrorKind::kCorrupt,
                          "a position in a Kafka partition does not parse: bytes=" +
                              std::to_string(bytes.size()));
    return position;
}

OutOfRange decideOutOfRange(const Position& position, const Watermarks& has) {
    if (has.high < position.next) return OutOfRange::kShortened;
    if (has.low > position.next) return OutOfRange::kExpired;
    const bool anchorIsGone = position.anchor && position.anchor->offset < has.low;
    return anchorIsGone ? OutOfRange::kGoOn : OutOfRange::kAskAgain;
}

AnchorCheck checkAnchor(const Anchor& expected, const Anchor& found) {
    if (found == expected || mutant() == Mutant::kAnchorUnchecked) return AnchorCheck::kSame;
    return found.offset == expected.offset ? AnchorCheck::kDifferent : AnchorCheck::kGone;
}

}  // namespace tidemill::sources::kafka
