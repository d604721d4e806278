// The body of a request while it arrives, and what is wrong with it. Private to sources/http/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sources/http/answer.h"
#include "sources/http/gunzip.h"

namespace tidemill::sources::http {

// Thread safety: externally synchronized.
class RequestBody {
public:
    // At most so many bytes, as they are sent and as they inflate.
    RequestBody(bool isGzip, std::size_t bytesMax);

    // What is to be answered as the body cannot be taken; it takes nothing more then.
    std::optional<Answer> take(std::string_view bytes);
    // The body has ended: gives a last line its '\n', if it has none.
    std::optional<Answer> finish();

    // Whole lines behind finish(); empty when there are none.
    std::string_view text() const { return text_; }
    std::size_t heldBytes() const { return text_.capacity(); }

private:
    const std::size_t bytesMax_;
    std::optional<Gunzip> gunzip_;
    std::size_t sentBytes_ = 0;
    std::string text_;
};

struct Lines {
    std::uint32_t count = 0;
    // The first line that is longer than allowed: its number in the text from 1, and its length.
    std::uint64_t tooLong = 0;
    std::size_t tooLongBytes = 0;
};

// Of a text that is empty or ends with '\n'. A line's end, and a '\r' before it, do not count for
// its length. Stops at the first that is too long.
Lines linesOf(std::string_view text, std::size_t recordBytesMax);

// Where the lines behind the first `lines` begin. Requires that there are so many.
std::size_t behindLines(std::string_view text, std::uint64_t lines);

}  // namespace tidemill::sources::http
