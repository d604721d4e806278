#include "sources/http/gunzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>

#include "core/check.h"

namespace tidemill::sources::http {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;
constexpr std::size_t kPieceBytes = 64 << 10;

}  // namespace

struct Gunzip::Stream {
    z_stream z{};
    std::array<char, kPieceBytes> piece;
};

Gunzip::Gunzip() : stream_(std::make_unique<Stream>()) {
    if (::inflateInit2(&stream_->z, kGzipOnly) != Z_OK) throw std::bad_alloc();
}

Gunzip::~Gunzip() { ::inflateEnd(&stream_->z); }

Gunzip::Outcome Gunzip::take(std::string_view bytes, std::string& out, std::size_t bytesMax) {
    auto& z = stream_->z;
    TM_CHECK(bytes.size() <= ~uInt{0}, "a piece of a request is smaller than 4 GiB");
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    z.avail_in = static_cast<uInt>(bytes.size());
    for (;;) {
        if (isComplete_) {
            if (z.avail_in == 0) return Outcome::kTaken;
            ::inflateReset(&z);
            isComplete_ = false;
        }
        // One byte more than fits tells what is full from what is too large.
        const auto room = std::min(stream_->piece.size(), bytesMax - out.size() + 1);
        z.next_out = reinterpret_cast<Bytef*>(stream_->piece.data());
        z.avail_out = static_cast<uInt>(room);
        const int code = ::inflate(&z, Z_NO_FLUSH);
        const std::size_t made = room - z.avail_out;
        if (made > bytesMax - out.size()) return Outcome::kTooLarge;
        out.append(stream_->piece.data(), made);
        if (code == Z_STREAM_END) {
            isComplete_ = true;
        } else if (code == Z_BUF_ERROR || (code == Z_OK && z.avail_in == 0 && z.avail_out != 0)) {
            return Outcome::kTaken;
        } else if (code == Z_MEM_ERROR) {
            throw std::bad_alloc();
        } else if (code != Z_OK) {
            return Outcome::kDamaged;
        }
    }
}

std::string Gunzip::damage() const {
    return stream_->z.msg != nullptr ? stream_->z.msg : "unknown damage";
}

}  // namespace tidemill::sources::http
