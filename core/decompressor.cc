#include "core/decompressor.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <new>
#include <string>

#include "core/check.h"

namespace tidemill::core {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;
constexpr std::size_t kStepMax = std::numeric_limits<uInt>::max();

class Gunzip final : public Decompressor {
public:
    Gunzip() {
        if (::inflateInit2(&z_, kGzipOnly) != Z_OK) throw std::bad_alloc();
    }
    ~Gunzip() override { ::inflateEnd(&z_); }
    Gunzip(const Gunzip&) = delete;
    Gunzip& operator=(const Gunzip&) = delete;

    Result<> take(std::string_view bytes, char* into, std::size_t room, Step& step) override {
        step = {};
        for (;;) {
            if (isComplete_) {
                const auto padding = std::min(bytes.find_first_not_of('\0'), bytes.size());
                isPadded_ = isPadded_ || padding != 0;
                bytes.remove_prefix(padding);
                step.taken += padding;
                if (bytes.empty()) return {};
                if (isPadded_)
                    return fail(ErrorKind::kCorrupt, "bytes follow the zeros behind its end");
                ::inflateReset(&z_);
                isComplete_ = false;
            }
            z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
            z_.avail_in = static_cast<uInt>(std::min(bytes.size(), kStepMax));
            z_.next_out = reinterpret_cast<Bytef*>(into);
            z_.avail_out = static_cast<uInt>(std::min(room, kStepMax));
            const uInt given = z_.avail_in, free = z_.avail_out;
            const int code = ::inflate(&z_, Z_NO_FLUSH);
            const std::size_t taken = given - z_.avail_in, made = free - z_.avail_out;
            step.taken += taken;
            step.made += made;
            bytes.remove_prefix(taken);
            into += made;
            room -= made;
            if (code == Z_MEM_ERROR) throw std::bad_alloc();
            if (code == Z_STREAM_END) isComplete_ = true;
            else if (code != Z_OK && code != Z_BUF_ERROR)
                return fail(ErrorKind::kCorrupt, z_.msg != nullptr ? z_.msg : "unknown damage");
            if (code == Z_BUF_ERROR || room == 0) return {};
            if (code == Z_OK && bytes.empty()) return {};
        }
    }

private:
    z_stream z_{};
    bool isPadded_ = false;
};

class Unzstd final : public Decompressor {
public:
    Unzstd() : stream_(::ZSTD_createDStream()) {
        if (stream_ == nullptr) throw std::bad_alloc();
    }
    ~Unzstd() override { ::ZSTD_freeDStream(stream_); }
    Unzstd(const Unzstd&) = delete;
    Unzstd& operator=(const Unzstd&) = delete;

    Result<> take(std::string_view bytes, char* into, std::size_t room, Step& step) override {
        step = {};
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        ZSTD_outBuffer out{into, room, 0};
        while (!isComplete_ || in.pos < in.size) {
            const auto before = in.pos + out.pos;
            const std::size_t code = ::ZSTD_decompressStream(stream_, &out, &in);
            step = {in.pos, out.pos};
            if (::ZSTD_isError(code) != 0)
                return fail(ErrorKind::kCorrupt, ::ZSTD_getErrorName(code));
            isComplete_ = code == 0;
            if (out.pos == out.size || in.pos + out.pos == before) break;
            if (in.pos == in.size && !isComplete_ && out.pos < out.size) break;
        }
        return {};
    }

private:
    ZSTD_DStream* const stream_;
};

}  // namespace

std::unique_ptr<Decompressor> Decompressor::make(Compression compression) {
    TM_CHECK(compression != Compression::kNone, "there is nothing to decompress");
    if (compression == Compression::kGzip) return std::make_unique<Gunzip>();
    return std::make_unique<Unzstd>();
}

}  // namespace tidemill::core
