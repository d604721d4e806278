// Whole lines at the beginning of bytes that were read. Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/source.h"

namespace tidemill::sources::follow {

struct LineCut {
    std::size_t bytes = 0;  // of whole lines, with those that are too long
    std::uint32_t lines = 0;
    std::uint32_t oversize = 0;  // lines of more than recordBytesMax, not among `lines`
};

// As many whole lines as there are, or as are allowed: it ends within a record of that.
LineCut cutLines(std::string_view bytes, std::size_t recordBytesMax,
                 const core::Allowance& allowance);

// Takes the lines that are too long out of the first `bytes`, which are whole lines; returns how
// many bytes are left.
std::size_t removeLongLines(char* data, std::size_t bytes, std::size_t recordBytesMax);

}  // namespace tidemill::sources::follow
