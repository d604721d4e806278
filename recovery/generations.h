// Generations: published checkpoints. Each is a directory
//   generations/<batch, 20 digits>-<attempt, 4 digits>/
// with the state's files, MANIFEST.tidemill, and SUSPECT when a read of it once failed. Names
// ending in .tmp are unfinished, in .removed half deleted, in .damaged quarantined by recovery.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/file_system.h"
#include "recovery/manifest.h"

namespace tidemill::recovery {

struct GenerationName {
    core::BatchId batch;
    std::uint32_t attempt = 1;  // a boundary may be published more than once; the last one counts
    // Older before newer.
    auto operator<=>(const GenerationName&) const = default;
};

std::string toString(const GenerationName& name);
std::optional<GenerationName> parseGenerationName(std::string_view text);

inline constexpr std::string_view kManifestFile = "MANIFEST.tidemill";
inline constexpr std::string_view kSuspectFile = "SUSPECT";

// Reads every byte of a generation's files and compares it with the checksums that these files
// have; the store, whose format they are in, provides it. Errors: kCorrupt, kIo.
using ReadsAll = std::function<core::Result<>(const core::Path& directory, const Manifest&)>;

// Checks the files of a checkpoint in `directory`; see Generations::verifyFiles.
core::Result<> verifyCheckpoint(core::FileSystem& files, const core::Path& directory,
                                const Manifest& manifest, bool suspect, const ReadsAll& readsAll);

// Thread safety: thread-safe.
class Generations {
public:
    // `directory` is DataDirectory::generationsPath().
    Generations(core::FileSystem& files, core::Path directory)
        : files_(files), directory_(std::move(directory)) {}

    core::FileSystem& files() const { return files_; }
    // The one that `directory` stands in.
    core::Path dataDirectory() const { return directory_.parent_path(); }
    core::Path pathOf(const GenerationName& name) const { return directory_ / toString(name); }

    // Published ones, newest first. A directory that does not exist has none.
    core::Result<std::vector<GenerationName>> list() const;

    // Errors: kNotFound, kCorrupt, kUnsupported.
    core::Result<Manifest> manifest(const GenerationName& name) const;

    // Checks each file's presence and size; files with our own checksum are read too. With
    // `readsAll`, or when the generation is suspect, everything is read: a suspect one cannot be
    // verified without `readsAll` (kCorrupt). Writes nothing.
    core::Result<> verifyFiles(const GenerationName& name, const Manifest& manifest, bool suspect,
                               const ReadsAll& readsAll) const;
    // The same for one of which nothing has been read yet. Returns its manifest.
    core::Result<Manifest> verify(const GenerationName& name, const ReadsAll& readsAll = {}) const;
    bool suspect(const GenerationName& name) const;

    // Publishes a generation; once this returned it survives power loss. `linkFiles` puts the
    // state's files into the directory it is given, which is empty, and names them: with their
    // checksum those whose bytes are durable already (hard links), without it those that it
    // copied (they are read back, checksummed and synced here). Errors: of `linkFiles`, kIo,
    // kNoSpace; nothing is published then.
    using LinkFiles =
        std::function<core::Result<std::vector<core::CheckpointFile>>(const core::Path& into)>;
    core::Result<GenerationName> publish(const core::BatchMark& mark, const LinkFiles& linkFiles);

    // endLsn of the older of the two newest generations: the log may be trimmed up to it. LSN 0
    // while there are fewer than two.
    core::Result<core::Lsn> trimPoint() const;

    // Removes generations but the `keep` newest (at least 2); and quarantined ones,
    // once `keep` newer ones exist.
    core::Result<> removeOld(std::size_t keep = 2);
    core::Result<> remove(const GenerationName& name);

    // Makes the next start read the generation in full before it uses it.
    core::Result<> markSuspect(const GenerationName& name);
    core::Result<> clearSuspect(const GenerationName& name);

    // Renames a generation that does not verify to NAME.damaged, so that it no longer counts.
    core::Result<> quarantine(const GenerationName& name);

    // Deletes what unfinished publishing and removing left behind. Only while nothing else uses
    // this object.
    core::Result<> removeLeftovers();

    // Makes `work` a copy of the generation that may be written to, replacing what was there:
    // files named *.sst are hard-linked, the others copied; manifest and marker files are left out.
    core::Result<> cloneInto(const GenerationName& name, const Manifest& manifest,
                             const core::Path& work) const;

private:
    core::Result<core::CheckpointFile> completeEntry(const core::Path& directory,
                                                     core::CheckpointFile entry);
    core::Result<> removeDirectory(const std::string& name);

    core::FileSystem& files_;
    const core::Path directory_;
    mutable std::mutex mutex_;  // one writer at a time
};

}  // namespace tidemill::recovery
