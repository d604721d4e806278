// What the next batch may take of the files that the last look found.
#include <algorithm>
#include <utility>

#include "core/logging.h"
#include "sources/csv_file_cut.h"
#include "sources/file_source.h"

namespace tidemill::sources {

using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

constexpr std::uint64_t kKeptOpenBytes = 1 << 20;
// Of text that batches have read, and that is decompressed again to come to its end, before one
// batch.
constexpr std::uint64_t kSkipBytes = 256 << 20;
// Nobody writes to a damaged file any more that is so old.
constexpr std::chrono::minutes kSettledAfter{1};

}  // namespace

Result<std::size_t> FileSource::prepare(core::Instant now, std::size_t bytesMax) {
    {
        std::lock_guard lock(mutex_);
        for (auto& mark : std::exchange(insteads_, {})) {
            known_.putDone(mark);
            toLeave_.push_back(std::move(mark));
        }
    }
    access_.releaseExcept(known_.unfinished());
    look(now.monotonic);
    decompressed_.clear();
    for (auto& prepared : std::exchange(prepared_, {}))
        if (prepared.piece.compression != Compression::kNone &&
            !known_.contains(prepared.piece.file.id))
            decompressed_[prepared.piece.file.id] = std::move(prepared);
    chosen_.clear();
    std::size_t bytes = 0;
    for (const auto& id : known_.unfinished()) {
        if (bytes >= bytesMax) break;
        TM_TRY(prepareRest(*known_.find(id), now, bytesMax, bytes));
    }
    if (bytes < bytesMax) {
        for (const auto& path : oldestNew()) {
            const auto entry = new_.at(path);
            if (chosen_.contains(entry.id)) continue;
            if (const auto* known = known_.find(entry.id); known && isSame(*known, path, entry)) {
                new_.erase(path);  // another name of a known file
                continue;
            }
            if (!mayTry(path, now.monotonic)) continue;
            if (bytes >= bytesMax) break;
            // Of a compressed one a part is taken, as it may be much longer than it is large.
            if (bytes > 0 && bytes + entry.sizeBytes > bytesMax &&
                core::compressionOf(path) == Compression::kNone)
                break;
            TM_TRY(prepareNew(path, now, bytesMax, bytes));
        }
    }
    decompressed_.clear();
    toForget_.clear();
    for (const auto& [id, since] : missing_) {
        if (toForget_.size() >= kFilesMax) break;
        if (now.monotonic - since >= kForgetAfter && watch_.wouldShow(id.device) &&
            !known_.unfinished().contains(id))
            toForget_.push_back(id);
    }
    return bytes;
}

// The paths of new files, those first that were modified first.
std::vector<std::string> FileSource::oldestNew() const {
    std::vector<std::pair<std::int64_t, const std::string*>> order;
    order.reserve(new_.size());
    for (const auto& [path, entry] : new_) order.emplace_back(entry.modifiedNanos, &path);
    const auto count = std::min(order.size(), kFilesMax);
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count),
                      order.end(), [](const auto& a, const auto& b) {
                          return a.first != b.first ? a.first < b.first : *a.second < *b.second;
                      });
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < count; ++i) paths.push_back(*order[i].second);
    return paths;
}

// What is left of a file that batches before have begun.
Result<> FileSource::prepareRest(KnownFiles::Known& known, core::Instant now, std::size_t bytesMax,
                                 std::size_t& bytes) {
    if (!mayTry(known.path, now.monotonic)) return {};
    std::string path = known.path;
    auto text = access_.held(known.file.id);
    if (!text) {
        auto opened = access_.openSame(known.file, path);
        if (!opened) {
            if (opened.error().kind == ErrorKind::kNotFound &&
                watch_.wouldShow(known.file.id.device))
                return lost(known, ErrorKind::kNotFound, "is gone");
            later(path, opened.error(), now.monotonic);
            return {};
        }
        text = FileText::of(std::move(*opened), known.compression, options_.recordBytesMax);
    }
    FilePiece piece{known.file, path, known.readTo, 0, true, 0, known.compression};
    auto measured = measureRest(piece, text, bytesMax - bytes, now);
    if (!measured) {
        if (measured.error().kind == ErrorKind::kConflict)
            return lost(known, ErrorKind::kConflict, measured.error().message);
        if (measured.error().kind == ErrorKind::kInvalid) return fail(measured.error());
        access_.release(known.file.id);
        later(path, measured.error(), now.monotonic);
        return {};
    }
    if (!*measured) return {};
    if (piece.end == piece.begin) {  // it ended where the last piece did
        access_.release(known.file.id);
        toLeave_.push_back(known.file);
        return {};
    }
    chosen_.insert(known.file.id);
    if (options_.csv) {
        char last = '\n';
        TM_ASSIGN(const auto before, text->readAt(piece.begin - 1, &last, 1));
        if (before == 1 && last != '\n')
            return fail(ErrorKind::kConflict,
                        "batches have read a file as lines, up to the middle of one, so that its "
                        "rest cannot be cut as records of CSV: " +
                            described(known.file, path) + " offset=" + std::to_string(piece.begin) +
                            "; start the job as it was until it has read the file");
        const auto prepared = prepareCsv(std::move(piece), text, bytesMax, bytes);
        if (!prepared) later(path, prepared.error(), now.monotonic);
        return {};
    }
    bytes += piece.end - piece.begin;
    prepared_.push_back({std::move(piece), std::move(text)});
    return {};
}

