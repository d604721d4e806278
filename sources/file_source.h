// New files of a directory as a source: what a batch takes is recorded as a list of files, and
// read again when the batch is replayed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/error.h"
#include "core/file_system.h"
#include "core/replayable_source.h"

namespace tidemill::sources {

struct FileSourceOptions {
    // A directory, or a glob(7) pattern of directories.
    std::string directories;
    // How far behind the batch time a file may have been modified last.
    Duration remember{60'000};
    // Length of a record in bytes; 0: lines.
    std::size_t recordBytes = 0;
};

// A file as it was when a batch chose it.
struct TakenFile {
    std::string path;
    std::uint64_t sizeBytes = 0;
    std::int64_t modifiedMillis = 0;
    bool operator==(const TakenFile&) const = default;
};

// A part of a file that one partition reads: the records that begin in it.
struct FilePiece {
    const TakenFile* file = nullptr;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

// A batch at T takes the files modified in (T - remember, T] and, when it is the first behind a
// downtime, since the batch before that; each path once in that span. Names that begin with '.'
// are not seen: write a file under such a name, then rename it. What does not fit into a batch
// waits for the next one.
// Thread safety: see ReplayableSource; read() is thread-safe.
class FileSource final : public core::ReplayableSource {
public:
    FileSource(core::FileSystem& files, FileSourceOptions options);

    const FileSourceOptions& options() const { return options_; }

    // Errors: kInvalid (a file that is no multiple of recordBytes), kIo.
    core::Result<Plan> plan(BatchTime time, std::size_t bytesMax, unsigned workers) override;
    core::Result<> resume(std::string_view range) override;
    std::string position() const override;
    core::Result<> restore(std::string_view position) override;

    // The files of a batch's range. Errors: kCorrupt.
    static core::Result<std::vector<TakenFile>> filesOf(std::string_view range);

    // How `files` are cut into partitions: follows from their sizes alone.
    std::vector<FilePiece> piecesOf(const std::vector<TakenFile>& files) const;

    // The records that begin in `piece`; they live as long as `arena`.
    // Errors: kNotFound (the file is gone), kConflict (it is not what the batch chose), kIo.
    core::Result<std::string_view> read(const FilePiece& piece, core::Arena& arena) const;

private:
    struct Position {
        std::optional<BatchTime> previous;
        std::map<std::string, std::int64_t> taken;  // path -> modified, of the span
        std::vector<TakenFile> waiting;             // found, in no batch yet
    };
    static std::string encode(const std::vector<TakenFile>& files, const Position& position);

    core::Result<> find(BatchTime time);
    core::Result<> findIn(const std::string& directory, std::int64_t after, std::int64_t until);
    core::Result<> checkUnchanged(const TakenFile& file) const;
    core::Result<std::uint64_t> lineBeginAt(core::File& file, const TakenFile& of,
                                            std::uint64_t offset) const;

    core::FileSystem& files_;
    const FileSourceOptions options_;
    Position at_;
    bool afterDowntime_ = false;
    std::set<std::string> unreadable_;  // directories that a warning named already
};

}  // namespace tidemill::sources
