// Savepoints: checkpoints that somebody asked for by name. Each is a directory
//   savepoints/<name>/
// with the files of the generation that it was made of, MANIFEST.tidemill among them, as hard
// links. Nothing trims them, and they hold nothing of the log, which goes on being trimmed: a
// savepoint is the state at its boundary, whole. Its files take disk space of their own as far as
// no checkpoint has them any more, at most the state's size each.
// Names ending in .tmp are unfinished, in .removed half deleted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/file_system.h"
#include "recovery/generations.h"
#include "recovery/manifest.h"

namespace tidemill::recovery {

inline constexpr std::string_view kSavepointDirectory = "savepoints";
inline constexpr std::size_t kSavepointsMax = 100;

// Errors: kInvalid. A name has letters, digits, '.', '_' and '-', 64 at most, and begins with a
// letter: it is no batch, no option and no hidden file.
core::Result<> checkSavepointName(std::string_view name);

// Thread safety: thread-safe; one maker of a name at a time.
class Savepoints {
public:
    Savepoints(core::FileSystem& files, const core::Path& dataDirectory)
        : files_(files), directory_(dataDirectory / kSavepointDirectory) {}

    core::Path pathOf(std::string_view name) const { return directory_ / name; }

    // Published ones, in the order of their names. None when there is no such directory.
    core::Result<std::vector<std::string>> names() const;
    // Errors: kNotFound (says which there are), kCorrupt, kUnsupported.
    core::Result<Manifest> manifest(std::string_view name) const;

    // Whether one of this name can be made. Errors: kInvalid; kConflict: there is one, or there are
    // kSavepointsMax.
    core::Result<> mayMake(std::string_view name) const;

    // Makes one of the generation in the directory `generation`; once this returned it survives
    // power loss. Errors: of mayMake(), kNotFound (the generation is gone), kIo, kNoSpace; then
    // there is none.
    core::Result<> make(std::string_view name, const core::Path& generation);

    // Errors: kNotFound, kIo.
    core::Result<> remove(std::string_view name);

    // Deletes what was left half made or half removed. Only while nobody makes or removes one.
    core::Result<> removeLeftovers();

private:
    core::Result<> link(const core::Path& generation, const core::Path& into);
    core::Error noSuch(std::string_view name) const;

    core::FileSystem& files_;
    const core::Path directory_;
};

}  // namespace tidemill::recovery
