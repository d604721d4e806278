#include "state/rocks_file_system.h"

#include <rocksdb/file_system.h>

#include <cerrno>
#include <cstring>

namespace tidemill::state {
namespace {

using core::Result;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus statusOf(const core::Error& error) {
    switch (error.kind) {
        case core::ErrorKind::kNoSpace: return IOStatus::NoSpace(error.message);
        case core::ErrorKind::kNotFound: return IOStatus::PathNotFound(error.message);
        default: return IOStatus::IOError(error.message);
    }
}

template <class T>
IOStatus statusOf(const Result<T>& result) {
    return result ? IOStatus::OK() : statusOf(result.error());
}

IOStatus read(core::File& file, std::uint64_t offset, std::size_t length, Slice* result,
              char* scratch) {
    const auto got = file.readAt(offset, scratch, length);
    *result = Slice(scratch, got.value_or(0));
    return statusOf(got);
}

class SequentialFile final : public rocksdb::FSSequentialFile {
public:
    explicit SequentialFile(std::unique_ptr<core::File> file) : file_(std::move(file)) {}
    IOStatus Read(std::size_t length, const IOOptions&, Slice* result, char* scratch,
                  IODebugContext*) override {
        const auto status = read(*file_, offset_, length, result, scratch);
        offset_ += result->size();
        return status;
    }
    IOStatus Skip(std::uint64_t bytes) override {
        offset_ += bytes;
        return IOStatus::OK();
    }

private:
    std::unique_ptr<core::File> file_;
    std::uint64_t offset_ = 0;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFile {
public:
    explicit RandomAccessFile(std::unique_ptr<core::File> file) : file_(std::move(file)) {}
    IOStatus Read(std::uint64_t offset, std::size_t length, const IOOptions&, Slice* result,
                  char* scratch, IODebugContext*) const override {
        return read(*file_, offset, length, result, scratch);
    }

private:
    std::unique_ptr<core::File> file_;
};

class WritableFile final : public rocksdb::FSWritableFile {
public:
    WritableFile(std::unique_ptr<core::File> file, std::uint64_t sizeBytes)
        : file_(std::move(file)), sizeBytes_(sizeBytes) {}
    using FSWritableFile::Append;
    IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
        const auto status = statusOf(file_->writeAt(sizeBytes_, {data.data(), data.size()}));
        if (status.ok()) sizeBytes_ += data.size();
        return status;
    }
    IOStatus Truncate(std::uint64_t sizeBytes, const IOOptions&, IODebugContext*) override {
        sizeBytes_ = sizeBytes;
        return statusOf(file_->truncate(sizeBytes));
    }
    IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
    IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
    IOStatus Sync(const IOOptions&, IODebugContext*) override { return statusOf(file_->sync()); }
    std::uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return sizeBytes_; }

private:
    std::unique_ptr<core::File> file_;
    std::uint64_t sizeBytes_;
};

class Directory final : public rocksdb::FSDirectory {
public:
    Directory(core::FileSystem& files, core::Path path) : files_(files), path_(std::move(path)) {}
    IOStatus Fsync(const IOOptions&, IODebugContext*) override {
        return statusOf(files_.syncDirectory(path_));
    }
    std::size_t GetUniqueId(char*, std::size_t) const override { return 0; }

private:
    core::FileSystem& files_;
    const core::Path path_;
};

class NoLock final : public rocksdb::FileLock {};

class SeamFileSystem final : public rocksdb::FileSystemWrapper {
public:
    explicit SeamFileSystem(core::FileSystem& files)
        : FileSystemWrapper(rocksdb::FileSystem::Default()), files_(files) {}

    const char* Name() const override { return "TidemillFileSystem"; }

    IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions&,
                               std::unique_ptr<rocksdb::FSSequentialFile>* result,
                               IODebugContext*) override {
        auto file = files_.open(path, core::OpenMode::kRead);
        if (file) *result = std::make_unique<SequentialFile>(std::move(*file));
        return statusOf(file);
    }
    IOStatus NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions&,
                                 std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                 IODebugContext*) override {
        auto file = files_.open(path, core::OpenMode::kRead);
        if (file) *result = std::make_unique<RandomAccessFile>(std::move(*file));
        return statusOf(file);
    }
    IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions&,
                             std::unique_ptr<rocksdb::FSWritableFile>* result,
                             IODebugContext*) override {
        auto file = files_.open(path, core::OpenMode::kReplace);
        if (file) *result = std::make_unique<WritableFile>(std::move(*file), 0);
        return statusOf(file);
    }
    IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                std::unique_ptr<rocksdb::FSWritableFile>* result,
                                IODebugContext* debug) override {
        if (!files_.exists(path)) return NewWritableFile(path, options, result, debug);
        auto file = files_.open(path, core::OpenMode::kReadWrite);
        if (!file) return statusOf(file);
        const auto sizeBytes = (*file)->sizeBytes();
        if (sizeBytes) *result = std::make_unique<WritableFile>(std::move(*file), *sizeBytes);
        return statusOf(sizeBytes);
    }
    IOStatus ReuseWritableFile(const std::string& path, const std::string& from,
                               const rocksdb::FileOptions& options,
                               std::unique_ptr<rocksdb::FSWritableFile>* result,
                               IODebugContext* debug) override {
        const auto renamed = files_.rename(from, path);
        return renamed ? NewWritableFile(path, options, result, debug) : statusOf(renamed);
    }
    IOStatus NewRandomRWFile(const std::string&, const rocksdb::FileOptions&,
                             std::unique_ptr<rocksdb::FSRandomRWFile>*, IODebugContext*) override {
        return IOStatus::NotSupported("files that are read and written at random places");
    }
    IOStatus NewMemoryMappedFileBuffer(const std::string&,
                                       std::unique_ptr<rocksdb::MemoryMappedFileBuffer>*) override {
        return IOStatus::NotSupported("mapped files");
    }
    IOStatus NewDirectory(const std::string& path, const IOOptions&,
                          std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext*) override {
        *result = std::make_unique<Directory>(files_, path);
        return IOStatus::OK();
    }

    IOStatus FileExists(const std::string& path, const IOOptions&, IODebugContext*) override {
        const auto info = files_.info(path);
        if (info) return IOStatus::OK();
        if (info.error().kind == core::ErrorKind::kNotFound) return IOStatus::NotFound();
        return statusOf(info);
    }
    IOStatus GetChildren(const std::string& path, const IOOptions&,
                         std::vector<std::string>* result, IODebugContext*) override {
        auto names = files_.list(path);
        if (names) *result = std::move(*names);
        return statusOf(names);
    }
    IOStatus GetChildrenFileAttributes(const std::string& path, const IOOptions&,
                                       std::vector<rocksdb::FileAttributes>* result,
                                       IODebugContext*) override {
        const auto names = files_.list(path);
        if (!names) return statusOf(names);
        result->clear();
        for (const auto& name : *names)
            if (const auto info = files_.info(core::Path(path) / name))
                result->push_back({name, info->sizeBytes});
        return IOStatus::OK();
    }
    IOStatus DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) override {
        return statusOf(files_.unlink(path));
    }
    IOStatus Truncate(const std::string& path, std::size_t sizeBytes, const IOOptions&,
                      IODebugContext*) override {
        auto file = files_.open(path, core::OpenMode::kReadWrite);
        return file ? statusOf((*file)->truncate(sizeBytes)) : statusOf(file);
    }
    IOStatus CreateDir(const std::string& path, const IOOptions&, IODebugContext*) override {
        return statusOf(files_.createDirectory(path));
    }
    IOStatus CreateDirIfMissing(const std::string& path, const IOOptions&,
                                IODebugContext*) override {
        return statusOf(files_.createDirectory(path));
    }
    IOStatus DeleteDir(const std::string& path, const IOOptions&, IODebugContext*) override {
        return statusOf(files_.removeTree(path));
    }
    IOStatus GetFileSize(const std::string& path, const IOOptions&, std::uint64_t* sizeBytes,
                         IODebugContext*) override {
        const auto info = files_.info(path);
        if (info) *sizeBytes = info->sizeBytes;
        return statusOf(info);
    }
    IOStatus GetFileModificationTime(const std::string& path, const IOOptions&,
                                     std::uint64_t* seconds, IODebugContext*) override {
        const auto info = files_.info(path);
        if (info) *seconds = static_cast<std::uint64_t>(info->modifiedMillis / 1000);
        return statusOf(info);
    }
    IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&,
                        IODebugContext*) override {
        return statusOf(files_.rename(from, to));
    }
    IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions&,
                      IODebugContext*) override {
        return statusOf(files_.link(from, to));
    }
    IOStatus NumFileLinks(const std::string&, const IOOptions&, std::uint64_t*,
                          IODebugContext*) override {
        return IOStatus::NotSupported("link counts");
    }
    IOStatus AreFilesSame(const std::string&, const std::string&, const IOOptions&, bool*,
                          IODebugContext*) override {
        return IOStatus::NotSupported("comparing files");
    }
    IOStatus LockFile(const std::string&, const IOOptions&, rocksdb::FileLock** lock,
                      IODebugContext*) override {
        *lock = new NoLock;
        return IOStatus::OK();
    }
    IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
        delete lock;
        return IOStatus::OK();
    }
    IOStatus NewLogger(const std::string&, const IOOptions&, std::shared_ptr<rocksdb::Logger>*,
                       IODebugContext*) override {
        return IOStatus::NotSupported("log files");
    }
    IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* absolute,
                             IODebugContext*) override {
        *absolute = path;
        return IOStatus::OK();
    }
    IOStatus GetFreeSpace(const std::string& path, const IOOptions&, std::uint64_t* bytes,
                          IODebugContext*) override {
        const auto space = files_.space(path);
        if (space) *bytes = space->freeBytes;
        return statusOf(space);
    }
    IOStatus IsDirectory(const std::string& path, const IOOptions&, bool* isDirectory,
                         IODebugContext*) override {
        const auto info = files_.info(path);
        if (info) *isDirectory = info->isDirectory;
        return statusOf(info);
    }

private:
    core::FileSystem& files_;
};

}  // namespace

std::unique_ptr<rocksdb::Env> rocksEnvironment(core::FileSystem& files) {
    return rocksdb::NewCompositeEnv(std::make_shared<SeamFileSystem>(files));
}

}  // namespace tidemill::state
