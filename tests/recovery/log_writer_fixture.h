// Lives of a log on a simulated disk.
#pragma once

#include "recovery/log_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "recovery/inspect.h"
#include "tests/recovery/log_fixture.h"
#include "tests/support/fault_file_system.h"

namespace tidemill::recovery {

using core::BatchId;
using core::ErrorKind;
using core::Lsn;
using Outcome = core::BlockLog::Outcome;
using tidemill::testing::FaultFileSystem;
using tidemill::testing::SimulatedDisk;

class LogWriterTest : public ::testing::Test {
protected:
    Life start(core::FileSystem& files) {
        auto life = Life::start(files);
        EXPECT_TRUE(succeeded(life));
        return std::move(*life);
    }
    Life restart() {
        disk_.crash(SimulatedDisk::Fate::kLoseAll);
        return start(disk_);
    }
    SimulatedDisk disk_;
};

}  // namespace tidemill::recovery
