// A directory in which one file grows with each batch, until the next one begins: 20 digits, the
// first batch in it, and a suffix.
//
// Before a batch is recorded, note() says how long the file is. A batch that is run again finds
// that in its record, cuts off what is behind it, and writes the same once more: each batch is
// there once. Files of other batches are never removed for that. Of a compressed file each batch
// is a gzip member or a zstd frame by itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch_files.h"
#include "core/batch_record.h"
#include "core/compressor.h"
#include "core/error.h"
#include "core/file_system.h"
#include "core/output.h"
#include "core/time.h"

namespace tidemill::rows {

struct GrowingOptions {
    // The batch after the one with which a file has come to so many bytes begins another; a batch
    // is never cut in two.
    std::uint64_t rotateBytes = 64 << 20;
    // So does a batch whose time lies so far behind that of the first batch in the file, or, after
    // a start, behind the time at which the file was made; zero: whatever its age.
    Duration rotateEvery{0};
    // So many files stay, the newest, the one that grows included; zero: all.
    std::uint64_t keep = 0;
};

// Thread safety: externally synchronized.
class GrowingFiles {
public:
    GrowingFiles(core::FileSystem& files, core::Path directory, std::string suffix,
                 GrowingOptions options, Compression compression = Compression::kNone);

    // Errors: as BatchFiles::open.
    core::Result<> open(const core::OutputOpening& opening);

    // How long the file at hand is; see OutputOperation::note.
    std::string note() const;

    // Ready for the batch of `record`, whose mark is `mark`; `header` begins each file. False: an
    // earlier run of the batch has written everything already. Errors: kConflict (results of
    // another batch stand there, or the file is shorter than before the batch), kIo.
    core::Result<bool> begin(const core::ResultMark& mark, const core::BatchRecord& record,
                             std::string header);
    // The batch's lines, or part of them. Behind begin(). Errors: kConflict (somebody else has
    // changed the file), kIo, kNoSpace.
    core::Result<> append(std::string_view lines);
    // Returns when the lines are durable. Behind begin(). Failpoints: sink.afterPrepare,
    // sink.afterCommit.
    core::Result<> commit();

private:
    // The file that grows.
    struct Current {
        std::uint64_t firstBatch = 0;  // 0: there is none
        std::int64_t beganMillis = 0;
        std::uint64_t sizeBytes = 0;
    };

    core::Path pathOf(std::uint64_t firstBatch) const;
    core::Path markPath() const { return directory_ / core::kResultMarkName; }
    std::optional<Current> noted(const core::BatchRecord& record) const;
    // Batch numbers of the files that are there, ascending.
    core::Result<std::vector<std::uint64_t>> present() const;
    core::Result<> cutTo(const Current& before);
    core::Result<> openFile();
    core::Result<> openCurrent();
    core::Result<> openNext();
    core::Result<bool> beginsWithHeader(core::File& file) const;
    core::Result<> write(std::string_view bytes);
    core::Result<> removeOld();
    bool isFull() const;

    core::FileSystem& files_;
    const core::Path directory_;
    const std::string suffix_;
    const GrowingOptions options_;
    const Compression compression_;
    const std::uint64_t place_;  // tells this directory's notes from those of others
    core::BatchFiles whole_;     // for what open() checks
    std::unique_ptr<core::Compressor> compressor_;  // null: as it is

    Current current_;
    bool headerIsKnown_ = false;  // the file's header is the batch's
    // Of the batch at hand.
    core::ResultMark mark_;
    BatchTime time_{};
    std::string header_;
    bool startsNew_ = false;
    std::unique_ptr<core::File> file_;  // null: nothing was written so far
};

}  // namespace tidemill::rows
