// The files of one batch while it runs: which task reads what, and the bytes, read once however
// many ask for them.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/error.h"
#include "sources/file_range.h"
#include "sources/file_source.h"

namespace tidemill::sources {

// Thread safety: built by one thread; read() is thread-safe.
class FileBatch {
public:
    FileBatch(FileSource& source, FileRange range);

    // How many tasks read: follows from the range alone.
    std::uint32_t partitions() const { return static_cast<std::uint32_t>(partitions_.size()); }

    // The texts of a partition, each whole records; they live as long as `arena`, which the first
    // call for the partition gives. Errors: kNotFound (a file is gone), kConflict (it does not hold
    // what the batch chose), kIo; unless such bytes are to be skipped.
    core::Result<std::vector<std::string_view>> read(std::uint32_t partition, core::Arena& arena);

    // How many records of CSV the texts of a partition have, for the source's numbers; those of
    // other kinds are counted where they are read. Only the first call for a partition counts.
    bool isCounted(std::uint32_t partition) const { return partitions_[partition].counted; }
    void count(std::uint32_t partition, std::uint64_t records);

    // Cuts a text into records, when they are those of CSV; the end of a text ends its last one.
    core::CsvCutter csvCutter() const;

    // All records, one partition's bytes in memory at a time. Instead of read(), by one thread.
    core::Result<> visitRecords(const core::ReplayableSource::Visit& visit);

private:
    struct OpenFile {
        std::once_flag once;
        core::Result<std::shared_ptr<FileText>> text{nullptr};  // null: its bytes are skipped
        std::atomic<std::uint32_t> readers = 0;                 // still to come
    };
    // The records that begin in [begin, end) of a piece's text.
    struct Span {
        std::uint32_t piece = 0;
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
    };
    struct Partition {
        std::vector<Span> spans;
        std::once_flag once;
        core::Result<std::vector<std::string_view>> texts;
        std::atomic<bool> counted = false;
    };

    void cut();
    void countRead(std::uint32_t partition);
    core::Result<std::vector<std::string_view>> readAll(const Partition& partition,
                                                        core::Arena& arena);
    core::Result<> readSpan(const Span& span, core::Arena& arena,
                            std::vector<std::string_view>& into);
    core::Result<std::string_view> readLines(FileText& text, const Span& span,
                                             std::uint64_t textEnd, core::Arena& arena);
    void withoutLongLines(std::string_view text, std::vector<std::string_view>& into);
    core::Result<std::shared_ptr<FileText>> open(const FilePiece& piece);
    core::Result<std::shared_ptr<core::File>> find(const FilePiece& piece, std::string& path);
    // Of a file that is not held: from its beginning on. Errors: kCorrupt, kConflict, kIo.
    core::Result<> decompress(FileText& text, const FilePiece& piece);
    core::Result<> check(core::File& file, FileText& text, const FilePiece& piece,
                         const std::string& path);
    core::Result<std::shared_ptr<FileText>> lost(core::Error error);
    static std::string described(const FilePiece& piece);

    FileSource& source_;
    const FileRange range_;
    std::deque<OpenFile> open_;  // by piece
    std::deque<Partition> partitions_;
};

}  // namespace tidemill::sources
