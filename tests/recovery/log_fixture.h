// A data directory on a simulated disk, opened, recovered and written as a daemon would.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/lanes.h"
#include "recovery/data_directory.h"
#include "recovery/log_writer.h"
#include "recovery/recover.h"
#include "recovery/segment.h"
#include "tests/support/simulated_disk.h"

namespace tidemill::recovery {

inline const core::Path kDirectory = "/data";

template <class T>
::testing::AssertionResult succeeded(const core::Result<T>& result) {
    if (result) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << result.error().message;
}

#define TM_ASSERT_OK(expression) ASSERT_TRUE(::tidemill::recovery::succeeded(expression))
#define TM_EXPECT_OK(expression) EXPECT_TRUE(::tidemill::recovery::succeeded(expression))

inline core::BlockPtr makeBlock(std::string_view bytes, core::BlockOrigin origin) {
    auto buffer = core::Buffer::unpooled(bytes.size());
    bytes.copy(buffer.data(), bytes.size());
    return std::make_shared<core::Block>(std::move(buffer), bytes.size(), std::move(origin));
}

inline core::BlockPtr plainBlock(std::string_view bytes, std::uint64_t firstLine = 1,
                                 std::uint32_t lines = 1, std::uint64_t connection = 7) {
    return makeBlock(bytes, {core::SourceId(0), connection, "", firstLine, lines, 0});
}

inline core::BlockPtr sessionBlock(std::string_view bytes, std::string session,
                                   std::uint64_t firstLine, std::uint32_t lines = 1) {
    core::BlockOrigin origin{core::SourceId(0), 0, "", firstLine, lines, 0};
    core::setLineLane(origin, std::move(session));
    return makeBlock(bytes, std::move(origin));
}

inline std::string bytesOf(const std::vector<core::BlockPtr>& blocks) {
    std::string all;
    for (const auto& block : blocks) all += block->bytes().value().view();
    return all;
}

// One life of a daemon's log. Small segments, every file operation in a fixed order.
struct Life {
    std::unique_ptr<DataDirectory> directory;
    Recovered recovered;
    std::unique_ptr<LogWriter> log;

    static RecoverOptions recoverOptions() {
        RecoverOptions options;
        options.fingerprint = 42;
        options.segmentBytes = 4096;
        return options;
    }
    static LogWriterOptions writerOptions() {
        LogWriterOptions options;
        options.segmentBytes = 4096;
        options.prepareAhead = false;
        return options;
    }

    // `amend` adds the session positions that the state holds.
    static core::Result<Life> start(core::FileSystem& files,
                                    RecoverOptions options = recoverOptions(),
                                    LogWriterOptions writing = writerOptions(),
                                    const std::function<core::Result<>(Recovered&)>& amend = {}) {
        Life life;
        TM_ASSIGN(life.directory,
                  DataDirectory::open(files, kDirectory, DataDirectory::Locking::kNone));
        TM_ASSIGN(life.recovered, recover(*life.directory, options));
        if (amend) TM_TRY(amend(life.recovered));
        TM_ASSIGN(life.log,
                  LogWriter::open(files, life.recovered.log, life.recovered.lanes, writing));
        return life;
    }

    core::Result<> append(core::BlockPtr block) {
        if (log->append(block) != core::BlockLog::Outcome::kQueued)
            return core::fail(core::ErrorKind::kIo, "not queued");
        return log->waitDurable(block->lsn());
    }

    // Records a batch of everything that waits.
    core::Result<core::BatchRecord> record(core::BatchId id) {
        core::BatchRecord record;
        core::BlockLog::Hold hold(*log);
        const auto blocks = log->take(~std::size_t{0});
        record.batch = id;
        record.time = fromMillis(static_cast<std::int64_t>(id.value) * 1000);
        record.endLsn = blocks.empty() ? endLsn : blocks.back()->lsn();
        if (!blocks.empty()) record.cuts = {{0, 0}};
        record.fingerprint = 42;
        endLsn = record.endLsn;
        TM_TRY(log->appendRecord(record));
        return record;
    }

    core::Lsn endLsn;
};

inline std::string readAll(core::FileSystem& files, const core::Path& path) {
    return core::readWholeFile(files, path, 1 << 30).value_or("");
}

}  // namespace tidemill::recovery
