#include "state/rocks_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

namespace tidemill::state {
namespace {

constexpr std::size_t kTableFileBytes = 64 << 20;

// A LOG file beside the data would be written even by a reader.
class NoLog final : public rocksdb::Logger {
public:
    NoLog() : Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
    using Logger::Logv;
    void Logv(const char*, va_list) override {}
};

}  // namespace

tl::unexpected<core::Error> failRocks(const rocksdb::Status& status, const std::string& what) {
    auto kind = core::ErrorKind::kIo;
    if (status.IsCorruption()) kind = core::ErrorKind::kCorrupt;
    if (status.IsNoSpace()) kind = core::ErrorKind::kNoSpace;
    if (status.IsNotFound()) kind = core::ErrorKind::kNotFound;
    return core::fail(kind, "state database: " + what + " failed: " + status.ToString());
}

rocksdb::Options rocksOptions(const RocksOptions& wanted) {
    rocksdb::BlockBasedTableOptions table;
    // CRC32C is computed in software in the packaged library.
    table.checksum = rocksdb::kXXH3;
    table.block_cache = rocksdb::NewLRUCache(wanted.blockCacheBytes);
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    // Indexes and filters count against the cache's budget too.
    table.cache_index_and_filter_blocks = true;
    table.cache_index_and_filter_blocks_with_high_priority = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    table.block_size = 8 << 10;

    rocksdb::Options options;
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    options.create_if_missing = !wanted.readOnly;
    options.merge_operator = rowMergeOperator();
    options.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
    options.info_log = std::make_shared<NoLog>();
    options.info_log_level = rocksdb::InfoLogLevel::FATAL_LEVEL;
    options.stats_dump_period_sec = 0;
    options.stats_persist_period_sec = 0;
    // All files are held open: a generation that is removed can still be read.
    options.max_open_files = -1;
    options.skip_stats_update_on_db_open = true;
    // Nothing is ever written through the memtable.
    options.write_buffer_size = 1 << 20;
    options.avoid_flush_during_shutdown = true;
    options.max_background_jobs = 2;
    // What compaction writes goes to the disk as it is written: a sync of 64 MiB at its end would
    // let the log wait.
    options.bytes_per_sync = 512 << 10;
    options.strict_bytes_per_sync = true;
    options.compression = rocksdb::kLZ4Compression;
    options.target_file_size_base = kTableFileBytes;
    options.level0_file_num_compaction_trigger = 4;
    options.disable_auto_compactions = !wanted.compacts;
    options.level_compaction_dynamic_level_bytes = true;
    return options;
}

}  // namespace tidemill::state
