// A log in several lives on a simulated disk, for tests of recovery.
#pragma once

#include "recovery/recover.h"

#include <gtest/gtest.h>

#include "core/byte_codec.h"
#include "core/crc32c.h"
#include "core/logging.h"
#include "recovery/frame.h"
#include "recovery/inspect.h"
#include "recovery/log_scan.h"
#include "tests/recovery/log_fixture.h"
#include "tests/support/fault_file_system.h"

namespace tidemill::recovery {

using core::BatchId;
using core::ErrorKind;
using core::Lsn;
using core::Path;
using tidemill::testing::FaultFileSystem;
using tidemill::testing::SimulatedDisk;

class RecoverTest : public ::testing::Test {
protected:
    Life start(RecoverOptions options = Life::recoverOptions()) {
        auto life = Life::start(disk_, std::move(options));
        EXPECT_TRUE(succeeded(life));
        return life ? std::move(*life) : Life();
    }
    core::Error refusal(RecoverOptions options = Life::recoverOptions()) {
        auto life = Life::start(disk_, std::move(options));
        EXPECT_FALSE(life);
        return life ? core::Error() : life.error();
    }

    // The state is one file, opaque here.
    core::Result<GenerationName> checkpoint(Life& life, const core::BatchRecord& at) {
        Generations generations(disk_, life.directory->generationsPath());
        core::BatchMark mark;
        mark.batch = at.batch;
        mark.time = at.time;
        mark.endLsn = at.endLsn;
        mark.fingerprint = at.fingerprint;
        return generations.publish(
            mark, [&](const Path& into) -> core::Result<std::vector<core::CheckpointFile>> {
                TM_ASSIGN(auto file, disk_.open(into / "1.sst", core::OpenMode::kCreate));
                TM_TRY(file->writeAt(0, "state at " + toString(at.batch)));
                return std::vector<core::CheckpointFile>{{"1.sst", 0, "", ""}};
            });
    }

    // Batches 1 … 6, each of one 500-byte block; checkpoints after 2 and 4.
    void runSixBatches() {
        auto life = start();
        for (std::uint64_t i = 1; i <= 6; ++i) {
            TM_ASSERT_OK(life.append(plainBlock(std::string(500, static_cast<char>('a' + i)), i)));
            const auto record = life.record(BatchId(i));
            TM_ASSERT_OK(record);
            TM_ASSERT_OK(life.log->waitDurable(life.log->last()));
            if (i == 2 || i == 4) {
                TM_ASSERT_OK(checkpoint(life, *record));
            }
        }
    }

    std::vector<Path> segments() {
        std::vector<Path> paths;
        const auto names = listSegments(disk_, kDirectory / "wal");
        for (const auto& name : *names) paths.push_back(kDirectory / "wal" / toString(name));
        return paths;
    }

    // Flips a byte inside the frame of `lsn`.
    void damageFrame(std::uint64_t lsn) {
        LogScanOptions options;
        options.skipBelow = false;
        Path path;
        std::uint64_t offset = 0;
        options.visit = [&](const SegmentScan& segment, const Frame& frame) -> core::Result<> {
            if (frame.header.lsn != Lsn(lsn)) return {};
            path = kDirectory / "wal" / toString(segment.name);
            offset = frame.offset + 30;
            return {};
        };
        const auto format = readDirectoryFormat(disk_, kDirectory);
        TM_ASSERT_OK(scanLog(disk_, kDirectory / "wal", format->uuid, options));
        ASSERT_NE(offset, 0u);
        disk_.damage(path, offset, 0x10);
    }

    SimulatedDisk disk_;
};

}  // namespace tidemill::recovery
