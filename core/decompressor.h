// Takes gzip or zstd piece by piece, and gives what was compressed, in bounded memory.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "core/compression.h"
#include "core/error.h"

namespace tidemill::core {

// Of one or several gzip members or zstd frames behind each other; zeros behind a member are
// padding. Thread safety: externally synchronized.
class Decompressor {
public:
    // Requires: not kNone. Throws std::bad_alloc.
    static std::unique_ptr<Decompressor> make(Compression compression);
    virtual ~Decompressor() = default;

    struct Step {
        std::size_t taken = 0;  // of the bytes that were given
        std::size_t made = 0;   // so many bytes came of them
    };
    // Goes on until all of `bytes` is taken or `room` bytes are made; may have more to give though
    // nothing is left to take, as long as it fills its room. Errors: kCorrupt, in the library's
    // words; take no more then. `step` says what was made before, also with an error.
    virtual Result<> take(std::string_view bytes, char* into, std::size_t room, Step& step) = 0;

    // What was taken ends where a member or frame does.
    bool isComplete() const { return isComplete_; }

protected:
    bool isComplete_ = false;
};

}  // namespace tidemill::core
