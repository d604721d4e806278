#include "rows/outputs/growing_files.h"

#include <sys/uio.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

#include "core/byte_codec.h"
#include "core/decompressor.h"
#include "core/failpoint.h"
#include "core/logging.h"

namespace tidemill::rows {

using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

// Begins a note of growing files: other outputs of a job have notes too.
constexpr std::string_view kNoteHead = "growing 1";
constexpr std::size_t kDigits = 20;
// What a compressed file has before its first bytes of text, and between them, at most.
constexpr std::size_t kHeaderOverhead = 256 << 10;

std::uint64_t placeOf(const core::Path& directory) {
    const std::string place = core::absolutePlace(directory.string());
    return XXH3_64bits(place.data(), place.size());
}

}  // namespace

GrowingFiles::GrowingFiles(core::FileSystem& files, core::Path directory, std::string suffix,
                           GrowingOptions options, Compression compression)
    : files_(files),
      directory_(std::move(directory)),
      suffix_(std::move(suffix) + std::string(core::suffixOf(compression))),
      options_(options),
      compression_(compression),
      place_(placeOf(directory_)),
      whole_(files, directory_, suffix_) {}

core::Path GrowingFiles::pathOf(std::uint64_t firstBatch) const {
    char name[kDigits + 1];
    std::snprintf(name, sizeof name, "%020llu", static_cast<unsigned long long>(firstBatch));
    return directory_ / (name + suffix_);
}

Result<std::vector<std::uint64_t>> GrowingFiles::present() const {
    std::vector<std::uint64_t> batches;
    if (!files_.exists(directory_)) return batches;
    TM_ASSIGN(const auto names, files_.list(directory_));
    for (std::string_view name : names) {
        if (name.size() != kDigits + suffix_.size() || !name.ends_with(suffix_)) continue;
        name = name.substr(0, kDigits);
        std::uint64_t batch = 0;
        const auto read = std::from_chars(name.data(), name.data() + name.size(), batch);
        if (read.ec == std::errc() && read.ptr == name.data() + name.size() && batch != 0)
            batches.push_back(batch);
    }
    std::sort(batches.begin(), batches.end());
    return batches;
}

Result<> GrowingFiles::open(const core::OutputOpening& opening) {
    TM_TRY(whole_.open(opening));
    current_ = {};
    headerIsKnown_ = false;
    TM_ASSIGN(const auto batches, present());
    if (batches.empty()) return {};
    TM_ASSIGN(const auto info, files_.info(pathOf(batches.back())));
    // Where the file system does not know when it was made, its last change has to do.
    const auto beganMillis = info.bornNanos != 0 ? info.bornNanos / 1'000'000 : info.modifiedMillis;
    current_ = {batches.back(), beganMillis, info.sizeBytes};
    return {};
}

std::string GrowingFiles::note() const {
    core::ByteWriter out;
    out.string(kNoteHead);
    out.u64(place_);
    out.u64(current_.firstBatch);
    out.i64(current_.beganMillis);
    out.u64(current_.sizeBytes);
    return std::move(out).bytes();
}

// Whichever output's it was when the batch was recorded: the job may have been changed since. None:
// no output wrote growing files here then.
std::optional<GrowingFiles::Current> GrowingFiles::noted(const core::BatchRecord& record) const {
    for (const auto& note : record.notes) {
        core::ByteReader in(note.bytes);
        if (in.string(core::kOutputNoteBytesMax) != kNoteHead || in.u64() != place_) continue;
        Current current;
        current.firstBatch = in.u64();
        current.beganMillis = in.i64();
        current.sizeBytes = in.u64();
        if (in.finished()) return current;
    }
    return std::nullopt;
}

Result<bool> GrowingFiles::begin(const core::ResultMark& mark, const core::BatchRecord& record,
                                 std::string header) {
    mark_ = mark;
    time_ = record.time;
    header_ = std::move(header);
    file_.reset();
    startsNew_ = false;
    TM_ASSIGN(const auto found, core::readResultMark(files_, markPath()));
    if (found && found->batch == mark.batch) {
        TM_ASSIGN(const auto published, core::comparePublished(markPath(), found, mark));
        if (published == core::Published::kSame) return false;
    }
    if (const auto before = noted(record)) TM_TRY(cutTo(*before));
    return true;
}

// Goes back to what was there before the batch at hand: what an earlier run of it has written goes.
Result<> GrowingFiles::cutTo(const Current& before) {
    const auto begun = pathOf(mark_.batch.value);
    if (before.firstBatch != mark_.batch.value && files_.exists(begun)) {
        TM_TRY(files_.unlink(begun));
        TM_TRY(files_.syncDirectory(directory_));
    }
    current_ = {};
    if (before.firstBatch == 0) return {};
    const auto path = pathOf(before.firstBatch);
    if (!files_.exists(path)) return {};  // old and removed, or somebody has taken it away
    TM_ASSIGN(const auto info, files_.info(path));
    if (info.sizeBytes < before.sizeBytes)
        return fail(ErrorKind::kConflict,
                    "results were changed: " + path.string() + " has " +
                        std::to_string(info.sizeBytes) + " bytes, but had " +
                        std::to_string(before.sizeBytes) + " before batch " +
                        core::toString(mark_.batch) +
                        " was written to it; move the file away and start again");
    current_ = before;
    if (info.sizeBytes == before.sizeBytes) return {};
    TM_ASSIGN(const auto file, files_.open(path, core::OpenMode::kReadWrite));
    TM_TRY(file->truncate(before.sizeBytes));
    return file->sync();
}

