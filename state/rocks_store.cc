#include "state/rocks_store.h"

#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>

#include <algorithm>
#include <atomic>

#include "core/check.h"
#include "state/rocks_file_system.h"
#include "state/rocks_options.h"

namespace tidemill::state {

using core::Result;

namespace {

constexpr std::uint64_t kIngestFileBytesMax = 64 << 20;
constexpr std::size_t kLargeValueBytes = 16 << 10;

rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view view(const rocksdb::Slice& bytes) { return {bytes.data(), bytes.size()}; }

Result<bool> filesCanBeLinked(core::FileSystem& files, const core::Path& directory) {
    const auto probe = directory / "CURRENT.linked";
    const auto linked = files.link(directory / "CURRENT", probe);
    if (linked) {
        TM_TRY(files.unlink(probe));
        return true;
    }
    if (linked.error().kind == core::ErrorKind::kUnsupported) return false;
    return core::fail(linked.error());
}

}  // namespace

class RocksSnapshot {
public:
    explicit RocksSnapshot(std::shared_ptr<rocksdb::DB> db)
        : db_(std::move(db)), snapshot_(db_->GetSnapshot()) {}
    ~RocksSnapshot() { db_->ReleaseSnapshot(snapshot_); }
    RocksSnapshot(const RocksSnapshot&) = delete;
    RocksSnapshot& operator=(const RocksSnapshot&) = delete;

    rocksdb::DB& db() const { return *db_; }
    rocksdb::ReadOptions readOptions() const {
        rocksdb::ReadOptions options;
        options.snapshot = snapshot_;
        return options;
    }

private:
    std::shared_ptr<rocksdb::DB> db_;
    const rocksdb::Snapshot* snapshot_;
};

struct RowCursor::Impl {
    std::shared_ptr<const RocksSnapshot> snapshot;  // outlives the iterator
    std::string from, to;
    rocksdb::Slice toSlice;
    std::unique_ptr<rocksdb::Iterator> iterator;
};

RowCursor::RowCursor(std::shared_ptr<const RocksSnapshot> snapshot, std::string from,
                     std::string to)
    : impl_(std::make_unique<Impl>()) {
    impl_->snapshot = std::move(snapshot);
    impl_->from = std::move(from);
    impl_->to = std::move(to);
    impl_->toSlice = impl_->to;
    auto options = impl_->snapshot->readOptions();
    if (!impl_->to.empty()) options.iterate_upper_bound = &impl_->toSlice;
    impl_->iterator.reset(impl_->snapshot->db().NewIterator(options));
    impl_->iterator->Seek(impl_->from);
}
RowCursor::~RowCursor() = default;

bool RowCursor::valid() const { return impl_->iterator->Valid(); }
void RowCursor::next() { impl_->iterator->Next(); }
void RowCursor::seek(std::string_view key) {
    impl_->iterator->Seek(key < impl_->from ? rocksdb::Slice(impl_->from) : slice(key));
}
std::string_view RowCursor::key() const { return view(impl_->iterator->key()); }
std::string_view RowCursor::value() const { return view(impl_->iterator->value()); }
Result<> RowCursor::status() const {
    const auto status = impl_->iterator->status();
    return status.ok() ? Result<>{} : failRocks(status, "reading rows");
}

// Rows go into several files when they are many, so that compactions can move and split them.
struct RowWriter::Impl {
    Impl(const rocksdb::Options& o, core::Path d, std::atomic<std::uint64_t>& n)
        : options(o), directory(std::move(d)), numbers(n) {}

    Result<> open() {
        const auto path = directory / ("ingest-" + std::to_string(++numbers) + ".rows");
        writer = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(), options);
        const auto status = writer->Open(path.string());
        rows = 0;
        return status.ok() ? Result<>{} : failRocks(status, "creating " + path.string());
    }
    Result<> close() {
        if (!writer) return {};
        rocksdb::ExternalSstFileInfo info;
        const auto status = writer->Finish(&info);
        if (!status.ok()) return failRocks(status, "writing rows to ingest");
        writer.reset();
        done.push_back(std::move(info));
        return {};
    }
    template <class Write>
    Result<> write(Write&& write) {
        // FileSize() lags behind by what is buffered: asking once in a while is enough.
        if (writer && (++rows % 4096 == 0 || value_.size() > kLargeValueBytes) &&
            writer->FileSize() >= kIngestFileBytesMax)
            TM_TRY(close());
        if (!writer) TM_TRY(open());
        const auto status = write(*writer);
        return status.ok() ? Result<>{} : failRocks(status, "writing rows to ingest");
    }
    rocksdb::Slice stored(ValueKind kind, std::string_view value) {
        value_.assign(1, static_cast<char>(kind));
        value_ += value;
        return value_;
    }

