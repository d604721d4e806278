#include "sources/file_source.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <functional>

#include "core/byte_codec.h"
#include "core/logging.h"
#include "sources/csv_file_cut.h"
#include "sources/file_batch.h"

namespace tidemill::sources {

using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

constexpr std::uint64_t kKeptOpenBytes = 1 << 20;
constexpr std::size_t kComplaintsMax = 100;
constexpr std::chrono::seconds kFirstRetry{1};
constexpr std::int64_t kNanosPerMilli = 1'000'000;

std::string described(const FileMark& file, const std::string& path) {
    return "file=" + path + " size=" + std::to_string(file.sizeBytes);
}

}  // namespace

FileSource::FileSource(core::FileSystem& files, FileSourceOptions options)
    : options_(std::move(options)),
      access_(files, options_.directories),
      watch_(files, options_.directories) {}

Result<> FileSource::open(const core::SourceOpening& opening) {
    known_.begun = options_.existing == ExistingFiles::kTake;
    known_.oldBeforeMillis = toMillis(opening.firstStart - kOldAge);
    for (const auto& [lane, position] : opening.positions) TM_TRY(known_.restore(lane, position));
    return {};
}

Result<> FileSource::start() {
    records_ = bytes_ = 0;
    return {};
}

core::SourceStatistics FileSource::statistics() const {
    core::SourceStatistics statistics;
    statistics.records = records_;
    statistics.bytes = bytes_;
    statistics.oversize = oversize_;
    return statistics;
}

// --- What is there -------------------------------------------------------------------------------

void FileSource::look(std::chrono::nanoseconds now) {
    watch_.look([&](const std::string& path, const auto& entry) { seen(path, entry); },
                [&](const std::string& path, const auto& entry) {
                    new_.erase(path);
                    retries_.erase(path);
                    if (watch_.isPresent(entry.id)) return;
                    old_.erase(entry.id);
                    if (known_.contains(entry.id)) missing_.emplace(entry.id, now);
                });
    if (lookedForMissing_ || !watch_.complete()) return;
    lookedForMissing_ = true;
    known_.forEachId([&](FileId id) {
        if (!watch_.isPresent(id)) missing_.emplace(id, now);
    });
}

void FileSource::seen(const std::string& path, const DirectoryWatch::Entry& entry) {
    missing_.erase(entry.id);
    if (auto* const found = known_.find(entry.id)) {
        auto& known = *found;
        if (isSame(known, path, entry)) {
            new_.erase(path);
            if (!known.complained && complaints_ < kComplaintsMax &&
                (entry.sizeBytes != known.file.sizeBytes ||
                 entry.modifiedNanos != known.file.modifiedNanos)) {
                known.complained = true;
                core::logWarning(
                    "a file has changed after it was taken; what is new in it is not "
                    "read: " +
                    described(known.file, path) + " size_now=" + std::to_string(entry.sizeBytes));
                if (++complaints_ == kComplaintsMax)
                    core::logWarning("more such files are not named");
            }
            return;
        }
    }
    if (entry.sizeBytes == 0) {  // it waits for content
        new_.erase(path);
    } else if (!known_.begun && entry.modifiedNanos / kNanosPerMilli < known_.oldBeforeMillis) {
        old_[entry.id] = entry;
        new_.erase(path);
    } else {
        new_[path] = entry;
    }
}

bool FileSource::isSame(const KnownFiles::Known& known, const std::string& path,
                        const DirectoryWatch::Entry& entry) {
    const FileMark& mark = known.file;
    if (mark.bornNanos != 0 && entry.bornNanos != 0) return mark.bornNanos == entry.bornNanos;
    if (mark.sizeBytes == entry.sizeBytes && mark.modifiedNanos == entry.modifiedNanos) return true;
    if (mark.headBytes == 0) return true;
    const auto file = access_.files().open(path, core::OpenMode::kRead);
    if (!file) return true;  // it cannot be told
    const auto hash = hashOf(**file, 0, mark.headBytes);
    return !hash || *hash == mark.headHash;
}

