// Compressed texts for tests.
#pragma once

#include <string>
#include <string_view>

#include "core/compressor.h"
#include "core/decompressor.h"

namespace tidemill::test {

// One member or frame.
inline std::string compressed(Compression compression, std::string_view text) {
    std::string out;
    const auto compressor = core::Compressor::make(compression);
    compressor->take(text, out);
    compressor->finish(out);
    return out;
}

// "damaged" or "incomplete" for what is so.
inline std::string decompressed(Compression compression, std::string_view bytes,
                                std::size_t piece = 1 << 16, std::size_t room = 1 << 16) {
    const auto decompressor = core::Decompressor::make(compression);
    std::string out, made(room, '\0');
    while (true) {
        const auto given = bytes.substr(0, piece);
        core::Decompressor::Step step;
        if (!decompressor->take(given, made.data(), room, step)) return "damaged";
        out.append(made, 0, step.made);
        bytes.remove_prefix(step.taken);
        if (bytes.empty() && step.made < room) break;
    }
    return decompressor->isComplete() ? out : "incomplete";
}

}  // namespace tidemill::test
