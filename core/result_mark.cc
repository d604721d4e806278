#include "core/result_mark.h"

#include <xxhash.h>

#include <charconv>
#include <cstdio>

#include "core/byte_codec.h"
#include "core/mutant.h"

namespace tidemill::core {
namespace {

constexpr std::string_view kHead = "tidemill result\nversion 1\ndata-directory ";
constexpr std::uint64_t kMarkBytesMax = 4096;

// The digits in front of `end`, which `text` loses with them.
template <class T>
bool take(std::string_view& text, std::string_view begin, std::string_view end, int base,
          T& value) {
    if (!text.starts_with(begin)) return false;
    text.remove_prefix(begin.size());
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (parsed.ec != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    if (!text.starts_with(end)) return false;
    text.remove_prefix(end.size());
    return true;
}

std::string hex(std::uint64_t value) {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(value));
    return digits;
}

}  // namespace

ResultMark resultMark(std::string directory, const BatchRecord& record) {
    ByteWriter bytes;
    bytes.u64(record.batch.value);
    bytes.u64(record.nonce);
    bytes.i64(toMillis(record.time));
    bytes.u64(record.endLsn.value);
    return {std::move(directory), record.batch,
            XXH3_64bits(bytes.bytes().data(), bytes.bytes().size()), record.revision};
}

std::string describe(const ResultMark& mark) {
    return "batch " + toString(mark.batch) + " of data directory " + mark.directory + ", record " +
           hex(mark.digest);
}

std::string encodeResultMark(const ResultMark& mark) {
    return std::string(kHead) + mark.directory + "\nbatch " + toString(mark.batch) + "\nrecord " +
           hex(mark.digest) + "\nrevision " + std::to_string(mark.revision) + "\n";
}

Result<ResultMark> decodeResultMark(std::string_view text) {
    ResultMark mark;
    const auto damaged = [] { return fail(ErrorKind::kCorrupt, "no mark of a result"); };
    if (!text.starts_with(kHead)) return damaged();
    text.remove_prefix(kHead.size());
    const auto end = text.find('\n');
    if (end == text.npos) return damaged();
    mark.directory = text.substr(0, end);
    text.remove_prefix(end);
    if (!take(text, "\nbatch ", "\n", 10, mark.batch.value) ||
        !take(text, "record ", "\n", 16, mark.digest) ||
        !take(text, "revision ", "\n", 10, mark.revision) || !text.empty())
        return damaged();
    return mark;
}

Result<std::optional<ResultMark>> readResultMark(FileSystem& files, const Path& path) {
    auto text = readWholeFile(files, path, kMarkBytesMax);
    if (!text) {
        if (text.error().kind == ErrorKind::kNotFound) return std::nullopt;
        return fail(std::move(text.error()));
    }
    auto mark = decodeResultMark(*text);
    if (!mark) return fail(mark.error().kind, mark.error().message + ": file=" + path.string());
    return std::move(*mark);
}

Result<Published> comparePublished(const Path& place, const std::optional<ResultMark>& found,
                                   const ResultMark& wanted) {
    if (TM_MUTANT(results_not_compared)) return Published::kSame;
    if (found && found->directory == wanted.directory && found->batch == wanted.batch &&
        found->digest == wanted.digest && found->revision <= wanted.revision)
        return found->revision == wanted.revision ? Published::kSame : Published::kSuperseded;
    return fail(ErrorKind::kConflict,
                "results of another batch stand where those of this one are to go: place=" +
                    place.string() + " holds " +
                    (found ? describe(*found) : std::string("results that name no batch")) +
                    "; to be written is " + describe(wanted) +
                    ". Was the data directory restored from an older copy? Move the results away "
                    "that are newer than the copy and start again, or use the data directory that "
                    "wrote them");
}

}  // namespace tidemill::core
