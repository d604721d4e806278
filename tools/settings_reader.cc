#include "tools/settings_reader.h"

#include "core/buffer_pool.h"
#include "core/logging.h"
#include "sources/record_assembler.h"
#include "state/state_table.h"
#include "tidemill/memory_budget.h"
#include "tools/listen_address.h"
#include "tools/listen_conflicts.h"

namespace tidemill::tools {
namespace {

constexpr std::size_t kJobNameBytesMax = 200;  // behind it comes ".data"
constexpr std::size_t kKibi = 1024;

}  // namespace

void readJobSettings(TomlTable& table, JobFile& job, JobFileErrors& errors) {
    job.name = table.requiredText("name");
    if (job.name.find('/') != job.name.npos || job.name.starts_with(".") ||
        job.name.size() > kJobNameBytesMax)
        errors.add(table.at("name"),
                   "name \"" + core::escaped(job.name, 60) +
                       "\" must do for a file name: no '/', no leading '.', at most " +
                       std::to_string(kJobNameBytesMax) + " bytes");
    job.dataDirectory = table.text("data_dir", "");
    const auto errorsBefore = errors.count();
    job.options.interval = table.duration("interval", job.options.interval);
    job.options.errorPolicy = ErrorPolicy::kDeadLetter;
    if (table.has("on_error"))
        if (const auto policy = table.choice("on_error", {"stop", "skip", "dead_letter"}))
            job.options.errorPolicy = static_cast<ErrorPolicy>(*policy);
    if (job.options.interval < Duration(1))
        errors.add(table.at("interval"), "interval must be at least 1ms");
    job.intervalWrong = errors.count() != errorsBefore;
}

void readLimits(TomlTable& table, JobFile& job) {
    auto& options = job.options;
    if (table.has("memory"))
        divideMemory(table.size("memory", kMemoryBytesMin, kMemoryBytesMin), options);
    options.workers = static_cast<unsigned>(table.integer("workers", 0, 0, 1024));
    options.maxBatchBytes = table.size("max_batch_bytes", options.maxBatchBytes, kKibi);
    options.receiveBudgetBytes = table.size("receive_budget", options.receiveBudgetBytes, kKibi);
    options.maxBacklogBytes = table.size("max_backlog_bytes", 0, kKibi);
    options.blockBytes =
        table.size("block_bytes", options.blockBytes, core::BufferPool::kSmallestBytes,
                   core::BufferPool::kLargestBytes);
    options.maxRecordBytes =
        table.size("max_record_bytes", options.maxRecordBytes, 1, sources::kRecordBytesMaxMax);
    options.deltaBudgetBytes = table.size("delta_budget", options.deltaBudgetBytes, kKibi);
    options.stateCacheBytes = table.size("state_cache", options.stateCacheBytes, kKibi);
    options.maxStateRowBytes = table.size("max_state_row_bytes", options.maxStateRowBytes, kKibi,
                                          state::StateLimits::kRowBytesMost);
    options.segmentBytes = table.size("segment_bytes", options.segmentBytes, 4 * kKibi);
    options.maxDeadLetters =
        static_cast<std::size_t>(table.integer("max_dead_letters", 10'000, 1, 1'000'000));
    if (table.has("disk_reserve")) options.diskReserveBytes = table.size("disk_reserve", 0, 0);
    if (table.has("disk_reserve_files"))
        options.diskReserveFiles = static_cast<std::uint64_t>(
            table.integer("disk_reserve_files", 0, 0, 1'000'000'000'000));
    options.maxSessions =
        static_cast<std::size_t>(table.integer("max_sessions", 100'000, 1, 1'000'000'000));
}

void readCheckpoint(TomlTable& table, JobFile& job) {
    job.options.checkpointInterval = table.duration("interval", job.options.checkpointInterval);
    job.options.checkpointBytes = table.size("log_bytes", job.options.checkpointBytes, 0);
}

void readPage(TomlTable& table, JobFile& job, JobFileErrors& errors) {
    const auto endpoint = readListenAddress(table, "the page", "127.0.0.1:4040", errors);
    const bool insecure = table.boolean("insecure", false);
    PageFiles files;
    files.certificate = table.text("cert_file", "");
    files.key = table.text("key_file", "");
    files.token = table.text("token_file", "");
    const bool encrypts = !files.certificate.empty();
    if (encrypts != !files.key.empty())
        return errors.add(table.at(encrypts ? "cert_file" : "key_file"),
                          "a certificate (cert_file) and its key (key_file) go together");
    if (!endpoint) return;
    if (!isThisMachine(endpoint->host) && !insecure && (!encrypts || files.token.empty()))
        return errors.add(
            table.at("listen"),
            "\"" + table.text("listen", "") +
                "\" can be reached by other machines, and the page has " +
                (encrypts ? "no token (token_file)"
                 : files.token.empty()
                     ? "neither encryption (cert_file, key_file) nor a token (token_file)"
                     : "no encryption (cert_file, key_file)") +
                "; add that, put a proxy that has it before a page on 127.0.0.1, or add insecure "
                "= true if anybody there may look");
    job.page = PageSpec{{endpoint->host, endpoint->port}, std::move(files)};
}

}  // namespace tidemill::tools