bool GrowingFiles::isFull() const {
    if (current_.firstBatch == 0 || current_.sizeBytes >= options_.rotateBytes) return true;
    return options_.rotateEvery != Duration(0) &&
           toMillis(time_) - current_.beganMillis >= options_.rotateEvery.count();
}

Result<> GrowingFiles::openFile() {
    TM_TRY(files_.createDirectory(directory_));
    if (!isFull()) TM_TRY(openCurrent());
    return file_ ? Result<>{} : openNext();
}

// Leaves `file_` null when lines cannot go on there.
Result<> GrowingFiles::openCurrent() {
    const auto path = pathOf(current_.firstBatch);
    auto opened = files_.open(path, core::OpenMode::kReadWrite);
    if (!opened) {
        if (opened.error().kind != ErrorKind::kNotFound) return fail(std::move(opened.error()));
        core::logWarning("results go on in another file, since one was taken away: file=" +
                         path.string());
        return {};
    }
    TM_ASSIGN(const auto size, (*opened)->sizeBytes());
    if (size != current_.sizeBytes)
        return fail(ErrorKind::kConflict,
                    "results were changed while the job ran: " + path.string() + " has " +
                        std::to_string(size) + " bytes, but had " +
                        std::to_string(current_.sizeBytes) +
                        " after the last batch that wrote to it; move the "
                        "file away and start again");
    if (!headerIsKnown_) {
        // A job that was changed has other columns.
        TM_ASSIGN(headerIsKnown_, beginsWithHeader(**opened));
        if (!headerIsKnown_) return {};
    }
    file_ = std::move(*opened);
    return {};
}

Result<bool> GrowingFiles::beginsWithHeader(core::File& file) const {
    std::string begin(
        compression_ == Compression::kNone ? header_.size() : header_.size() + kHeaderOverhead,
        '\0');
    TM_ASSIGN(const auto length, file.readAt(0, begin.data(), begin.size()));
    begin.resize(length);
    if (compression_ == Compression::kNone) return begin == header_;
    std::string found(header_.size(), '\0');
    core::Decompressor::Step step;
    const auto sound =
        core::Decompressor::make(compression_)->take(begin, found.data(), found.size(), step);
    return sound && step.made == found.size() && found == header_;
}

Result<> GrowingFiles::openNext() {
    startsNew_ = true;
    current_ = {mark_.batch.value, toMillis(time_), 0};
    headerIsKnown_ = true;
    TM_ASSIGN(file_, files_.open(pathOf(current_.firstBatch), core::OpenMode::kCreate));
    return header_.empty() ? Result<>{} : write(header_);
}

Result<> GrowingFiles::append(std::string_view lines) {
    if (!file_) {
        // An earlier run of the batch may have left some of it there.
        if (compression_ != Compression::kNone) compressor_ = core::Compressor::make(compression_);
        TM_TRY(openFile());
    }
    return write(lines);
}

Result<> GrowingFiles::write(std::string_view bytes) {
    std::string compressed;
    if (compressor_) {
        compressor_->take(bytes, compressed);
        bytes = compressed;
    }
    TM_TRY(file_->writeAt(current_.sizeBytes, bytes));
    current_.sizeBytes += bytes.size();
    return {};
}

Result<> GrowingFiles::commit() {
    if (!file_) return {};  // without rows nothing changes, and a re-run finds nothing to cut
    if (compressor_) {
        std::string end;
        compressor_->finish(end);
        TM_TRY(file_->writeAt(current_.sizeBytes, end));
        current_.sizeBytes += end.size();
    }
    TM_TRY(file_->sync());
    file_.reset();
    if (startsNew_) TM_TRY(files_.syncDirectory(directory_));
    TM_FAILPOINT("sink.afterPrepare");
    TM_TRY(core::publishFile(files_, markPath(), core::encodeResultMark(mark_)));
    // Behind the mark: a re-run must find the file that it goes back to, or need none.
    if (startsNew_) TM_TRY(removeOld());
    return core::reachFailpoint("sink.afterCommit");
}

// A crash before it leaves one more than there should be, until the next file begins.
Result<> GrowingFiles::removeOld() {
    if (options_.keep == 0) return {};
    TM_ASSIGN(const auto batches, present());
    for (std::size_t i = 0; i + options_.keep < batches.size(); ++i) {
        const auto removed = files_.unlink(pathOf(batches[i]));
        if (!removed && removed.error().kind != ErrorKind::kNotFound) return removed;
    }
    return {};
}

}  // namespace tidemill::rows
