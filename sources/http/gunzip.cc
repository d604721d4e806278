#include "sources/http/gunzip.h"

#include <algorithm>
#include <array>

namespace tidemill::sources::http {
namespace {

constexpr std::size_t kPieceBytes = 64 << 10;

}  // namespace

Gunzip::Gunzip() : stream_(core::Decompressor::make(Compression::kGzip)) {}

Gunzip::Outcome Gunzip::take(std::string_view bytes, std::string& out, std::size_t bytesMax) {
    std::array<char, kPieceBytes> piece;
    for (;;) {
        // One byte more than fits tells what is full from what is too large.
        const auto room = std::min(piece.size(), bytesMax - out.size() + 1);
        core::Decompressor::Step step;
        const auto taken = stream_->take(bytes, piece.data(), room, step);
        if (step.made > bytesMax - out.size()) return Outcome::kTooLarge;
        out.append(piece.data(), step.made);
        if (!taken) {
            damage_ = taken.error().message;
            return Outcome::kDamaged;
        }
        bytes.remove_prefix(step.taken);
        if (step.made < room && bytes.empty()) return Outcome::kTaken;
    }
}

}  // namespace tidemill::sources::http
