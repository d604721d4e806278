// The fault model, exhaustively: a short life of the log with batches, rotations, checkpoints and
// trims; the machine or the process dies at change number N, for all N, and again at change M
// inside the recovery that follows. What must hold afterwards are the invariants:
//   I1  acknowledged lines are there, each once, without holes; what a batch owned it owns again
//   I2  the state is exactly that of the mark's boundary
//   I3  nothing is acknowledged that is not durable
//   I4  batch ids are dense, their LSN ranges consecutive
//   I7  recovery ends after being cut short anywhere, and doing it twice changes nothing
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <sstream>

#include "core/logging.h"
#include "tests/recovery/log_fixture.h"
#include "tests/support/fault_file_system.h"

namespace tidemill::recovery {
namespace {

using core::BatchId;
using core::Lsn;
using core::Path;
using tidemill::testing::FaultFileSystem;
using tidemill::testing::SimulatedDisk;
using Fate = SimulatedDisk::Fate;
using Fault = FaultFileSystem::Fault;

// What the world outside knows, and holds against the log.
struct Oracle {
    std::uint64_t acknowledgedLines = 0;           // of session "s"
    std::map<std::uint64_t, std::string> batches;  // contents by id, once their record is durable
};

// The state: the lines of the session, in the order in which they were counted.
struct State {
    BatchId batch;
    std::string lines;
};

std::string line(std::uint64_t number) {
    // Long enough that segments of 4 KiB rotate.
    return "line " + std::to_string(number) + std::string(280, '.') + "\n";
}

std::uint64_t countLines(const std::string& lines) {
    return static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
}

class Mill {
public:
    Mill(core::FileSystem& files, Oracle& oracle) : files_(files), oracle_(oracle) {}

    // Recovers and replays; the state is then that after the last recorded batch.
    core::Result<> start() {
        state_ = {};
        const auto readState = [this](Recovered& recovered) -> core::Result<> {
            if (!recovered.mark) return {};
            state_.batch = recovered.mark->batch;
            TM_ASSIGN(state_.lines, core::readWholeFile(files_, recovered.work / "1.sst", 1 << 20));
            // The session's position is part of the state, as at the mark.
            auto& position = recovered.lanes["s"];
            position =
                core::linePosition(std::max(core::linesAt(position), countLines(state_.lines)));
            return {};
        };
        TM_ASSIGN(life_,
                  Life::start(files_, Life::recoverOptions(), Life::writerOptions(), readState));
        for (std::size_t i = 0; i < life_.recovered.batches.size(); ++i) {
            TM_ASSIGN(const auto blocks, life_.recovered.blocksOf(i));
            apply(life_.recovered.batches[i], bytesOf(blocks));
        }
        life_.endLsn = life_.recovered.last.endLsn;
        return {};
    }

    core::Result<> run(int batches) {
        for (int i = 0; i < batches; ++i) {
            for (int block = 0; block < 2; ++block) TM_TRY(receive());
            TM_TRY(batch());
            if (state_.batch.value % 3 == 0) TM_TRY(checkpoint());
        }
        return {};
    }

    void check() {
        const std::string all = state_.lines + bytesOf(life_.recovered.log.pending);
        std::string expected;
        for (std::uint64_t i = 1; i <= countLines(all); ++i) expected += line(i);
        ASSERT_EQ(all, expected) << "I1: a hole, a duplicate or a half line";
        ASSERT_GE(countLines(all), oracle_.acknowledgedLines) << "I1: acknowledged lines are lost";
        ASSERT_GE(state_.batch.value, lastKnownBatch()) << "a durable batch record is lost";
        ASSERT_EQ(life_.recovered.last.batch, state_.batch);
        ASSERT_EQ(life_.log->sessionLines("s"), countLines(all)) << "the sender would be misled";
    }

    // All that a second recovery must find again.
    std::string describe() {
        std::ostringstream text;
        text << toString(state_.batch) << '|' << state_.lines << '|'
             << bytesOf(life_.recovered.log.pending) << '|' << toString(life_.recovered.last.endLsn)
             << '|' << toString(life_.recovered.log.last) << '|'
             << (life_.recovered.mark ? toString(life_.recovered.mark->batch) : "-");
        return text.str();
    }

    Life& life() { return life_; }

private:
    std::uint64_t lastKnownBatch() const {
        return oracle_.batches.empty() ? 0 : oracle_.batches.rbegin()->first;
    }

