// The next segment of a log: ready before it is asked for, on a disk that fails, fills up or is
// taken away.
#include "recovery/segment_supply.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/recovery/log_fixture.h"
#include "tests/support/fault_file_system.h"

namespace tidemill::recovery {
namespace {

using namespace std::chrono_literals;
using core::ErrorKind;
using tidemill::testing::SimulatedDisk;
using Fault = tidemill::testing::FaultFileSystem::Fault;
using Turns = std::vector<bool>;

constexpr std::uint64_t kSegmentBytes = 4096;
constexpr auto kPatience = 10s;  // for what is to happen; nothing waits that long when it does

// Looks until `condition` holds; returns whether it did.
template <class Condition>
bool eventually(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

// A disk that fails on demand, and counts files where it is told how many are free.
class Disk final : public tidemill::testing::FaultFileSystem {
public:
    using FaultFileSystem::FaultFileSystem;
    void setFiles(std::uint64_t freeFiles, std::uint64_t totalFiles) {
        freeFiles_ = freeFiles;
        totalFiles_ = totalFiles;
    }
    void refuseSpace() { refusesSpace_ = true; }

    core::Result<core::DiskSpace> space(const core::Path& path) override {
        if (refusesSpace_) return core::fail(ErrorKind::kIo, "statvfs failed");
        TM_ASSIGN(auto space, FaultFileSystem::space(path));
        space.freeFiles = freeFiles_;
        space.totalFiles = totalFiles_;
        return space;
    }

private:
    std::atomic<std::uint64_t> freeFiles_{0}, totalFiles_{0};
    std::atomic<bool> refusesSpace_{false};
};

// What a supply has told, in order.
class Reports {
public:
    void add(bool low) {
        std::lock_guard lock(mutex_);
        turns_.push_back(low);
        changed_.notify_all();
    }
    Turns turns() const {
        std::lock_guard lock(mutex_);
        return turns_;
    }
    bool waitFor(std::size_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, kPatience, [&] { return turns_.size() >= count; });
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Turns turns_;
};

class SegmentSupplyTest : public ::testing::Test {
protected:
    SegmentSupplyTest() {
        TM_EXPECT_OK(disk_.createDirectory(kDirectory));
        TM_EXPECT_OK(disk_.syncDirectory("/"));
    }

    static SegmentSupplyOptions options(bool prepareAhead) {
        SegmentSupplyOptions options;
        options.segmentBytes = kSegmentBytes;
        options.prepareAhead = prepareAhead;
        return options;
    }
    static SegmentSupplyOptions onDemand() { return options(false); }
    static SegmentSupplyOptions ahead() { return options(true); }

    SegmentSupply& start(SegmentSupplyOptions options) {
        supply_.emplace(files_, kDirectory, std::move(options));
        supply_->start([this](const core::Error& error) {
            EXPECT_NE(std::this_thread::get_id(), testThread_);
            error_ = error.kind;
            ++failures_;
        });
        return *supply_;
    }
    void listen() {
        supply_->onSpaceLow([this](bool low) { reports_.add(low); });
    }
    std::future<core::Result<PreparedSegment>> takeBeside(std::uint64_t bytesMin = 1) {
        return std::async(std::launch::async, [this, bytesMin] { return supply_->take(bytesMin); });
    }
    std::vector<std::string> names() { return disk_.list(kDirectory).value(); }
    // The one that waits to be taken is whole once it is as large as it will be.
    bool isReady() {
        const auto listed = names();
        return listed.size() == 1 &&
               disk_.info(kDirectory / listed.front())->sizeBytes == kSegmentBytes;
    }

    const std::thread::id testThread_ = std::this_thread::get_id();
    SimulatedDisk disk_;
    Disk files_{disk_};
    Reports reports_;
    std::atomic<int> failures_ = 0;
    std::atomic<ErrorKind> error_{};
    std::optional<SegmentSupply> supply_;  // ends first: it tells the ones above
};

TEST_F(SegmentSupplyTest, ASegmentIsAllocatedDurablyUnderATemporaryNameOfItsOwn) {
    for (const bool prepareAhead : {false, true}) {
        auto& supply = start(options(prepareAhead));
        std::set<core::Path> paths;
        for (int i = 0; i < 3; ++i) {
            const auto taken = supply.take(1);
            TM_ASSERT_OK(taken);
            EXPECT_EQ(taken->sizeBytes, kSegmentBytes);
            EXPECT_EQ(taken->path.parent_path(), kDirectory);
            EXPECT_TRUE(taken->path.string().ends_with(kTemporarySuffix)) << taken->path;
            EXPECT_TRUE(paths.insert(taken->path).second) << taken->path;
            TM_EXPECT_OK(taken->file->writeAt(0, "x"));
        }
        supply_.reset();
        TM_ASSERT_OK(disk_.syncDirectory(kDirectory));
        disk_.crash(SimulatedDisk::Fate::kLoseAll);
        for (const auto& path : paths) {
            const auto info = disk_.info(path);
            TM_ASSERT_OK(info);
            EXPECT_EQ(info->sizeBytes, kSegmentBytes);
            TM_EXPECT_OK(disk_.unlink(path));
        }
    }
}

TEST_F(SegmentSupplyTest, ALargerFrameGetsASegmentOfItsOwnSizeAndLeavesThePreparedOne) {
    auto& supply = start(ahead());
    ASSERT_TRUE(eventually([&] { return isReady(); }));
    const auto prepared = names();
    const auto large = supply.take(kSegmentBytes + 1);
    TM_ASSERT_OK(large);
    EXPECT_EQ(large->sizeBytes, kSegmentBytes + 1);
    EXPECT_EQ(*large->file->sizeBytes(), kSegmentBytes + 1);
    const auto fitting = supply.take(kSegmentBytes);
    TM_ASSERT_OK(fitting);
    EXPECT_EQ(fitting->sizeBytes, kSegmentBytes);
    EXPECT_EQ(fitting->path.filename(), prepared.front());
}

TEST_F(SegmentSupplyTest, TheNextOneIsMadeWhileNobodyAsks) {
    auto& supply = start(ahead());
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(eventually([&] { return isReady(); }));
        const auto prepared = names();
        const auto taken = supply.take(1);
        TM_ASSERT_OK(taken);
        EXPECT_EQ(taken->path.filename(), prepared.front());
        TM_ASSERT_OK(disk_.rename(taken->path, "/used-" + std::to_string(i)));
    }
    EXPECT_TRUE(eventually([&] { return isReady(); })) << names().size();
}

TEST_F(SegmentSupplyTest, ThreadsThatTakeAtTheSameTimeGetDifferentSegments) {
    auto& supply = start(ahead());
    constexpr std::size_t kThreads = 6, kTakes = 20;
    std::vector<std::vector<core::Path>> paths(kThreads);
    std::vector<std::thread> threads;
    for (std::size_t id = 0; id < kThreads; ++id)
        threads.emplace_back([&, id] {
            for (std::size_t i = 0; i < kTakes; ++i) {
                const auto taken = supply.take(i % 4 == 0 ? kSegmentBytes * 2 : 1);
                TM_ASSERT_OK(taken);
                paths[id].push_back(taken->path);
            }
        });
    for (auto& thread : threads) thread.join();
    std::set<core::Path> distinct;
    for (const auto& some : paths) distinct.insert(some.begin(), some.end());
    EXPECT_EQ(distinct.size(), kThreads * kTakes);
}

TEST_F(SegmentSupplyTest, AnErrorOfTheDiskIsFinalForThisSegmentAndLeavesNoFile) {
    auto& supply = start(onDemand());
    std::uint64_t change = 1;
    for (;; ++change) {
        files_.arm(Fault::kErrorOnce, change);
        const auto taken = supply.take(1);
        if (!files_.fired()) {
            TM_ASSERT_OK(taken);
            break;
        }
        ASSERT_FALSE(taken) << change;
        EXPECT_EQ(taken.error().kind, ErrorKind::kIo);
        EXPECT_LE(files_.changes(), change + 1) << "nothing is tried again, only removed";
        EXPECT_TRUE(names().empty()) << change;
    }
    EXPECT_GT(change, 3u) << "create, allocate, sync";
    EXPECT_FALSE(supply.spaceLow());
}

TEST_F(SegmentSupplyTest, AnErrorWhilePreparingIsToldOnceAndIsThatOfEveryTake) {
    for (std::uint64_t change = 1; change <= 3; ++change) {
        failures_ = 0;
        files_.arm(Fault::kErrorOnce, change);
        auto& supply = start(ahead());
        ASSERT_TRUE(eventually([&] { return failures_ > 0; })) << change;
        EXPECT_EQ(error_.load(), ErrorKind::kIo);
        const auto changes = files_.changes();
        for (int i = 0; i < 2; ++i) {
            const auto taken = supply.take(1);
            ASSERT_FALSE(taken);
            EXPECT_EQ(taken.error().kind, ErrorKind::kIo);
        }
        supply_.reset();
        EXPECT_EQ(failures_, 1);
        EXPECT_EQ(files_.changes(), changes) << "nothing is tried again";
        EXPECT_TRUE(names().empty());
    }
}

TEST_F(SegmentSupplyTest, WhileTheDiskIsFullATakeWaitsAndGoesOnByItself) {
    for (const bool prepareAhead : {false, true}) {
        disk_.setCapacity(kSegmentBytes - 1);
        auto& supply = start(options(prepareAhead));
        listen();
        auto taking = takeBeside();
        ASSERT_TRUE(eventually([&] { return supply.spaceLow(); }));
        EXPECT_NE(taking.wait_for(0s), std::future_status::ready);
        disk_.setCapacity(~std::uint64_t{0});
        ASSERT_EQ(taking.wait_for(kPatience), std::future_status::ready);
        const auto taken = taking.get();
        TM_ASSERT_OK(taken);
        EXPECT_TRUE(eventually([&] { return !supply.spaceLow(); }));
        supply_.reset();
        EXPECT_EQ(names(), std::vector<std::string>{taken->path.filename().string()})
            << "what did not fit was removed";
        TM_ASSERT_OK(disk_.unlink(taken->path));
    }
    EXPECT_EQ(reports_.turns(), (Turns{true, false, true, false}));
    EXPECT_EQ(failures_, 0);
}

// A segment is ready, but the frame is larger; the supply looks at the disk once a second.
TEST_F(SegmentSupplyTest, ThereIsNoSpaceAsLongAsALargeFrameWaitsForIt) {
    disk_.setCapacity(2 * kSegmentBytes);
    start(ahead());
    listen();
    ASSERT_TRUE(eventually([&] { return isReady(); }));
    auto taking = takeBeside(2 * kSegmentBytes);
    ASSERT_TRUE(reports_.waitFor(1));
    EXPECT_EQ(taking.wait_for(2500ms), std::future_status::timeout);
    EXPECT_EQ(reports_.turns(), Turns{true});
    disk_.setCapacity(~std::uint64_t{0});
    TM_ASSERT_OK(taking.get());
    ASSERT_TRUE(reports_.waitFor(2));
    EXPECT_EQ(reports_.turns(), (Turns{true, false}));
}

// While the present segment has room left: nobody has to wait for the next one to learn of it.
TEST_F(SegmentSupplyTest, AFullDiskIsNoticedBeforeASegmentIsAskedFor) {
    disk_.setCapacity(kSegmentBytes);
    auto& supply = start(ahead());
    listen();
    const auto present = supply.take(1);
    TM_ASSERT_OK(present);
    ASSERT_TRUE(reports_.waitFor(1));
    EXPECT_TRUE(supply.spaceLow());
    disk_.setCapacity(~std::uint64_t{0});
    ASSERT_TRUE(reports_.waitFor(2));
    EXPECT_EQ(reports_.turns(), (Turns{true, false}));
    EXPECT_FALSE(supply.spaceLow());
}

TEST_F(SegmentSupplyTest, StopEndsTheWaitForAFullDisk) {
    for (const bool prepareAhead : {false, true}) {
        disk_.setCapacity(0);
        auto& supply = start(options(prepareAhead));
        auto taking = takeBeside();
        ASSERT_TRUE(eventually([&] { return supply.spaceLow(); }));
        supply.stop();
        ASSERT_EQ(taking.wait_for(kPatience), std::future_status::ready);
        const auto stopped = taking.get();
        ASSERT_FALSE(stopped);
        EXPECT_EQ(stopped.error().kind, ErrorKind::kNoSpace);
        const auto later = supply.take(1);
        ASSERT_FALSE(later);
        EXPECT_EQ(later.error().kind, ErrorKind::kNoSpace);
    }
    supply_.reset();
    EXPECT_TRUE(names().empty());
    EXPECT_EQ(failures_, 0) << "a full disk is no failure";
}

// The log writes what is queued behind it.
TEST_F(SegmentSupplyTest, BehindStopASegmentIsStillMadeWhereThereIsRoom) {
    for (const bool prepareAhead : {false, true}) {
        auto& supply = start(options(prepareAhead));
        supply.stop();
        for (int i = 0; i < 3; ++i) TM_EXPECT_OK(supply.take(1));
    }
}

TEST_F(SegmentSupplyTest, TheReserveIsTouchedWhenLessThanItIsLeftFree) {
    auto withReserve = onDemand();
    withReserve.reserveBytes = 1000;
    disk_.setCapacity(2 * kSegmentBytes + 1000);
    auto& supply = start(withReserve);
    listen();
    for (int i = 0; i < 2; ++i) {
        TM_ASSERT_OK(supply.take(1));
        EXPECT_FALSE(supply.spaceLow()) << i;
    }
    EXPECT_EQ(disk_.space("/")->freeBytes, 1000u) << "exactly the reserve is left";
    disk_.setCapacity(3 * kSegmentBytes + 999);
    TM_ASSERT_OK(supply.take(1));
    EXPECT_TRUE(supply.spaceLow());
    disk_.setCapacity(4 * kSegmentBytes + 999);
    TM_ASSERT_OK(supply.take(1));
    EXPECT_EQ(reports_.turns(), Turns{true}) << "told of changes only";
    disk_.setCapacity(~std::uint64_t{0});
    TM_ASSERT_OK(supply.take(1));
    EXPECT_FALSE(supply.spaceLow());
    EXPECT_EQ(reports_.turns(), (Turns{true, false}));
}

TEST_F(SegmentSupplyTest, FilesHaveAReserveWhereTheFileSystemCountsThem) {
    auto withReserve = onDemand();
    withReserve.reserveFiles = 10;
    auto& supply = start(withReserve);
    const struct {
        std::uint64_t freeFiles, totalFiles;
        bool low;
    } cases[] = {{10, 100, false}, {9, 100, true}, {0, 100, true}, {0, 0, false}};
    for (const auto& [freeFiles, totalFiles, low] : cases) {
        files_.setFiles(freeFiles, totalFiles);
        TM_ASSERT_OK(supply.take(1));
        EXPECT_EQ(supply.spaceLow(), low) << freeFiles << " of " << totalFiles;
    }
}

TEST_F(SegmentSupplyTest, ADiskThatDoesNotSayWhatIsFreeStopsNobody) {
    auto withReserve = onDemand();
    withReserve.reserveBytes = ~std::uint64_t{0};
    auto& supply = start(withReserve);
    files_.refuseSpace();
    TM_ASSERT_OK(supply.take(1));
    EXPECT_FALSE(supply.spaceLow());
}

TEST_F(SegmentSupplyTest, WhoeverListensLateIsToldAtOnceOfWhatIsTrueAlready) {
    auto withReserve = onDemand();
    withReserve.reserveBytes = 1;
    auto& supply = start(withReserve);
    listen();
    EXPECT_EQ(reports_.turns(), Turns()) << "there is room";
    supply.onSpaceLow(nullptr);
    disk_.setCapacity(kSegmentBytes);
    TM_ASSERT_OK(supply.take(1));
    listen();
    EXPECT_EQ(reports_.turns(), Turns{true});
}

TEST_F(SegmentSupplyTest, BehindEndNobodyIsTold) {
    auto withReserve = onDemand();
    withReserve.reserveBytes = 1;
    auto& supply = start(withReserve);
    listen();
    supply.end();
    disk_.setCapacity(kSegmentBytes);
    TM_ASSERT_OK(supply.take(1));
    EXPECT_TRUE(supply.spaceLow());
    EXPECT_EQ(reports_.turns(), Turns());
}

TEST_F(SegmentSupplyTest, TheOnePreparedAheadIsRemovedAtTheEndAndThoseTakenStay) {
    auto& supply = start(ahead());
    const auto taken = supply.take(1);
    TM_ASSERT_OK(taken);
    ASSERT_TRUE(eventually([&] { return names().size() == 2; }));
    supply.stop();
    EXPECT_EQ(names().size(), 2u) << "a stop removes nothing";
    supply_.reset();
    EXPECT_EQ(names(), std::vector<std::string>{taken->path.filename().string()});
}

TEST_F(SegmentSupplyTest, InADirectoryThatIsNotOursNothingIsMade) {
    for (const bool prepareAhead : {false, true}) {
        auto notOurs = options(prepareAhead);
        notOurs.stillOurs = [] { return core::fail(ErrorKind::kConflict, "it was replaced"); };
        auto& supply = start(notOurs);
        for (int i = 0; i < 2; ++i) {
            const auto taken = supply.take(i == 0 ? 1 : 2 * kSegmentBytes);
            ASSERT_FALSE(taken);
            EXPECT_EQ(taken.error().kind, ErrorKind::kConflict);
        }
        if (prepareAhead) {
            ASSERT_TRUE(eventually([&] { return failures_ > 0; }));
            EXPECT_EQ(error_.load(), ErrorKind::kConflict);
        }
        supply_.reset();
        EXPECT_EQ(failures_, prepareAhead ? 1 : 0) << "who takes one is told by that";
    }
    EXPECT_EQ(files_.changes(), 0u);
}

TEST_F(SegmentSupplyTest, OnceTheDirectoryIsNoLongerOursNothingThereIsTouched) {
    std::atomic<bool> ours = true;
    auto watched = ahead();
    watched.stillOurs = [&]() -> core::Result<> {
        if (ours) return {};
        return core::fail(ErrorKind::kConflict, "it was replaced");
    };
    start(watched);
    ASSERT_TRUE(eventually([&] { return isReady(); }));
    ours = false;
    const auto changes = files_.changes();
    // Seen within a second or so, though nobody takes one.
    ASSERT_TRUE(eventually([&] { return failures_ > 0; }));
    EXPECT_EQ(error_.load(), ErrorKind::kConflict);
    supply_.reset();
    EXPECT_EQ(failures_, 1);
    EXPECT_LE(files_.changes(), changes + 1) << "the sync of the one that was ready, no more";
    EXPECT_EQ(names().size(), 1u) << "it is for whom the directory belongs to now";
}

}  // namespace
}  // namespace tidemill::recovery
