// What a program may choose of a stream of files.
#pragma once

#include <optional>

#include "core/csv_records.h"
#include "core/rate.h"

namespace tidemill {

// What becomes of the files that are there already when a file stream starts for the first time.
enum class ExistingFiles {
    kLeave,  // those modified more than 60 s before are left, and said once
    kTake,   // they are taken like all others
};

// What is done when bytes that a batch has to read are missing or have changed.
enum class LostData {
    kStop,  // the job ends and names the file; put it back as it was, and start again
    kSkip,  // the bytes are left out, with a warning
};

struct FileStreamOptions {
    ExistingFiles existing = ExistingFiles::kLeave;
    LostData onLostData = LostData::kStop;
    // In bytes: batches take no more than this, on average; what is over waits for later ones.
    std::optional<Rate> maxRate{};
    // Of text: records are those of CSV; none: lines.
    std::optional<CsvRecords> csv{};
};

}  // namespace tidemill
