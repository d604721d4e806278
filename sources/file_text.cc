#include "sources/file_text.h"

#include <xxhash.h>

#include <algorithm>
#include <array>

#include "sources/compressed_text.h"

namespace tidemill::sources {

using core::Result;

namespace {

// A file whose text are its bytes.
class PlainText final : public FileText {
public:
    explicit PlainText(std::shared_ptr<core::File> file) : file_(std::move(file)) {}

    Result<bool> skipTo(std::uint64_t, std::uint64_t) override { return true; }
    Result<Reach> reach(std::uint64_t, std::uint64_t) override {
        TM_ASSIGN(const auto size, file_->sizeBytes());
        return Reach{size, true, {}};
    }
    bool holds(std::uint64_t, std::uint64_t) const override { return true; }
    bool endsThere() const override { return true; }
    core::File* file() override { return file_.get(); }
    std::uint64_t readableEnd(std::uint64_t fileBytes) const override { return fileBytes; }
    Result<std::size_t> readAt(std::uint64_t offset, char* into, std::size_t length) override {
        return file_->readAt(offset, into, length);
    }
    Result<std::string_view> read(std::uint64_t offset, std::size_t length,
                                  core::Arena& arena) override {
        char* bytes = arena.allocate(length);
        TM_ASSIGN(const auto got, file_->readAt(offset, bytes, length));
        return std::string_view(bytes, got);
    }

private:
    const std::shared_ptr<core::File> file_;
};

}  // namespace

std::shared_ptr<FileText> FileText::of(std::shared_ptr<core::File> file, Compression compression,
                                       std::size_t recordBytesMax) {
    if (compression == Compression::kNone) return std::make_shared<PlainText>(std::move(file));
    return std::make_shared<CompressedText>(std::move(file), compression, recordBytesMax);
}

Result<std::uint64_t> headHashOf(core::File& file, std::uint64_t size) {
    std::array<char, kHashedBytes> bytes;
    TM_ASSIGN(const auto got, file.readAt(0, bytes.data(), std::min(size, kHashedBytes)));
    return XXH3_64bits(bytes.data(), got);
}

Result<std::uint64_t> tailHashOf(FileText& text, std::uint64_t begin, std::uint64_t end) {
    std::array<char, kHashedBytes> bytes;
    const auto size = std::min(end - begin, kHashedBytes);
    TM_ASSIGN(const auto got, text.readAt(end - size, bytes.data(), size));
    return XXH3_64bits(bytes.data(), got);
}

}  // namespace tidemill::sources