    void apply(const core::BatchRecord& record, const std::string& bytes) {
        ASSERT_EQ(record.batch, state_.batch.next()) << "I4: batch ids are not dense";
        const auto known = oracle_.batches.find(record.batch.value);
        if (known != oracle_.batches.end()) {
            ASSERT_EQ(bytes, known->second) << "I4: batch owns something else now";
        }
        oracle_.batches[record.batch.value] = bytes;
        state_.batch = record.batch;
        state_.lines += bytes;
    }

    std::uint64_t linesSoFar() {
        // The positions in the state and those above it, as a receiver would see them.
        const std::string pending = bytesOf(waiting_);
        return countLines(state_.lines) + countLines(pending);
    }

    core::Result<> receive() {
        if (waiting_.empty()) waiting_ = life_.recovered.log.pending;
        const auto first = linesSoFar() + 1;
        auto block = sessionBlock(line(first) + line(first + 1), "s", first, 2);
        // Positions below the mark live in the state.
        if (life_.log->sessionLines("s") + 1 != first)
            return core::fail(core::ErrorKind::kInvalid, "position is wrong");
        TM_TRY(life_.append(block));
        waiting_.push_back(block);
        oracle_.acknowledgedLines = std::max(oracle_.acknowledgedLines, first + 1);
        return {};
    }

    core::Result<> batch() {
        const auto bytes = bytesOf(waiting_);
        TM_ASSIGN(const auto record, life_.record(state_.batch.next()));
        const auto durable = life_.log->waitDurable(life_.log->last());
        // Not known to be durable, it may still turn out to be.
        TM_TRY(durable);
        apply(record, bytes);
        waiting_.clear();
        life_.recovered.log.pending.clear();
        return {};
    }

    core::Result<> checkpoint() {
        Generations generations(files_, life_.directory->generationsPath());
        core::BatchMark mark;
        mark.batch = state_.batch;
        mark.endLsn = life_.endLsn;
        mark.fingerprint = 42;
        TM_TRY(generations.publish(mark, [&](const Path& into) { return linkState(into); }));
        TM_ASSIGN(const auto trim, generations.trimPoint());
        TM_TRY(life_.log->trim(trim));
        return generations.removeOld();
    }

    core::Result<std::vector<core::CheckpointFile>> linkState(const Path& into) {
        const Path made = life_.directory->workPath() / "new.sst";
        {
            TM_ASSIGN(auto file, files_.open(made, core::OpenMode::kReplace));
            TM_TRY(file->writeAt(0, state_.lines));
            TM_TRY(file->sync());
        }
        TM_TRY(files_.link(made, into / "1.sst"));
        TM_TRY(files_.unlink(made));
        return std::vector<core::CheckpointFile>{{"1.sst", state_.lines.size(), "x", "test"}};
    }

    core::FileSystem& files_;
    Oracle& oracle_;
    Life life_;
    State state_;
    std::vector<core::BlockPtr> waiting_;
};

constexpr int kBatches = 10;

core::Result<> firstLife(core::FileSystem& files, Oracle& oracle) {
    Mill mill(files, oracle);
    TM_TRY(mill.start());
    TM_TRY(mill.run(kBatches));
    return mill.life().log->close();
}

struct Ending {
    Fate fate;
    std::uint64_t seed;
};

std::vector<Ending> endings() {
    std::vector<Ending> all = {{Fate::kKeepAll, 0}, {Fate::kLoseAll, 0}};
    // More seeds for a longer run: TIDEMILL_FAULT_SEEDS=100.
    const char* more = std::getenv("TIDEMILL_FAULT_SEEDS");
    const std::uint64_t seeds = more != nullptr ? std::strtoull(more, nullptr, 10) : 4;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) all.push_back({Fate::kRandom, seed});
    return all;
}

class RecoveryFault : public ::testing::Test {
protected:
    RecoveryFault() { core::setLogLevel(core::LogLevel::kOff); }
    ~RecoveryFault() override { core::setLogLevel(core::LogLevel::kInfo); }

