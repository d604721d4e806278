// New files of a directory as a source: what a batch takes is recorded as pieces of files, and read
// again when the batch is replayed. What is new follows from which files are known, not from any
// time: docs/guide/sources.md has the rules.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/backoff.h"
#include "core/error.h"
#include "core/file_system.h"
#include "core/replayable_source.h"
#include "sources/directory_watch.h"
#include "sources/file_access.h"
#include "sources/file_range.h"
#include "sources/file_stream_options.h"
#include "sources/known_files.h"

namespace tidemill::sources {

struct FileSourceOptions : FileStreamOptions {
    // A directory, or a glob(7) pattern of directories.
    std::string directories;
    // Length of a record in bytes; 0: lines.
    std::size_t recordBytes = 0;
    // Longer lines are left out and counted.
    std::size_t recordBytesMax = 1 << 20;
};

// Thread safety: see ReplayableSource; what is marked so is thread-safe.
class FileSource final : public core::ReplayableSource {
public:
    FileSource(core::FileSystem& files, FileSourceOptions options);

    // Thread-safe.
    const FileSourceOptions& options() const { return options_; }
    // How batches open what they read.
    FileAccess& access() { return access_; }

    // Errors: kCorrupt, kUnsupported.
    core::Result<> open(const core::SourceOpening& opening) override;
    // Errors: kInvalid (a file that is no multiple of recordBytes); of a file that was read in
    // part: kNotFound (it is gone), kConflict (it has become shorter).
    core::Result<std::size_t> prepare(core::Instant now, std::size_t bytesMax) override;
    core::Result<Plan> plan(const Limits& limits) override;
    core::Result<> resumeBehind(std::string_view range) override;
    core::Result<> visitRecords(std::string_view range, const Visit& visit) override;
    std::vector<PositionChange> takeChanges() override { return known_.takeChanges(); }
    // Batches that a start runs again are not counted.
    core::Result<> start() override;
    // Records and bytes as batches read them: what no output asks for is not.
    core::SourceStatistics statistics() const override;

    // For those who read what batches took; thread-safe.
    // A file that a batch found in place of the one it had chosen, with the same bytes: known.
    void takeInstead(const FileMark& file);
    void countOversize(std::uint64_t records) { oversize_ += records; }
    void countTaken(std::uint64_t records, std::uint64_t bytes) {
        records_ += records;
        bytes_ += bytes;
    }

    // At most so many files are new in a batch, and as many forgotten.
    static constexpr std::size_t kFilesMax = 20'000;
    // Files that were modified so long before the first start are old: see ExistingFiles.
    static constexpr Duration kOldAge{60'000};
    // A file that is gone is forgotten after this long.
    static constexpr std::chrono::minutes kForgetAfter{10};
    // A piece of records of CSV, about, which one task reads.
    static constexpr std::uint64_t kCsvPieceBytes = 8 << 20;

private:
    struct Prepared {
        FilePiece piece;
        std::shared_ptr<FileText> text;  // where the piece may be cut, or is decompressed
    };
    struct Retry {
        core::Backoff backoff;
        std::chrono::nanoseconds at{};
    };

    void look(std::chrono::nanoseconds now);
    void seen(const std::string& path, const DirectoryWatch::Entry& entry);
    bool isSame(const KnownFiles::Known& known, const std::string& path,
                const DirectoryWatch::Entry& entry);
    std::vector<std::string> oldestNew() const;
    core::Result<> prepareRest(KnownFiles::Known& known, core::Instant now, std::size_t bytesMax,
                               std::size_t& bytes);
    core::Result<> prepareNew(const std::string& path, core::Instant now, std::size_t bytesMax,
                              std::size_t& bytes);
    static core::Result<FileMark> markOfFile(core::File& file, const core::FileInfo& info);
    // Of a file that batches have begun. False: it is not decompressed so far yet. Errors: as of
    // measure().
    core::Result<bool> measureRest(FilePiece& piece, const std::shared_ptr<FileText>& text,
                                   std::size_t bytesMax, core::Instant now);
    // What batches may take of a file from piece.begin on. Errors: kInvalid (it ends inside of a
    // record), kConflict (it has become shorter), kCorrupt (what is compressed is damaged), kIo.
    core::Result<> measure(FilePiece& piece, FileText& text, std::size_t bytesMax,
                           core::Instant now) const;
    core::Result<std::uint64_t> beforeDamage(const FilePiece& piece, FileText& text,
                                             const FileText::Reach& reach, core::Instant now) const;
    // Of records whose ends must be looked for from the first byte on: in pieces that end with one.
    core::Result<> prepareCsv(FilePiece piece, const std::shared_ptr<FileText>& text,
                              std::size_t bytesMax, std::size_t& bytes);
    core::Result<> checkLength(std::uint64_t bytes, const std::string& path) const;
    static core::Error damaged(const FilePiece& piece, const core::Error& error);
    std::shared_ptr<FileText> textOf(const FilePiece& piece,
                                     std::shared_ptr<core::File> file) const;
    core::Result<> cut(Prepared& prepared, std::size_t bytes);
    // A file that cannot be read now is asked again later.
    void later(const std::string& path, const core::Error& error, std::chrono::nanoseconds now);
    bool mayTry(const std::string& path, std::chrono::nanoseconds now) const;
    core::Result<> lost(KnownFiles::Known& known, core::ErrorKind kind, const std::string& what);
    void apply(const FileRange& range);
    // Where the records of a text of this size end.
    std::uint64_t endOf(std::uint64_t sizeBytes) const;

    const FileSourceOptions options_;
    FileAccess access_;
    DirectoryWatch watch_;
    KnownFiles known_;

    // What the last look found.
    std::map<std::string, DirectoryWatch::Entry> new_;              // by path, with content
    std::map<FileId, DirectoryWatch::Entry> old_;                   // to be left, see ExistingFiles
    std::unordered_map<FileId, std::chrono::nanoseconds> missing_;  // known, and since when
    bool lookedForMissing_ = false;
    std::map<std::string, Retry> retries_;
    std::unordered_set<FileId> chosen_;  // in prepared_
    std::vector<Prepared> prepared_;
    // Decompressed for a batch that did not take it.
    std::map<FileId, Prepared> decompressed_;
    std::vector<FileMark> toLeave_;
    std::vector<FileId> toForget_;
    std::uint64_t leftBehind_ = 0;
    std::size_t complaints_ = 0;

    mutable std::mutex mutex_;  // of what follows
    std::vector<FileMark> insteads_;
    std::atomic<std::uint64_t> oversize_ = 0;
    std::atomic<std::uint64_t> records_ = 0;
    std::atomic<std::uint64_t> bytes_ = 0;
};

// "file=PATH size=BYTES", for messages.
std::string described(const FileMark& file, const std::string& path);

// How a job goes on whose files have lost bytes, for messages.
inline constexpr std::string_view kWayOut =
    "put it back as it was and start again, or go on without what is missing: "
    "on_lost_data = \"skip\" (FileStreamOptions::onLostData)";

}  // namespace tidemill::sources
