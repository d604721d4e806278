#include "recovery/at_work.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace tidemill::recovery {
namespace {

constexpr std::uint64_t kFileBytesMax = 4096;
constexpr std::size_t kTextBytesMax = 512;

// All but the texts at the end has its place, so that little is written for each record.
std::string headOf(core::BatchId batch) {
    char line[96];
    std::snprintf(line, sizeof line, "tidemill at work\nversion 1\nbatch %020llu\n",
                  static_cast<unsigned long long>(batch.value));
    return line;
}

std::string recordLine(const core::RecordPlace& place) {
    char line[64];
    std::snprintf(line, sizeof line, "record %020llu %010u\n",
                  static_cast<unsigned long long>(place.lsn.value), place.line);
    return line;
}

const std::size_t kRecordOffset = headOf({}).size();
const std::size_t kCallOffset = kRecordOffset + recordLine({}).size();

std::string onOneLine(std::string_view text) {
    std::string line(text.substr(0, kTextBytesMax));
    std::replace(line.begin(), line.end(), '\n', ' ');
    return line;
}

std::string callLines(std::string_view operation, std::string_view element) {
    std::string lines = operation.empty() ? "calling no\n" : "calling yes\n";
    lines += onOneLine(operation) + "\n" + onOneLine(element) + "\n";
    return lines;
}

std::string_view takeLine(std::string_view& text) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

template <class T>
bool takeNumber(std::string_view& text, std::string_view before, T& value) {
    if (!text.starts_with(before)) return false;
    text.remove_prefix(before.size());
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    return parsed.ec == std::errc();
}

}  // namespace

std::string encodeAtWork(const AtWork& work) {
    return headOf(work.batch) + recordLine(work.place.value_or(core::RecordPlace{})) +
           callLines(work.operation, work.element);
}

std::optional<AtWork> decodeAtWork(std::string_view text) {
    AtWork work;
    core::RecordPlace place;
    if (!takeNumber(text, "tidemill at work\nversion 1\nbatch ", work.batch.value) ||
        !takeNumber(text, "\nrecord ", place.lsn.value) || !takeNumber(text, " ", place.line) ||
        !text.starts_with('\n'))
        return std::nullopt;
    text.remove_prefix(1);
    if (place.lsn.value != 0) work.place = place;
    if (takeLine(text) != "calling yes") return work;
    work.operation = takeLine(text);
    work.element = takeLine(text);
    return work;
}

std::optional<AtWork> AtWorkFile::read() const {
    const auto text = core::readWholeFile(files_, path_, kFileBytesMax);
    return text ? decodeAtWork(*text) : std::nullopt;
}

void AtWorkFile::begin(core::BatchId batch) {
    AtWork work;
    work.batch = batch;
    auto opened = files_.open(path_, core::OpenMode::kReplace);
    file_ = opened ? std::move(*opened) : nullptr;
    if (file_) (void)file_->writeAt(0, encodeAtWork(work));
}

core::Result<> AtWorkFile::remove() {
    file_ = nullptr;
    return files_.exists(path_) ? files_.unlink(path_) : core::Result<>{};
}

void AtWorkFile::record(const core::RecordPlace& place) {
    if (file_) (void)file_->writeAt(kRecordOffset, recordLine(place));
}

void AtWorkFile::call(const std::string& operation, const std::string& element) {
    if (file_) (void)file_->writeAt(kCallOffset, callLines(operation, element));
}

// The texts stay where they are and are not looked at.
void AtWorkFile::returned() {
    if (file_) (void)file_->writeAt(kCallOffset, std::string_view("calling no\n"));
}

}  // namespace tidemill::recovery