    const rocksdb::Options& options;
    const core::Path directory;
    std::atomic<std::uint64_t>& numbers;
    std::unique_ptr<rocksdb::SstFileWriter> writer;
    std::uint64_t rows = 0;
    std::vector<rocksdb::ExternalSstFileInfo> done;
    std::string value_;
};

RowWriter::RowWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RowWriter::~RowWriter() = default;

Result<> RowWriter::put(std::string_view key, ValueKind kind, std::string_view value) {
    return impl_->write([&](auto& w) { return w.Put(slice(key), impl_->stored(kind, value)); });
}
Result<> RowWriter::merge(std::string_view key, ValueKind kind, std::string_view operand) {
    return impl_->write([&](auto& w) { return w.Merge(slice(key), impl_->stored(kind, operand)); });
}
Result<> RowWriter::remove(std::string_view key) {
    return impl_->write([&](auto& w) { return w.Delete(slice(key)); });
}
Result<> RowWriter::removeRange(std::string_view from, std::string_view to) {
    return impl_->write([&](auto& w) { return w.DeleteRange(slice(from), slice(to)); });
}
Result<> RowWriter::finish() { return impl_->close(); }

struct RocksStore::Impl {
    std::unique_ptr<rocksdb::Env> environment;  // null: RocksDB's own
    rocksdb::Options options;
    rocksdb::Options writerOptions;
    core::Path directory;
    core::FileSystem* files = nullptr;
    bool filesCanBeLinked = true;
    std::shared_ptr<rocksdb::DB> db;
    std::atomic<std::uint64_t> fileNumbers{0};
};

RocksStore::RocksStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksStore::~RocksStore() = default;

Result<std::unique_ptr<RocksStore>> RocksStore::open(const RocksOptions& options) {
    auto impl = std::make_unique<Impl>();
    impl->options = rocksOptions(options);
    if (options.files != &core::posixFileSystem()) {
        impl->environment = rocksEnvironment(*options.files);
        impl->options.env = impl->environment.get();
    }
    impl->writerOptions = impl->options;
    // Ingested rows are rewritten by the first compaction, which compresses them.
    impl->writerOptions.compression = rocksdb::kNoCompression;
    impl->directory = options.directory;
    rocksdb::DB* db = nullptr;
    const auto status =
        options.readOnly
            ? rocksdb::DB::OpenForReadOnly(impl->options, options.directory.string(), &db)
            : rocksdb::DB::Open(impl->options, options.directory.string(), &db);
    if (!status.ok()) return failRocks(status, "opening " + options.directory.string());
    impl->db.reset(db);
    if (!options.readOnly) {
        impl->files = options.files;
        TM_ASSIGN(impl->filesCanBeLinked, filesCanBeLinked(*options.files, options.directory));
    }
    return std::unique_ptr<RocksStore>(new RocksStore(std::move(impl)));
}

std::shared_ptr<const RocksSnapshot> RocksStore::snapshot() const {
    return std::make_shared<const RocksSnapshot>(impl_->db);
}

Result<> RocksStore::multiGet(const RocksSnapshot& snapshot, std::span<const std::string_view> rows,
                              core::Arena& into, std::optional<std::string_view>* values) {
    std::vector<rocksdb::Slice> keys;
    keys.reserve(rows.size());
    for (const auto row : rows) keys.push_back(slice(row));
    std::vector<rocksdb::PinnableSlice> found(rows.size());
    std::vector<rocksdb::Status> statuses(rows.size());
    auto& db = snapshot.db();
    db.MultiGet(snapshot.readOptions(), db.DefaultColumnFamily(), rows.size(), keys.data(),
                found.data(), statuses.data());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (statuses[i].IsNotFound()) {
            values[i].reset();
        } else if (statuses[i].ok()) {
            values[i] = into.copy(view(found[i]));
        } else {
            return failRocks(statuses[i], "reading a row");
        }
    }
    return {};
}

std::unique_ptr<RowWriter> RocksStore::newWriter() {
    return std::unique_ptr<RowWriter>(new RowWriter(std::make_unique<RowWriter::Impl>(
        impl_->writerOptions, impl_->directory, impl_->fileNumbers)));
}

Result<std::uint64_t> RocksStore::ingest(RowWriter& writer) {
    rocksdb::IngestExternalFileArg argument;
    argument.column_family = impl_->db->DefaultColumnFamily();
    // Moving is a link and an unlink.
    argument.options.move_files = impl_->filesCanBeLinked;
    argument.options.failed_move_fall_back_to_copy = false;
    argument.options.write_global_seqno = false;
    // The writer's own checksum is stored; reading the file again would double the work.
    argument.options.verify_file_checksum = false;
    std::uint64_t sizeBytes = 0;
    for (const auto& file : writer.impl_->done) {
        argument.external_files.push_back(file.file_path);
        argument.files_checksums.push_back(file.file_checksum);
        argument.files_checksum_func_names.push_back(file.file_checksum_func_name);
        sizeBytes += file.file_size;
    }
    if (argument.external_files.empty()) return 0;
    // Under a snapshot every ingested file gets a sequence number of its own. Else the first ones
    // have number 0, and so has a snapshot of them: RocksDB takes that for none, and a compaction
    // while it is held drops their rows.
    const RocksSnapshot numbered(impl_->db);
    const auto status = impl_->db->IngestExternalFiles({argument});
    if (!status.ok()) return failRocks(status, "ingesting rows");
    if (!impl_->filesCanBeLinked)
        for (const auto& file : writer.impl_->done) TM_TRY(impl_->files->unlink(file.file_path));
    writer.impl_->done.clear();
    return sizeBytes;
}