// --- What the next batch may take ----------------------------------------------------------------

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
    prepared_.clear();
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
            if (bytes >= bytesMax || (bytes > 0 && bytes + entry.sizeBytes > bytesMax)) break;
            TM_TRY(prepareNew(path, now, bytesMax, bytes));
        }
    }
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
    auto file = access_.held(known.file.id);
    core::Error error;
    if (!file) {
        auto opened = access_.openSame(known.file, path);
        if (!opened) {
            error = opened.error();
            if (error.kind == ErrorKind::kNotFound && watch_.wouldShow(known.file.id.device))
                return lost(known, ErrorKind::kNotFound, "is gone");
            later(path, error, now.monotonic);
            return {};
        }
        file = std::move(*opened);
    }
    const auto info = file->info();
    if (!info) {
        later(path, info.error(), now.monotonic);
        return {};
    }
    if (info->sizeBytes < known.file.sizeBytes)
        return lost(known, ErrorKind::kConflict,
                    "has become shorter (size_now=" + std::to_string(info->sizeBytes) + ")");
    FilePiece piece{known.file, path, known.readTo, endOf(known.file.sizeBytes), true, 0};
    const auto tail = tailHashOf(*file, piece.begin, piece.end);
    if (!tail) {
        later(path, tail.error(), now.monotonic);
        return {};
    }
    piece.tailHash = *tail;
    chosen_.insert(known.file.id);
    if (options_.csv) {
        char last = '\n';
        TM_ASSIGN(const auto before, file->readAt(piece.begin - 1, &last, 1));
        if (before == 1 && last != '\n')
            return fail(ErrorKind::kConflict,
                        "batches have read a file as lines, up to the middle of one, so that its "
                        "rest cannot be cut as records of CSV: " +
                            described(known.file, path) + " offset=" + std::to_string(piece.begin) +
                            "; start the job as it was until it has read the file");
        const auto prepared = prepareCsv(std::move(piece), file, bytesMax, bytes);
        if (!prepared) later(path, prepared.error(), now.monotonic);
        return {};
    }
    bytes += piece.end - piece.begin;
    prepared_.push_back({std::move(piece), std::move(file)});
    return {};
}

Result<> FileSource::prepareCsv(FilePiece whole, const std::shared_ptr<core::File>& file,
                                std::size_t bytesMax, std::size_t& bytes) {
    const auto end = whole.end;
    std::vector<Prepared> pieces;
    std::size_t taken = 0;
    for (auto begin = whole.begin; begin < end && (taken == 0 || bytes + taken < bytesMax);) {
        FilePiece piece = whole;
        piece.begin = begin;
        if (end - begin > kCsvPieceBytes) {
            TM_ASSIGN(piece.end, csvRecordEnd(*file, begin, begin + kCsvPieceBytes, end,
                                              *options_.csv, options_.recordBytesMax));
            piece.last = whole.last && piece.end == end;
            TM_ASSIGN(piece.tailHash, tailHashOf(*file, begin, piece.end));
        }
        begin = piece.end;
        taken += piece.end - piece.begin;
        pieces.push_back({std::move(piece), file});
    }
    bytes += taken;
    for (auto& piece : pieces) prepared_.push_back(std::move(piece));
    return {};
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
    auto piece = info ? pieceOf(*file, *info, path) : Result<FilePiece>(fail(info.error()));
    if (!piece) {
        if (piece.error().kind == ErrorKind::kInvalid) return fail(piece.error());
        later(path, piece.error(), now.monotonic);
        return {};
    }
    const auto size = piece->end - piece->begin;
    if (size == 0) {
        toLeave_.push_back(piece->file);
        known_.putDone(piece->file);
        new_.erase(path);
        return {};
    }
    if (bytes > 0 && bytes + size > bytesMax) return {};
    chosen_.insert(entry.id);
    if (options_.csv && size > kCsvPieceBytes) {
        const auto prepared = prepareCsv(std::move(*piece), file, bytesMax, bytes);
        if (!prepared) later(path, prepared.error(), now.monotonic);
        return {};
    }
    bytes += size;
    const bool mayBeCut = size > std::min<std::uint64_t>(kKeptOpenBytes, bytesMax / 4);
    prepared_.push_back({std::move(*piece), mayBeCut ? file : nullptr});
    return {};
}