Result<bool> FileSource::measureRest(FilePiece& piece, const std::shared_ptr<FileText>& text,
                                     std::size_t bytesMax, core::Instant now) {
    if (auto* const file = text->file()) {
        TM_ASSIGN(const auto size, file->sizeBytes());
        if (size < piece.file.sizeBytes)
            return fail(ErrorKind::kConflict,
                        "has become shorter (size_now=" + std::to_string(size) + ")");
        piece.end = endOf(piece.file.sizeBytes);
        TM_ASSIGN(piece.tailHash, tailHashOf(*text, piece.begin, piece.end));
        return true;
    }
    auto there = text->skipTo(piece.begin, kSkipBytes);
    if (!there) {
        if (there.error().kind == ErrorKind::kCorrupt && options_.onLostData == LostData::kSkip)
            return fail(ErrorKind::kConflict, "was damaged since (" + there.error().message + ")");
        return fail(damaged(piece, there.error()));
    }
    if (!*there) {
        if (access_.held(piece.file.id) == nullptr)
            core::logInfo(
                "a compressed file is read again from its beginning, to go on behind "
                "what batches have read: " +
                described(piece.file, piece.path) + " text_read=" + std::to_string(piece.begin));
        access_.holdDecompressed(piece.file.id, text);
        return false;
    }
    TM_TRY(measure(piece, *text, bytesMax, now));
    access_.holdDecompressed(piece.file.id, text);
    return true;
}

// What is to be said of a file whose text is damaged.
core::Error FileSource::damaged(const FilePiece& piece, const core::Error& error) {
    if (error.kind != ErrorKind::kCorrupt) return error;
    return {ErrorKind::kCorrupt,
            described(piece.file, piece.path) + ": " + error.message +
                (piece.begin == 0
                     ? "; nothing of it was taken: put a sound file in its place, or take it away"
                     : "; batches have taken " + std::to_string(piece.begin) +
                           " bytes of its text: copy a sound file with the same text over it") +
                ", or go on without what is behind the damage: on_lost_data = \"skip\" "
                "(FileStreamOptions::onLostData)"};
}

Result<> FileSource::measure(FilePiece& piece, FileText& text, std::size_t bytesMax,
                             core::Instant now) const {
    TM_ASSIGN(auto reach, text.reach(piece.begin, std::max(bytesMax, options_.recordBytes)));
    // As long as it was when it was looked at.
    if (text.file() != nullptr) reach.end = piece.file.sizeBytes;
    if (reach.end < piece.begin)
        return fail(ErrorKind::kConflict,
                    "has become shorter (its text has " + std::to_string(reach.end) + " bytes)");
    piece.last = reach.isEnd || reach.damage;
    piece.end = reach.end;
    if (reach.damage) {
        TM_ASSIGN(piece.end, beforeDamage(piece, text, reach, now));
    } else if (reach.isEnd) {
        TM_TRY(checkLength(reach.end, piece.path));
        piece.end = endOf(reach.end);
    } else {
        piece.end = endOf(reach.end);
    }
    TM_ASSIGN(piece.tailHash, tailHashOf(text, piece.begin, piece.end));
    return {};
}

// Where the last whole record ends before the damage, when that is what is to be taken.
Result<std::uint64_t> FileSource::beforeDamage(const FilePiece& piece, FileText& text,
                                               const FileText::Reach& reach,
                                               core::Instant now) const {
    const auto info = access_.files().info(piece.path);
    const auto age =
        now.wall.time_since_epoch() - std::chrono::nanoseconds(info ? info->modifiedNanos : 0);
    if (options_.onLostData == LostData::kStop || age < kSettledAfter)
        return fail(damaged(piece, *reach.damage));
    core::logWarning(described(piece.file, piece.path) + ": " + reach.damage->message +
                     "; what is behind the damage is left out");
    if (options_.recordBytes != 0) return std::max(endOf(reach.end), piece.begin);
    core::Arena arena;
    TM_ASSIGN(const auto bytes, text.read(piece.begin, reach.end - piece.begin, arena));
    const auto newline = bytes.rfind('\n');
    return newline == bytes.npos ? piece.begin : piece.begin + newline + 1;
}

