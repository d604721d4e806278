// A data directory that begins with a savepoint of another one.
#pragma once

#include "core/error.h"
#include "core/file_system.h"
#include "recovery/backup.h"

namespace tidemill::recovery {

// Makes `to`, which must not exist, a data directory whose state is that of the savepoint in the
// directory `savepoint` (DIR/savepoints/NAME), and whose log is empty and goes on behind it: what
// sources had given up to the savepoint counts, and nothing else has been taken. It is a fork; see
// Fork. Sources that can be asked again give what came since once more; what others gave since, the
// new directory never had. Nothing is there under the name `to` until all of it is, durable and
// read back. DIR may be in use.
// Errors: kNotFound (no savepoint there), kConflict (`to` exists), kCorrupt (damage of the
// savepoint), kUnsupported, kIo, kNoSpace.
core::Result<BackupReport> forkSavepoint(core::FileSystem& files, const core::Path& savepoint,
                                         const core::Path& to, const ReadsAll& readsAll,
                                         const ForkAs& fork);

}  // namespace tidemill::recovery
