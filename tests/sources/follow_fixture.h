// A Follower of files on a disk in memory, over several lives of one log.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/logging.h"
#include "sources/follow/follower.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/memory_block_log.h"
#include "tests/support/simulated_disk.h"

namespace tidemill::sources::follow {

class FollowFixture : public ::testing::Test {
protected:
    using Lines = std::vector<std::string>;

    FollowFixture() {
        core::setLogLevel(core::LogLevel::kError);
        EXPECT_TRUE(disk_.createDirectory("/in"));
    }

    // Writes `text` behind what the file holds; makes it when it is not there.
    void append(const std::string& path, std::string_view text) {
        auto file = disk_.open(
            path, disk_.exists(path) ? core::OpenMode::kReadWrite : core::OpenMode::kCreate);
        ASSERT_TRUE(file) << file.error().message;
        ASSERT_TRUE((*file)->writeAt((*file)->sizeBytes().value(), text));
    }
    void truncate(const std::string& path, std::uint64_t sizeBytes = 0) {
        auto file = disk_.open(path, core::OpenMode::kReadWrite);
        ASSERT_TRUE(file && (*file)->truncate(sizeBytes));
    }
    void copy(const std::string& from, const std::string& to) {
        auto text = core::readWholeFile(disk_, from, 1 << 20);
        ASSERT_TRUE(text);
        append(to, *text);
    }
    void rename(const std::string& from, const std::string& to) {
        ASSERT_TRUE(disk_.rename(from, to));
    }
    void remove(const std::string& path) { ASSERT_TRUE(disk_.unlink(path)); }

    FollowEnvironment environment() {
        FollowEnvironment made{core::SourceId(3), files_, log_, pool_};
        made.recordBytesMax = recordBytesMax_;
        made.blockBytesMax = blockBytesMax_;
        made.nanosNow = [this] {
            append("/clock", "");
            remove("/clock");
            append("/clock", "");
            return disk_.info("/clock")->bornNanos;
        };
        made.report = [this](const std::string& message) { reports_.push_back(message); };
        return made;
    }

    // A life that goes on where the log is; a killed one leaves nothing else.
    core::Result<> tryBegin() {
        std::map<std::string, std::string> lanes;
        for (const auto& origin : log_.origins()) {
            if (origin.to.empty()) lanes.erase(origin.lane);
            else lanes[origin.lane] = origin.to;
        }
        std::vector<core::SourcePosition> opening;
        for (const auto& [lane, position] : lanes) opening.push_back({lane, position});
        follower_ = std::make_unique<Follower>(environment(), path_, options_);
        return follower_->open(opening);
    }
    void begin() {
        const auto begun = tryBegin();
        ASSERT_TRUE(begun) << begun.error().message;
    }

    // A look, and all that is to be taken then.
    void round(std::chrono::milliseconds later = std::chrono::milliseconds(250)) {
        if (!follower_) begin();
        now_ += later;
        follower_->look(now_);
        while (follower_->take(intake_, now_) == Follower::Taken::kMore) continue;
    }
    // What a doubt needs to be believed.
    void rounds() {
        round();
        round();
    }
    Lines lines() const { return log_.lines(); }
    std::size_t lanesInLog() const { return log_.laneCount() - (begunIsIn() ? 1 : 0); }
    bool begunIsIn() const { return !log_.position(begunLane(lanePrefix(path_))).empty(); }

    testing::SimulatedDisk disk_;
    testing::FaultFileSystem files_{disk_};
    test::MemoryBlockLog log_;
    std::shared_ptr<core::BufferPool> pool_ = core::BufferPool::make(64 << 20);
    std::string path_ = "/in/";
    FollowOptions options_;
    std::size_t recordBytesMax_ = 1 << 20;
    std::size_t blockBytesMax_ = 4 << 20;
    Intake intake_;
    std::unique_ptr<Follower> follower_;
    Lines reports_;
    Clock::time_point now_ = Clock::now();
};

}  // namespace tidemill::sources::follow
