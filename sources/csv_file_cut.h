// Where records of CSV end in the text of a file. Private to sources/.
#pragma once

#include <cstdint>

#include "core/csv_records.h"
#include "core/error.h"
#include "sources/file_text.h"

namespace tidemill::sources {

// The last end of a record in (begin, wanted]; when there is none, the first one behind. `begin`:
// where a record begins; `end` ends the last one, wanted < end. Reads on from `begin`, holding
// about one line. Errors: kIo.
core::Result<std::uint64_t> csvRecordEnd(FileText& text, std::uint64_t begin, std::uint64_t wanted,
                                         std::uint64_t end, const CsvRecords& csv,
                                         std::size_t recordBytesMax);

}  // namespace tidemill::sources
