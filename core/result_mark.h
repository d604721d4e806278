// Whose a published result is: which batch of which data directory. File outputs leave it beside
// what they publish, so that a re-run of the same batch is told from another batch of that number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/batch_record.h"
#include "core/error.h"
#include "core/file_system.h"

namespace tidemill::core {

// Name of the file that holds a mark; listings and globs leave it out.
inline constexpr std::string_view kResultMarkName = ".tidemill";

struct ResultMark {
    std::string directory;  // identity of the data directory: 32 hexadecimal digits
    BatchId batch;
    std::uint64_t digest = 0;    // of what the batch is
    std::uint32_t revision = 0;  // BatchRecord::revision
    bool operator==(const ResultMark&) const = default;
};

ResultMark resultMark(std::string directory, const BatchRecord& record);

// "batch 7 of data directory 0a…, record 1b…"
std::string describe(const ResultMark& mark);

// Format: docs/formats/result_mark.md.
std::string encodeResultMark(const ResultMark& mark);
// Errors: kCorrupt.
Result<ResultMark> decodeResultMark(std::string_view text);

// What a mark that was found means for a batch that is about to be published in its place.
enum class Published {
    kNo,          // nothing there
    kSame,        // by an earlier run of this batch: the new copy is dropped
    kSuperseded,  // by this batch before it was recorded anew: to be replaced
};

// The mark in `path`; none when there is no such file. Errors: kCorrupt, kIo.
Result<std::optional<ResultMark>> readResultMark(FileSystem& files, const Path& path);

// `place` exists and holds results of `found`. Errors (kConflict): it is another batch's; the
// message names both and the way out.
Result<Published> comparePublished(const Path& place, const std::optional<ResultMark>& found,
                                   const ResultMark& wanted);

}  // namespace tidemill::core
