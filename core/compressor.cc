#include "core/compressor.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <new>

#include "core/check.h"

namespace tidemill::core {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;
constexpr int kMemoryLevel = 8;
constexpr std::size_t kPieceBytes = 64 << 10;
constexpr std::size_t kTakenMax = std::size_t{1} << 30;

class Gzip final : public Compressor {
public:
    Gzip() {
        if (::deflateInit2(&z_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipOnly, kMemoryLevel,
                           Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::bad_alloc();
    }
    ~Gzip() override { ::deflateEnd(&z_); }
    Gzip(const Gzip&) = delete;
    Gzip& operator=(const Gzip&) = delete;

    void take(std::string_view bytes, std::string& out) override {
        for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kTakenMax)))
            deflate(bytes.substr(0, kTakenMax), Z_NO_FLUSH, out);
    }
    void finish(std::string& out) override {
        deflate({}, Z_FINISH, out);
        ::deflateReset(&z_);
    }

private:
    void deflate(std::string_view bytes, int flush, std::string& out) {
        z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        z_.avail_in = static_cast<uInt>(bytes.size());
        do {
            z_.next_out = reinterpret_cast<Bytef*>(piece_.data());
            z_.avail_out = static_cast<uInt>(piece_.size());
            const int code = ::deflate(&z_, flush);
            TM_CHECK(code != Z_STREAM_ERROR, "what was compressed so far is sound");
            out.append(piece_.data(), piece_.size() - z_.avail_out);
        } while (z_.avail_out == 0);
    }

    z_stream z_{};
    std::array<char, kPieceBytes> piece_;
};

class Zstd final : public Compressor {
public:
    Zstd() : stream_(::ZSTD_createCCtx()) {
        if (stream_ == nullptr) throw std::bad_alloc();
        ::ZSTD_CCtx_setParameter(stream_, ZSTD_c_checksumFlag, 1);
    }
    ~Zstd() override { ::ZSTD_freeCCtx(stream_); }
    Zstd(const Zstd&) = delete;
    Zstd& operator=(const Zstd&) = delete;

    void take(std::string_view bytes, std::string& out) override {
        compress(bytes, ZSTD_e_continue, out);
    }
    void finish(std::string& out) override { compress({}, ZSTD_e_end, out); }

private:
    void compress(std::string_view bytes, ZSTD_EndDirective end, std::string& out) {
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        std::size_t left = 0;
        do {
            ZSTD_outBuffer piece{piece_.data(), piece_.size(), 0};
            left = ::ZSTD_compressStream2(stream_, &piece, &in, end);
            // Of its errors only a lack of memory can come here.
            if (::ZSTD_isError(left) != 0) throw std::bad_alloc();
            out.append(piece_.data(), piece.pos);
        } while (end == ZSTD_e_end ? left != 0 : in.pos < in.size);
    }

    ZSTD_CCtx* const stream_;
    std::array<char, kPieceBytes> piece_;
};

}  // namespace

std::unique_ptr<Compressor> Compressor::make(Compression compression) {
    TM_CHECK(compression != Compression::kNone, "there is nothing to compress with");
    if (compression == Compression::kGzip) return std::make_unique<Gzip>();
    return std::make_unique<Zstd>();
}

}  // namespace tidemill::core