std::uint64_t FileSource::endOf(std::uint64_t sizeBytes) const {
    return options_.recordBytes == 0 ? sizeBytes : sizeBytes - sizeBytes % options_.recordBytes;
}

Result<FilePiece> FileSource::pieceOf(core::File& file, const core::FileInfo& info,
                                      const std::string& path) {
    FilePiece piece;
    piece.path = path;
    piece.file = {{info.device, info.inode},
                  info.bornNanos,
                  info.sizeBytes,
                  info.modifiedNanos,
                  static_cast<std::uint32_t>(std::min(info.sizeBytes, kHashedBytes)),
                  0};
    piece.end = endOf(info.sizeBytes);
    if (const auto rest = info.sizeBytes - piece.end; rest != 0) {
        const auto what = "a file of binary records ends inside a record: file=" + path +
                          " size=" + std::to_string(info.sizeBytes) +
                          " record_length=" + std::to_string(options_.recordBytes);
        if (options_.onLostData == LostData::kStop)
            return fail(ErrorKind::kInvalid,
                        what +
                            "; complete it or take it away and start again, or go on without its "
                            "last bytes: on_lost_data = \"skip\" (FileStreamOptions::onLostData)");
        core::logWarning(what + "; its last " + std::to_string(rest) + " bytes are left out");
    }
    TM_ASSIGN(piece.file.headHash, hashOf(file, 0, piece.file.headBytes));
    TM_ASSIGN(piece.tailHash, tailHashOf(file, piece.begin, piece.end));
    return piece;
}

void FileSource::later(const std::string& path, const core::Error& error,
                       std::chrono::nanoseconds now) {
    const auto [found, isNew] =
        retries_.try_emplace(path, Retry{{kFirstRetry, std::hash<std::string>()(path)}, {}});
    if (isNew)
        core::logWarning("a file cannot be read; it is tried again, others go on: " +
                         error.message);
    found->second.at = now + found->second.backoff.next();
}

bool FileSource::mayTry(const std::string& path, std::chrono::nanoseconds now) const {
    const auto found = retries_.find(path);
    return found == retries_.end() || now >= found->second.at;
}

Result<> FileSource::lost(KnownFiles::Known& known, ErrorKind kind, const std::string& what) {
    const auto message = "a file of which batches have read " + std::to_string(known.readTo) +
                         " bytes " + what + ": " + described(known.file, known.path);
    if (options_.onLostData == LostData::kStop)
        return fail(kind, message + "; " + std::string(kWayOut));
    core::logWarning(message + "; its other " +
                     std::to_string(known.file.sizeBytes - known.readTo) + " bytes are left out");
    toLeave_.push_back(known.file);
    return {};
}

// --- What is known -------------------------------------------------------------------------------

Result<> FileSource::resumeBehind(std::string_view bytes) {
    TM_ASSIGN(const auto range, decodeFileRange(bytes));
    apply(range);
    return {};
}

Result<> FileSource::visitRecords(std::string_view bytes, const Visit& visit) {
    TM_ASSIGN(auto range, decodeFileRange(bytes));
    return FileBatch(*this, std::move(range)).visitRecords(visit);
}

void FileSource::apply(const FileRange& range) {
    known_.apply(range);
    for (const auto& piece : range.pieces) {
        new_.erase(piece.path);
        retries_.erase(piece.path);
    }
    for (const auto& mark : range.left) old_.erase(mark.id);
    for (const auto& id : range.forgotten) missing_.erase(id);
}

void FileSource::takeInstead(const FileMark& file) {
    std::lock_guard lock(mutex_);
    insteads_.push_back(file);
}

}  // namespace tidemill::sources
