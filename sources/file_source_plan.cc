// What the next batch takes of what was made ready.
#include <algorithm>

#include "core/logging.h"
#include "sources/csv_file_cut.h"
#include "sources/file_source.h"

namespace tidemill::sources {

using core::Result;

namespace {

FileMark markOf(const DirectoryWatch::Entry& entry) {
    return {entry.id, entry.bornNanos, entry.sizeBytes, entry.modifiedNanos, 0, 0};
}

}  // namespace

Result<core::ReplayableSource::Plan> FileSource::plan(const Limits& limits) {
    FileRange range;
    range.recordBytesMax = static_cast<std::uint32_t>(options_.recordBytesMax);
    range.oldBeforeMillis = known_.oldBeforeMillis;
    Plan plan;
    std::size_t encoded = 64;
    for (auto& prepared : prepared_) {
        auto& piece = prepared.piece;
        encoded += encodedBytes(piece);
        if (encoded > limits.rangeBytes) break;
        bool isCut = false;
        if (plan.sizeBytes + (piece.end - piece.begin) > limits.bytes) {
            if (plan.sizeBytes != 0 || limits.bytes == 0 || !prepared.text) break;
            TM_TRY(cut(prepared, limits.bytes));
            isCut = !piece.last;
        }
        plan.sizeBytes += piece.end - piece.begin;
        range.pieces.push_back(piece);
        if (piece.compression != Compression::kNone)
            access_.holdDecompressed(piece.file.id, prepared.text);
        else if (!piece.last && prepared.text) access_.hold(piece.file.id, prepared.text);
        // The next piece may be of the same file, behind what was cut off.
        if (isCut) break;
    }
    const auto fits = [&](std::size_t bytes) {
        encoded += bytes;
        return encoded <= limits.rangeBytes;
    };
    std::size_t leaving = 0;
    for (; leaving < toLeave_.size() && fits(kEncodedMarkBytes); ++leaving)
        range.left.push_back(toLeave_[leaving]);
    toLeave_.erase(toLeave_.begin(), toLeave_.begin() + static_cast<std::ptrdiff_t>(leaving));
    std::size_t old = 0;
    for (auto at = old_.begin(); at != old_.end() && old < kFilesMax && fits(kEncodedMarkBytes);
         ++at, ++old)
        range.left.push_back(markOf(at->second));
    leftBehind_ += old;
    range.begun = known_.begun || (watch_.complete() && old == old_.size());
    for (const auto& id : toForget_)
        if (fits(sizeof(FileId))) range.forgotten.push_back(id);
    toForget_.clear();
    if (range.begun && !known_.begun && leftBehind_ != 0)
        core::logInfo(std::to_string(leftBehind_) + " files in " + options_.directories +
                      " are left, because they were there and older than " +
                      std::to_string(FileSource::kOldAge.count() / 1000) +
                      " s when the job started for the first time; existing = \"take\" "
                      "(FileStreamOptions::existing) would have taken them");
    if (!known_.wouldChange(range)) return plan;
    plan.range = encode(range);
    apply(range);
    return plan;
}

Result<> FileSource::cut(Prepared& prepared, std::size_t bytes) {
    auto& piece = prepared.piece;
    std::uint64_t size = bytes;
    if (options_.recordBytes != 0)
        size = std::max<std::uint64_t>(size / options_.recordBytes, 1) * options_.recordBytes;
    if (options_.csv && size < piece.end - piece.begin) {
        TM_ASSIGN(const auto end, csvRecordEnd(*prepared.text, piece.begin, piece.begin + size,
                                               piece.end, *options_.csv, options_.recordBytesMax));
        size = end - piece.begin;
    }
    if (size >= piece.end - piece.begin) return {};
    piece.end = piece.begin + size;
    piece.last = false;
    TM_ASSIGN(piece.tailHash, tailHashOf(*prepared.text, piece.begin, piece.end));
    return {};
}

}  // namespace tidemill::sources
