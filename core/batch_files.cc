#include "core/batch_files.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "core/failpoint.h"

namespace tidemill::core {
namespace {

constexpr std::string_view kTemporarySuffix = ".tmp";

// The batch that a file is of; none for other names.
std::optional<BatchId> batchOf(std::string_view name, std::string_view suffix) {
    if (!name.ends_with(suffix)) return std::nullopt;
    name.remove_suffix(suffix.size());
    BatchId batch;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), batch.value);
    if (name.empty() || parsed.ec != std::errc() || parsed.ptr != name.data() + name.size())
        return std::nullopt;
    return batch;
}

constexpr const char* kWayOut =
    ". Was the data directory restored from an older copy? Move the results away that are newer "
    "than the copy, and the file .tidemill beside them, and start again, or use the data directory "
    "that wrote them";

}  // namespace

Path BatchFiles::pathOf(BatchId batch) const {
    char name[32];
    std::snprintf(name, sizeof name, "%020llu", static_cast<unsigned long long>(batch.value));
    return directory_ / (name + suffix_);
}

Result<> BatchFiles::openNew() {
    TM_TRY(files_.createDirectory(directory_));
    TM_ASSIGN(const auto names, files_.list(directory_));
    const auto seen = std::find_if(names.begin(), names.end(),
                                   [](const auto& name) { return !name.starts_with('.'); });
    if (seen != names.end())
        return fail(ErrorKind::kConflict,
                    "the data directory is new, but the directory for an output's results holds "
                    "files already: path=" +
                        directory_.string() + " found=" + *seen +
                        "; remove them, choose another directory, or use the data directory that "
                        "wrote them");
    // Whoever moved earlier results away may have left their mark; nothing here is theirs any more.
    return files_.exists(markPath()) ? files_.unlink(markPath()) : Result<>{};
}

Result<> BatchFiles::open(const OutputOpening& opening) {
    if (opening.last.beforeFirst()) return openNew();
    const auto& owner = opening.owner;
    const BatchId last = opening.last.batch;
    if (!files_.exists(directory_)) return {};
    TM_ASSIGN(const auto names, files_.list(directory_));
    TM_ASSIGN(const auto mark, readResultMark(files_, markPath()));
    if (mark && (mark->directory != owner || mark->batch > last))
        return fail(ErrorKind::kConflict, "the results in " + directory_.string() +
                                              " are newer than the data directory, "
                                              "or another one's: the last published is " +
                                              describe(*mark) + "; this data directory is " +
                                              owner + " and has come to batch " + toString(last) +
                                              kWayOut);
    for (const auto& name : names)
        if (const auto batch = batchOf(name, suffix_); batch && *batch > last)
            return fail(ErrorKind::kConflict, "the results in " + directory_.string() +
                                                  " are newer than the data "
                                                  "directory: found=" +
                                                  name + "; data directory " + owner +
                                                  " has come to batch " + toString(last) + kWayOut);
    return {};
}

Result<std::unique_ptr<BatchFiles::Writer>> BatchFiles::begin(const ResultMark& mark) {
    const Path path = pathOf(mark.batch);
    if (files_.exists(path)) {
        TM_ASSIGN(auto found, readResultMark(files_, markPath()));
        if (found && found->batch != mark.batch) found.reset();
        TM_ASSIGN(const auto published, comparePublished(path, found, mark));
        if (published == Published::kSame) return nullptr;
        // Removed before the mark names the new revision: a crash in between must not leave the old
        // file under the new mark.
        TM_TRY(files_.unlink(path));
        TM_TRY(files_.syncDirectory(directory_));
    }
    TM_TRY(files_.createDirectory(directory_));
    TM_ASSIGN(auto file,
              files_.open(path.string() + std::string(kTemporarySuffix), OpenMode::kReplace));
    return std::unique_ptr<Writer>(
        new Writer(*this, mark, PartFile(std::move(file), compression_)));
}

Result<> BatchFiles::Writer::commit() {
    TM_TRY(file_.finish());
    TM_TRY(publishFile(of_.files_, of_.markPath(), encodeResultMark(mark_)));
    const Path path = of_.pathOf(mark_.batch);
    TM_FAILPOINT("sink.afterPrepare");
    TM_FAILPOINT("sink.beforeRename");
    TM_TRY(renameDurably(of_.files_, path.string() + std::string(kTemporarySuffix), path));
    return reachFailpoint("sink.afterCommit");
}

}  // namespace tidemill::core