namespace {

struct LiveFiles {
    std::vector<core::CheckpointFile> tables;
    std::string manifest;
    std::uint64_t manifestBytes = 0;
};

// Requires that no files are deleted meanwhile. GetLiveFilesStorageInfo() would say all this in one
// call, but it also waits for purges of files, and RocksDB (7.8, and later ones) forgets to wake it
// when a thread has found nothing to purge: it may then wait for ever.
Result<LiveFiles> liveFiles(rocksdb::DB& db) {
    // A compaction may end between the two calls that are needed.
    for (int attempt = 0; attempt < 100; ++attempt) {
        LiveFiles live;
        std::vector<std::string> names;
        const auto status = db.GetLiveFiles(names, &live.manifestBytes, false);
        if (!status.ok()) return failRocks(status, "listing live files");
        std::vector<rocksdb::LiveFileMetaData> described;
        db.GetLiveFilesMetaData(&described);
        bool complete = true;
        for (const auto& path : names) {
            const auto name = path.substr(path.find_first_not_of('/'));
            if (name.starts_with("MANIFEST-")) live.manifest = name;
            if (!name.ends_with(".sst")) continue;  // OPTIONS is for people, CURRENT is made anew
            const auto found =
                std::find_if(described.begin(), described.end(),
                             [&](const auto& file) { return file.relative_filename == name; });
            complete = complete && found != described.end();
            if (complete)
                live.tables.push_back(
                    {name, found->size, found->file_checksum, found->file_checksum_func_name});
        }
        if (complete) return live;
    }
    return core::fail(core::ErrorKind::kIo, "state database: its files never stay the same");
}

}  // namespace

Result<std::vector<core::CheckpointFile>> RocksStore::linkInto(core::FileSystem& files,
                                                               const core::Path& directory) {
    // Files that a compaction replaces meanwhile stay until we are done.
    struct Hold {
        explicit Hold(rocksdb::DB& d) : db(d) { db.DisableFileDeletions(); }
        ~Hold() { db.EnableFileDeletions(false); }
        rocksdb::DB& db;
    } hold(*impl_->db);
    TM_ASSIGN(const auto live, liveFiles(*impl_->db));
    std::vector<core::CheckpointFile> linked;
    for (const auto& file : live.tables) {
        TM_TRY(core::linkOrCopy(files, impl_->directory / file.name, directory / file.name));
        linked.push_back(file);
    }
    const auto copied = [&](const std::string& name, std::string_view bytes) -> Result<> {
        TM_ASSIGN(const auto copy, files.open(directory / name, core::OpenMode::kCreate));
        TM_TRY(copy->writeAt(0, bytes));
        linked.push_back({name, bytes.size(), {}, {}});
        return {};
    };
    // What the manifest gets from now on is not part of this.
    const auto from = impl_->directory / live.manifest;
    TM_ASSIGN(const auto source, files.open(from, core::OpenMode::kRead));
    std::string bytes(live.manifestBytes, '\0');
    TM_ASSIGN(const auto got, source->readAt(0, bytes.data(), bytes.size()));
    if (got != bytes.size())
        return core::fail(
            core::ErrorKind::kCorrupt,
            "state database: file is shorter than it should be: file=" + from.string() +
                " bytes=" + std::to_string(got) + " expected=" + std::to_string(bytes.size()));
    TM_TRY(copied(live.manifest, bytes));
    TM_TRY(copied("CURRENT", live.manifest + "\n"));
    return linked;
}

Result<> RocksStore::verify() {
    const auto status = impl_->db->VerifyFileChecksums(rocksdb::ReadOptions());
    return status.ok() ? Result<>{} : failRocks(status, "verifying file checksums");
}

std::uint64_t RocksStore::estimateRows() const {
    std::uint64_t rows = 0;
    impl_->db->GetIntProperty(rocksdb::DB::Properties::kEstimateNumKeys, &rows);
    return rows;
}

std::size_t RocksStore::tableFiles() const {
    std::vector<rocksdb::LiveFileMetaData> live;
    impl_->db->GetLiveFilesMetaData(&live);
    return live.size();
}

}  // namespace tidemill::state