    // Recovers to the end, checks, recovers again, compares.
    void applyPowerLoss(SimulatedDisk& disk, Oracle& oracle) {
        std::string first;
        {
            Mill mill(disk, oracle);
            TM_ASSERT_OK(mill.start());
            mill.check();
            first = mill.describe();
        }
        disk.crash(Fate::kLoseAll);
        Mill again(disk, oracle);
        TM_ASSERT_OK(again.start());
        ASSERT_EQ(again.describe(), first) << "I7: the second recovery found something else";
    }
};

std::uint64_t changesOfAWholeLife() {
    SimulatedDisk disk;
    FaultFileSystem faulty(disk);
    Oracle oracle;
    const auto done = firstLife(faulty, oracle);
    EXPECT_TRUE(succeeded(done));
    return faulty.changes();
}

TEST_F(RecoveryFault, DyingAtEveryChangeLosesNothing) {
    const auto changes = changesOfAWholeLife();
    ASSERT_GT(changes, 100u);
    for (const auto& ending : endings()) {
        for (std::uint64_t n = 1; n <= changes; ++n) {
            SCOPED_TRACE("change " + std::to_string(n) + " fate " +
                         std::to_string(static_cast<int>(ending.fate)) + " seed " +
                         std::to_string(ending.seed));
            SimulatedDisk disk;
            FaultFileSystem faulty(disk);
            Oracle oracle;
            faulty.arm(Fault::kCrash, n);
            EXPECT_FALSE(firstLife(faulty, oracle)) << "a point that does not fire tests nothing";
            disk.crash(ending.fate, ending.seed);
            applyPowerLoss(disk, oracle);
            if (HasFatalFailure()) return;
        }
    }
}

TEST_F(RecoveryFault, DyingAgainAtEveryChangeOfTheRecoveryLosesNothing) {
    const auto changes = changesOfAWholeLife();
    for (const auto& ending : {Ending{Fate::kKeepAll, 0}, Ending{Fate::kRandom, 7}}) {
        for (std::uint64_t n = 1; n <= changes; n += 3) {
            for (std::uint64_t m = 1;; ++m) {
                SCOPED_TRACE("change " + std::to_string(n) + " then " + std::to_string(m) +
                             " fate " + std::to_string(static_cast<int>(ending.fate)));
                SimulatedDisk disk;
                FaultFileSystem faulty(disk);
                Oracle oracle;
                faulty.arm(Fault::kCrash, n);
                EXPECT_FALSE(firstLife(faulty, oracle));
                disk.crash(ending.fate, ending.seed + n);
                faulty.arm(Fault::kCrash, m);
                bool survived = false;
                {
                    Mill second(faulty, oracle);
                    survived = second.start().has_value();
                }
                if (survived && !faulty.fired()) break;
                disk.crash(ending.fate, ending.seed + m);
                applyPowerLoss(disk, oracle);
                if (HasFatalFailure()) return;
            }
        }
    }
}

TEST_F(RecoveryFault, AnErrorAtEveryChangeEndsThatLifeAndLosesNothing) {
    const auto changes = changesOfAWholeLife();
    for (const auto fault : {Fault::kErrorOnce, Fault::kErrorForEver}) {
        for (std::uint64_t n = 1; n <= changes; ++n) {
            SCOPED_TRACE("error at change " + std::to_string(n));
            SimulatedDisk disk;
            FaultFileSystem faulty(disk);
            Oracle oracle;
            faulty.arm(fault, n);
            EXPECT_FALSE(firstLife(faulty, oracle)) << "the error was ignored";
            // After a failed sync the cache is worth nothing.
            disk.crash(Fate::kRandom, n);
            applyPowerLoss(disk, oracle);
            if (HasFatalFailure()) return;
        }
    }
}

TEST_F(RecoveryFault, ManyLivesWithRandomEndsAddUp) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        SimulatedDisk disk;
        FaultFileSystem faulty(disk);
        Oracle oracle;
        for (int life = 0; life < 12; ++life) {
            faulty.arm(Fault::kCrash, 1 + random() % 150);
            {
                Mill mill(faulty, oracle);
                if (mill.start()) {
                    mill.check();
                    const auto ran = mill.run(20);
                    EXPECT_TRUE(ran || ran.error().kind == core::ErrorKind::kIo)
                        << ran.error().message;
                }
            }
            if (HasFatalFailure()) return;
            disk.crash(static_cast<Fate>(random() % 3), random());
        }
        faulty.arm(Fault::kNone, 0);
        applyPowerLoss(disk, oracle);
        if (HasFatalFailure()) return;
        EXPECT_GT(oracle.acknowledgedLines, 0u);
    }
}

}  // namespace
}  // namespace tidemill::recovery
