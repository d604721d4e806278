// Where the tokens of JSON texts begin: the first stage of simdjson, which also checks UTF-8 and
// that strings are closed and have no control bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace tidemill::rows {

// Thread safety: worker-confined.
class JsonIndex {
public:
    JsonIndex();
    ~JsonIndex();

    // Texts up to this many bytes need no memory anew.
    static constexpr std::size_t kTextBytes = 16 << 10;

    // Answers what is wrong with `text`, or null; nothing behind its end is read. It may be several
    // JSON texts with blanks between them. Beyond 4 GiB - 1 it is wrong.
    const char* build(std::string_view text);

    // Until the next build(): the offsets of brackets, braces, colons and commas outside of
    // strings, of the quotes that open strings and of the first bytes of whatever else there is.
    std::span<const std::uint32_t> tokens() const;

    // Gives memory back that an unusual text needed.
    void shrink();

private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
};

}  // namespace tidemill::rows
