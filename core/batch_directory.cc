#include "core/batch_directory.h"

#include "core/failpoint.h"

namespace tidemill::core {
namespace {

constexpr std::size_t kFlushBytes = 1 << 20;

Path parentOf(const Path& path) {
    return path.has_parent_path() ? path.parent_path() : Path(".");
}

}  // namespace

Result<> PartFile::append(std::string_view bytes) {
    pending_ += bytes;
    return pending_.size() < kFlushBytes ? Result<>{} : flush();
}

Result<> PartFile::flush() {
    TM_TRY(file_->writeAt(writtenBytes_, pending_));
    writtenBytes_ += pending_.size();
    pending_.clear();
    return {};
}

Result<> PartFile::finish() {
    TM_TRY(flush());
    return file_->sync();
}

Result<BatchDirectory> BatchDirectory::begin(FileSystem& files, Path path) {
    Path temporary = path.string() + ".tmp";
    TM_TRY(files.removeTree(temporary));
    TM_TRY(files.createDirectory(temporary));
    return BatchDirectory(files, std::move(path), std::move(temporary));
}

Result<PartFile> BatchDirectory::part(const std::string& name) {
    TM_ASSIGN(auto file, files_->open(temporary_ / name, OpenMode::kCreate));
    return PartFile(std::move(file));
}

Result<> BatchDirectory::commit() {
    TM_FAILPOINT("sink.afterPrepare");
    TM_TRY(files_->syncDirectory(temporary_));
    TM_FAILPOINT("sink.beforeRename");
    TM_TRY(files_->rename(temporary_, path_));
    TM_TRY(files_->syncDirectory(parentOf(path_)));
    return reachFailpoint("sink.afterCommit");
}

Result<> publishOnce(FileSystem& files, const Path& path, std::string_view bytes) {
    if (files.exists(path)) return {};
    const Path temporary = path.string() + ".tmp";
    {
        TM_ASSIGN(auto file, files.open(temporary, OpenMode::kReplace));
        TM_TRY(file->writeAt(0, bytes));
        TM_TRY(file->sync());
    }
    TM_FAILPOINT("sink.afterPrepare");
    TM_FAILPOINT("sink.beforeRename");
    TM_TRY(files.rename(temporary, path));
    TM_TRY(files.syncDirectory(parentOf(path)));
    return reachFailpoint("sink.afterCommit");
}

}  // namespace tidemill::core
