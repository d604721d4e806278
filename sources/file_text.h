// The text of a file: its bytes, or what they decompress to. Offsets count bytes of text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "core/arena.h"
#include "core/compression.h"
#include "core/error.h"
#include "core/file_system.h"

namespace tidemill::sources {

// Thread safety: skipTo() and reach() externally synchronized, and never while others read; the
// rest is thread-safe.
class FileText {
public:
    static std::shared_ptr<FileText> of(std::shared_ptr<core::File> file, Compression compression,
                                        std::size_t recordBytesMax);
    virtual ~FileText() = default;

    // How far the text can be read from a place on.
    struct Reach {
        std::uint64_t end = 0;
        bool isEnd = true;  // the text ends there
        // Why nothing behind `end` can be had: what is compressed is damaged, or ends too early.
        std::optional<core::Error> damage{};
    };
    // Goes on to where reach(begin) can follow, through at most about `bytesMax` of text. False: it
    // is not there yet. Errors: kIo; kCorrupt, damage before that place.
    virtual core::Result<bool> skipTo(std::uint64_t begin, std::uint64_t bytesMax) = 0;
    // Makes [begin, begin + bytes) readable, and as much around it as finding the records that
    // begin there takes; what is before it is forgotten. Errors: kIo.
    virtual core::Result<Reach> reach(std::uint64_t begin, std::uint64_t bytes) = 0;
    // Whether that was done for [begin, end).
    virtual bool holds(std::uint64_t begin, std::uint64_t end) const = 0;
    // Nothing behind it can be read now; of a file as it lies on the disk none can.
    virtual std::uint64_t readableEnd(std::uint64_t fileBytes) const = 0;
    // The text ends there, soundly.
    virtual bool endsThere() const = 0;

    // The file, where its bytes are the text.
    virtual core::File* file() { return nullptr; }
    // Until `length` bytes are there or nothing more can be read. Errors: kIo.
    virtual core::Result<std::size_t> readAt(std::uint64_t offset, char* into,
                                             std::size_t length) = 0;
    // The same; the bytes live as long as `arena` and this. Errors: kIo.
    virtual core::Result<std::string_view> read(std::uint64_t offset, std::size_t length,
                                                core::Arena& arena) = 0;
};

// At most so many bytes of a file's beginning and of a piece's end are hashed.
inline constexpr std::uint64_t kHashedBytes = 1024;
// Of the first `size` bytes of a file as it lies on the disk; fewer when it ends before. Errors:
// kIo.
core::Result<std::uint64_t> headHashOf(core::File& file, std::uint64_t size);
// The hashed bytes of a piece's end. Errors: kIo.
core::Result<std::uint64_t> tailHashOf(FileText& text, std::uint64_t begin, std::uint64_t end);

}  // namespace tidemill::sources
