// Whether options of a Kinesis stream can be.
#pragma once

#include "core/error.h"
#include "sources/kinesis/kinesis_options.h"

namespace tidemill::sources::kinesis {

// Errors: kInvalid. Regions and credentials are looked for when the source starts.
core::Result<> checkOptions(const KinesisOptions& options);

}  // namespace tidemill::sources::kinesis
