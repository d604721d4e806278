// DIR/DURABLE: says outside of the log how far the log was durable. No later frame says so of the
// log's last group, so a log that lost its end looks like one that was never longer; this file is
// the second witness. Format: docs/formats/durable.md.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "core/error.h"
#include "core/file_system.h"
#include "core/ids.h"
#include "recovery/log_uuid.h"

namespace tidemill::recovery {

struct Witnessed {
    std::uint32_t epoch = 0;
    core::Lsn durable;  // every frame up to it was durable
    bool operator==(const Witnessed&) const = default;
};

// The whole file, saying `witnessed`.
std::string encodeWitness(const LogUuid& uuid, const Witnessed& witnessed);
// None: the bytes say nothing of this log.
std::optional<Witnessed> decodeWitness(std::string_view bytes, const LogUuid& uuid);
// Of a file that may be written to meanwhile; none when it is missing or says nothing of this log.
// Errors: kIo.
core::Result<std::optional<Witnessed>> readWitness(core::FileSystem& files, const core::Path& path,
                                                   const LogUuid& uuid);
// Makes the file, or replaces it; durable when it returns.
core::Result<> publishWitness(core::FileSystem& files, const core::Path& path, const LogUuid& uuid,
                              const Witnessed& witnessed);

// Keeps the file of a running log. A thread of its own writes what advance() said last, some
// milliseconds later, and syncs it every 10 s: after kill -9 the file is at most that far behind,
// after a power cut the seconds since the last sync. Thread safety: thread-safe.
class DurableWitness {
public:
    // `threaded` false: nothing is written but by finish(), in the caller's thread. For tests.
    // `failed` is called once, from the thread, when a write fails; not when the disk is full, in
    // which case the file only lags.
    static core::Result<std::unique_ptr<DurableWitness>> open(
        core::FileSystem& files, const core::Path& path, const LogUuid& uuid, std::uint32_t epoch,
        bool threaded, std::function<void(core::Error)> failed);
    // Like stop().
    ~DurableWitness();

    // Every frame up to `lsn` is durable. Quick.
    void advance(core::Lsn lsn);
    // Writes and syncs what advance() said last.
    core::Result<> finish();
    // Ends the thread.
    void stop();

private:
    DurableWitness(std::unique_ptr<core::File> file, const LogUuid& uuid, std::uint32_t epoch)
        : file_(std::move(file)), uuid_(uuid), epoch_(epoch) {}
    void run();
    core::Result<> write(core::Lsn lsn, bool sync);  // writing_ held

    std::mutex writing_;  // one writer at a time; taken before mutex_
    const std::unique_ptr<core::File> file_;
    const LogUuid uuid_;
    const std::uint32_t epoch_;
    int slot_ = 0;
    core::Lsn written_;
    std::chrono::steady_clock::time_point synced_{};
    std::function<void(core::Error)> failed_;

    std::mutex mutex_;
    std::condition_variable changed_;
    core::Lsn durable_;
    bool idle_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace tidemill::recovery
