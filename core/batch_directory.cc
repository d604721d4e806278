#include "core/batch_directory.h"

#include "core/failpoint.h"
#include "core/mutant.h"

namespace tidemill::core {
namespace {

constexpr std::size_t kFlushBytes = 1 << 20;

Path replacedPath(const Path& path) { return path.string() + ".replaced.tmp"; }

}  // namespace

std::string absolutePlace(const Path& path) {
    std::error_code failed;
    const Path absolute = std::filesystem::absolute(path, failed);
    return (failed ? path : absolute).lexically_normal().string();
}

PartFile::PartFile(std::unique_ptr<File> file, Compression compression) : file_(std::move(file)) {
    if (compression != Compression::kNone) compressor_ = Compressor::make(compression);
}

Result<> PartFile::append(std::string_view bytes) {
    if (compressor_) compressor_->take(bytes, pending_);
    else pending_ += bytes;
    return pending_.size() < kFlushBytes ? Result<>{} : flush();
}

Result<> PartFile::flush() {
    TM_TRY(file_->writeAt(writtenBytes_, pending_));
    writtenBytes_ += pending_.size();
    pending_.clear();
    return {};
}

Result<> PartFile::finish() {
    if (compressor_) compressor_->finish(pending_);
    TM_TRY(flush());
    return TM_MUTANT(results_not_synced) ? Result<>() : file_->sync();
}

Result<std::optional<BatchDirectory>> BatchDirectory::begin(FileSystem& files, Path path,
                                                            const ResultMark& mark) {
    bool replaces = false;
    if (files.exists(path)) {
        TM_ASSIGN(const auto found, readResultMark(files, path / kResultMarkName));
        TM_ASSIGN(const auto published, comparePublished(path, found, mark));
        if (published == Published::kSame && !TM_MUTANT(published_batch_written_again)) {
            // The run that published it may have ended before it came to this.
            TM_TRY(files.removeTree(replacedPath(path)));
            return std::nullopt;
        }
        replaces = true;
    }
    Path temporary = path.string() + ".tmp";
    TM_TRY(files.removeTree(temporary));
    TM_TRY(files.removeTree(replacedPath(path)));
    TM_TRY(files.createDirectory(temporary));
    BatchDirectory directory(files, std::move(path), std::move(temporary), replaces);
    TM_ASSIGN(auto markFile, directory.part(std::string(kResultMarkName)));
    TM_TRY(markFile.append(encodeResultMark(mark)));
    TM_TRY(markFile.finish());
    return directory;
}

Result<PartFile> BatchDirectory::part(const std::string& name, Compression compression) {
    const std::string whole = name + std::string(suffixOf(compression));
    TM_ASSIGN(auto file, files_->open(temporary_ / whole, OpenMode::kCreate));
    return PartFile(std::move(file), compression);
}

Result<> BatchDirectory::commit() {
    TM_FAILPOINT("sink.afterPrepare");
    TM_TRY(files_->syncDirectory(temporary_));
    TM_FAILPOINT("sink.beforeRename");
    if (replaces_) TM_TRY(files_->rename(path_, replacedPath(path_)));
    TM_TRY(renameDurably(*files_, temporary_, path_));
    TM_TRY(reachFailpoint("sink.afterCommit"));
    return replaces_ ? files_->removeTree(replacedPath(path_)) : Result<>{};
}

}  // namespace tidemill::core