Result<> FileSource::prepareCsv(FilePiece whole, const std::shared_ptr<FileText>& text,
                                std::size_t bytesMax, std::size_t& bytes) {
    const auto end = whole.end;
    const auto readableEnd = text->readableEnd(end);
    std::vector<Prepared> pieces;
    std::size_t taken = 0;
    for (auto begin = whole.begin; begin < end && (taken == 0 || bytes + taken < bytesMax);) {
        FilePiece piece = whole;
        piece.begin = begin;
        const bool isRest = end - begin <= kCsvPieceBytes;
        if (!isRest || !whole.last) {
            const auto wanted = isRest ? end : begin + kCsvPieceBytes;
            TM_ASSIGN(piece.end, csvRecordEnd(*text, begin, wanted, whole.last ? end : readableEnd,
                                              *options_.csv, options_.recordBytesMax));
            // What does not fit begins the next batch.
            if (!whole.last && piece.end > end && !pieces.empty()) break;
            piece.last = piece.end == (whole.last ? end : readableEnd);
            if (!whole.last && piece.last && !text->endsThere())
                return fail(ErrorKind::kCorrupt,
                            described(whole.file, whole.path) + ": behind byte " +
                                std::to_string(begin) +
                                " of its text comes a line that is longer than a batch");
        }
        TM_ASSIGN(piece.tailHash, tailHashOf(*text, begin, piece.end));
        begin = piece.end;
        taken += piece.end - piece.begin;
        pieces.push_back({std::move(piece), text});
    }
    bytes += taken;
    for (auto& piece : pieces) prepared_.push_back(std::move(piece));
    return {};
}

// What was decompressed for a batch that did not take it; else from the file's beginning.
std::shared_ptr<FileText> FileSource::textOf(const FilePiece& piece,
                                             std::shared_ptr<core::File> file) const {
    const auto found = decompressed_.find(piece.file.id);
    if (found != decompressed_.end() && found->second.piece.file == piece.file &&
        found->second.piece.compression == piece.compression)
        return found->second.text;
    return FileText::of(std::move(file), piece.compression, options_.recordBytesMax);
}

Result<> FileSource::prepareNew(const std::string& path, core::Instant now, std::size_t bytesMax,
                                std::size_t& bytes) {
    const auto entry = new_.at(path);
    auto opened = access_.files().open(path, core::OpenMode::kRead);
    if (!opened) {
        if (opened.error().kind == ErrorKind::kNotFound) new_.erase(path);
        else later(path, opened.error(), now.monotonic);
        return {};
    }
    const std::shared_ptr<core::File> file = std::move(*opened);
    const auto info = file->info();
    // Another file by now, or emptied: the next look sees what it is.
    if (info && (FileId{info->device, info->inode} != entry.id || info->sizeBytes == 0)) return {};
    FilePiece piece;
    piece.path = path;
    piece.compression = core::compressionOf(path);
    std::shared_ptr<FileText> text;
    const auto measured = [&]() -> Result<> {
        if (!info) return fail(info.error());
        TM_ASSIGN(piece.file, markOfFile(*file, *info));
        text = textOf(piece, file);
        return measure(piece, *text, bytesMax - bytes, now);
    }();
    if (!measured) {
        if (measured.error().kind == ErrorKind::kInvalid) return fail(measured.error());
        later(path, measured.error(), now.monotonic);
        return {};
    }
    const auto size = piece.end - piece.begin;
    if (size == 0) {
        toLeave_.push_back(piece.file);
        known_.putDone(piece.file);
        new_.erase(path);
        return {};
    }
    const bool isPlain = piece.compression == Compression::kNone;
    if (isPlain && bytes > 0 && bytes + size > bytesMax) return {};
    chosen_.insert(entry.id);
    if (options_.csv && (size > kCsvPieceBytes || !piece.last)) {
        const auto prepared = prepareCsv(std::move(piece), text, bytesMax, bytes);
        if (!prepared) later(path, prepared.error(), now.monotonic);
        return {};
    }
    bytes += size;
    const bool mayBeCut = size > std::min<std::uint64_t>(kKeptOpenBytes, bytesMax / 4);
    prepared_.push_back({std::move(piece), mayBeCut || !isPlain ? text : nullptr});
    return {};
}

std::uint64_t FileSource::endOf(std::uint64_t sizeBytes) const {
    return options_.recordBytes == 0 ? sizeBytes : sizeBytes - sizeBytes % options_.recordBytes;
}

Result<FileMark> FileSource::markOfFile(core::File& file, const core::FileInfo& info) {
    FileMark mark{{info.device, info.inode},
                  info.bornNanos,
                  info.sizeBytes,
                  info.modifiedNanos,
                  static_cast<std::uint32_t>(std::min(info.sizeBytes, kHashedBytes)),
                  0};
    TM_ASSIGN(mark.headHash, headHashOf(file, mark.headBytes));
    return mark;
}

// A text of binary records ends with one, or its last bytes are to be left out.
Result<> FileSource::checkLength(std::uint64_t bytes, const std::string& path) const {
    const auto rest = bytes - endOf(bytes);
    if (rest == 0) return {};
    const auto what = "a file of binary records ends inside a record: file=" + path +
                      " size=" + std::to_string(bytes) +
                      " record_length=" + std::to_string(options_.recordBytes);
    if (options_.onLostData == LostData::kStop)
        return fail(ErrorKind::kInvalid,
                    what +
                        "; complete it or take it away and start again, or go on without its "
                        "last bytes: on_lost_data = \"skip\" (FileStreamOptions::onLostData)");
    core::logWarning(what + "; its last " + std::to_string(rest) + " bytes are left out");
    return {};
}

}  // namespace tidemill::sources
