// `tidemill run --from SAVEPOINT`.
#pragma once

#include <string>

#include "core/error.h"
#include "tools/job_file.h"

namespace tidemill::tools {

// Makes `directory`, which must not exist, of a savepoint (DIR/savepoints/NAME), with outputs on.
// What outputs hold of DIR they refuse when they are opened, since the new directory has another
// identity. Topics of Kafka cannot tell: a job that writes there is refused when DIR's has gone on
// behind the savepoint (kConflict). Other errors: of recovery::forkSavepoint.
core::Result<> beginFrom(const std::string& savepoint, const JobFile& job,
                         const std::string& directory);

}  // namespace tidemill::tools
