#include "sources/file_source.h"

#include <algorithm>
#include <functional>

#include "core/logging.h"
#include "sources/file_batch.h"

namespace tidemill::sources {

using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

constexpr std::size_t kComplaintsMax = 100;
constexpr std::chrono::seconds kFirstRetry{1};
constexpr std::int64_t kNanosPerMilli = 1'000'000;

}  // namespace

std::string described(const FileMark& file, const std::string& path) {
    return "file=" + path + " size=" + std::to_string(file.sizeBytes);
}

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
    const auto hash = headHashOf(**file, mark.headBytes);
    return !hash || *hash == mark.headHash;
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
    core::logWarning(
        message + "; its " +
        (known.compression == Compression::kNone
             ? "other " + std::to_string(known.file.sizeBytes - known.readTo) + " bytes are"
             : std::string("rest is")) +
        " left out");
    access_.release(known.file.id);
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
