#include "sources/compressed_text.h"

#include <algorithm>
#include <cstring>

#include "core/check.h"

namespace tidemill::sources {

using core::ErrorKind;
using core::Result;

namespace {

constexpr std::size_t kRawBytes = 256 << 10;
constexpr std::size_t kDecodedBytes = 256 << 10;
constexpr std::size_t kSmallBytes = 4 << 10;
constexpr std::size_t kAnyRecordBytes = 1 << 20;  // where the longest record is not bounded

}  // namespace

CompressedText::CompressedText(std::shared_ptr<core::File> file, Compression compression,
                               std::size_t recordBytesMax)
    : compression_(compression),
      // A line with its end, and a byte that shows that the line does not go on.
      lookahead_((recordBytesMax == 0 ? kAnyRecordBytes : recordBytesMax) + 3),
      file_(std::move(file)),
      decompressor_(core::Decompressor::make(compression)) {}

Result<bool> CompressedText::skipTo(std::uint64_t begin, std::uint64_t bytesMax) {
    // The byte before a record's beginning tells that it is one.
    const std::uint64_t wanted = begin == 0 ? 0 : begin - 1;
    TM_CHECK(wanted >= textBegin_, "text that was forgotten is not asked for again");
    for (std::uint64_t skipped = 0; textEnd() < wanted && file_ && skipped < bytesMax;) {
        dropBefore(textEnd());
        TM_TRY(decode(
            static_cast<std::size_t>(std::min<std::uint64_t>(kDecodedBytes, wanted - textEnd()))));
        skipped += text_.size();
    }
    if (textEnd() < wanted && damage_) return core::fail(*damage_);
    return textEnd() >= wanted || !file_;
}

Result<FileText::Reach> CompressedText::reach(std::uint64_t begin, std::uint64_t bytes) {
    const std::uint64_t end = begin + bytes;
    dropBefore(std::min(begin == 0 ? 0 : begin - 1, textEnd()));
    while (file_ && textEnd() < end + lookahead_)
        TM_TRY(decode(static_cast<std::size_t>(
            std::min<std::uint64_t>(kDecodedBytes, end + lookahead_ - textEnd()))));
    const bool isAll = !file_ && textEnd() <= end;
    Reach reach{std::min(end, textEnd()), isAll && !damage_, {}};
    if (isAll) reach.damage = damage_;
    return reach;
}

bool CompressedText::holds(std::uint64_t begin, std::uint64_t end) const {
    const bool behind = end + lookahead_ <= textEnd() || (!file_ && end <= textEnd());
    return behind && textBegin_ <= (begin == 0 ? 0 : begin - 1);
}

Result<std::size_t> CompressedText::readAt(std::uint64_t offset, char* into, std::size_t length) {
    if (offset >= textEnd()) return 0;
    TM_CHECK(offset >= textBegin_, "text that was forgotten is not read");
    const auto got = std::min<std::uint64_t>(length, textEnd() - offset);
    std::memcpy(into, text_.data() + (offset - textBegin_), got);
    return got;
}

Result<std::string_view> CompressedText::read(std::uint64_t offset, std::size_t length,
                                              core::Arena&) {
    if (offset >= textEnd()) return std::string_view();
    TM_CHECK(offset >= textBegin_, "text that was forgotten is not read");
    return std::string_view(text_).substr(offset - textBegin_, length);
}

void CompressedText::dropBefore(std::uint64_t offset) {
    if (offset <= textBegin_) return;
    text_.erase(0, offset - textBegin_);
    textBegin_ = offset;
}

Result<> CompressedText::decode(std::size_t bytesMax) {
    if (rawTaken_ == raw_.size() && !isRawEnd_) TM_TRY(readMore());
    // Of a small file comes little.
    if (isRawEnd_) bytesMax = std::min(bytesMax, kSmallBytes + 8 * (raw_.size() - rawTaken_));
    const auto before = text_.size();
    text_.resize(before + bytesMax);
    core::Decompressor::Step step;
    const auto taken = decompressor_->take(std::string_view(raw_).substr(rawTaken_),
                                           text_.data() + before, bytesMax, step);
    text_.resize(before + step.made);
    rawTaken_ += step.taken;
    const auto where = [&] {
        return " at byte " + std::to_string(rawEnd_ - (raw_.size() - rawTaken_)) + ", behind " +
               std::to_string(textEnd()) + " bytes of text";
    };
    const std::string name(core::nameOf(compression_));
    if (!taken)
        end(core::Error{ErrorKind::kCorrupt, "the " + name + " data is damaged" + where() + " (" +
                                                 taken.error().message + ")"});
    else if (isRawEnd_ && rawTaken_ == raw_.size() && step.made < bytesMax)
        end(decompressor_->isComplete()
                ? std::nullopt
                : std::optional(core::Error{ErrorKind::kCorrupt,
                                            "the " + name + " data ends too early" + where()}));
    return {};
}

Result<> CompressedText::readMore() {
    TM_ASSIGN(const auto size, file_->sizeBytes());
    // One byte more shows that it ends there.
    const auto wanted = std::min<std::uint64_t>(size > rawEnd_ ? size - rawEnd_ + 1 : 1, kRawBytes);
    raw_.resize(wanted);
    rawTaken_ = 0;
    auto got = file_->readAt(rawEnd_, raw_.data(), wanted);
    raw_.resize(got.value_or(0));
    if (!got) return core::fail(std::move(got.error()));
    rawEnd_ += *got;
    isRawEnd_ = *got < wanted;
    return {};
}

void CompressedText::end(std::optional<core::Error> damage) {
    damage_ = std::move(damage);
    file_.reset();
    decompressor_.reset();
    raw_ = {};
    rawTaken_ = 0;
    text_.shrink_to_fit();
}

}  // namespace tidemill::sources
