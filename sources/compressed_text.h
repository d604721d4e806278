// The text of a compressed file: a part of it is in memory, decompressed once from the file's
// beginning on. Private to sources/.
#pragma once

#include <string>

#include "core/decompressor.h"
#include "sources/file_text.h"

namespace tidemill::sources {

// Holds what reach() was asked for, the byte before, and the longest record behind it. Once the
// file was read to its end it is closed.
class CompressedText final : public FileText {
public:
    CompressedText(std::shared_ptr<core::File> file, Compression compression,
                   std::size_t recordBytesMax);

    core::Result<bool> skipTo(std::uint64_t begin, std::uint64_t bytesMax) override;
    core::Result<Reach> reach(std::uint64_t begin, std::uint64_t bytes) override;
    bool holds(std::uint64_t begin, std::uint64_t end) const override;
    std::uint64_t readableEnd(std::uint64_t) const override { return textEnd(); }
    bool endsThere() const override { return !file_ && !damage_; }
    core::Result<std::size_t> readAt(std::uint64_t offset, char* into, std::size_t length) override;
    core::Result<std::string_view> read(std::uint64_t offset, std::size_t length,
                                        core::Arena& arena) override;

private:
    std::uint64_t textEnd() const { return textBegin_ + text_.size(); }
    // Forgets the text before `offset`.
    void dropBefore(std::uint64_t offset);
    // Appends at most `bytesMax` to the text. Errors: kIo.
    core::Result<> decode(std::size_t bytesMax);
    core::Result<> readMore();
    void end(std::optional<core::Error> damage);

    const Compression compression_;
    const std::uint64_t lookahead_;
    std::shared_ptr<core::File> file_;  // null: read to its end, or to the damage
    std::unique_ptr<core::Decompressor> decompressor_;
    std::string raw_;           // read from the file,
    std::size_t rawTaken_ = 0;  // and so much of it decompressed
    std::uint64_t rawEnd_ = 0;  // where in the file it ends
    bool isRawEnd_ = false;     // the file does too
    std::string text_;
    std::uint64_t textBegin_ = 0;
    std::optional<core::Error> damage_;
};

}  // namespace tidemill::sources
