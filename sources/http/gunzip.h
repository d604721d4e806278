// Inflates gzip as it arrives, up to a limit. Private to sources/http/.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/decompressor.h"

namespace tidemill::sources::http {

// One or several gzip members behind each other. Thread safety: externally synchronized.
class Gunzip {
public:
    Gunzip();

    enum class Outcome {
        kTaken,
        kTooLarge,  // more than `bytesMax` come out: no more was inflated than that
        kDamaged,   // see damage()
    };
    // Appends to `out`, which never grows beyond `bytesMax`. Once it was not kTaken, take no more.
    Outcome take(std::string_view bytes, std::string& out, std::size_t bytesMax);

    // What was taken ends where a member does.
    bool isComplete() const { return stream_->isComplete(); }
    // In zlib's words.
    const std::string& damage() const { return damage_; }

private:
    std::unique_ptr<core::Decompressor> stream_;
    std::string damage_;
};

}  // namespace tidemill::sources::http
