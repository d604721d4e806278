// A data directory in which one bit has flipped: the start says what is wrong, or the job comes to
// exactly the results that it comes to without; never to others, and never to a crash. The real
// engine and its RocksDB, on a disk in memory, compared with the naive engine.
//
//   TIDEMILL_FLIPS=100000 bit_flip_test    a longer run (default 80)
//   TIDEMILL_SEED=17 bit_flip_test         begins with that seed (default 1)
//   TIDEMILL_FLIP=17,42 bit_flip_test      that one flip of that seed, with the log of the engine
//
// Fault model: one bit of one file of a job that has ended, gracefully or by a kill, is another one
// when it starts again. A kind of file is drawn first, so that small files are hit as often as
// large ones.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <new>
#include <random>

#include "core/logging.h"
#include "tests/simulation/simulated_job.h"
#include "tests/support/campaign.h"
#include "tests/support/environment_number.h"

namespace tidemill::test {
namespace {

using testing::FaultFileSystem;
using testing::SimulatedDisk;

constexpr std::int64_t kBatches = 7;
constexpr std::int64_t kBatchesBefore = 5;
constexpr long kFlipsOfASeed = 40;

enum Kind { kSegment, kManifest, kTable, kStoreFile, kWitness, kFormat, kOther, kScratch, kKinds };
constexpr const char* kKindNames[] = {"log segment", "manifest", "state table", "store's own file",
                                      "witness",     "FORMAT",   "other file",  "scratch"};
enum Outcome { kExact, kRefused, kRecovered, kOutcomes };
constexpr const char* kOutcomeNames[] = {"exact", "refused", "an error, then exact"};

Kind kindOf(const std::string& path) {
    const auto ends = [&](std::string_view end) { return path.ends_with(end); };
    if (path.starts_with("/data/work/")) return kScratch;
    if (path.starts_with("/data/wal/")) return kSegment;
    if (ends("/MANIFEST.tidemill")) return kManifest;
    if (ends(".sst")) return kTable;
    if (path.starts_with("/data/generations/")) return kStoreFile;
    if (ends("/DURABLE")) return kWitness;
    return ends("/FORMAT") ? kFormat : kOther;
}

// What the processes that flip bits have met, in memory that they share.
struct Tally {
    std::atomic<long> outcomes[kKinds][kOutcomes] = {};
    std::atomic<long> falseRefusals{0};
    std::atomic<long> flip{0};  // at which the process is
    char violation[2000] = {};

    static Tally& shared() {
        static Tally* const tally = [] {
            void* const memory = ::mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            return memory == MAP_FAILED ? nullptr : new (memory) Tally;
        }();
        return *tally;
    }
};

// A job that has ended before its last batches, and the bits that it has left.
class FinishedJob {
public:
    explicit FinishedJob(unsigned seed) : seed_(seed), plan_(seed, kBatches), job_(plan_) {
        std::mt19937 random(seed);
        const bool isKilled = seed % 2 == 0;
        if (isKilled) {
            // In the later half of its life, which has checkpoints, with batches in the log.
            const auto undisturbed = job_.copy();
            undisturbed->faults().arm(FaultFileSystem::Fault::kNone, 0);
            (void)undisturbed->live(kBatchesBefore);
            const auto half = undisturbed->faults().changes() / 2;
            job_.faults().arm(FaultFileSystem::Fault::kCrash, half + random() % half);
        }
        const auto lived = job_.live(kBatchesBefore);
        if (!isKilled && !lived) problem_ = "the job itself fails: " + lived.error().message;
        job_.disk().crash(SimulatedDisk::Fate::kKeepAll);
        for (const auto& [path, bytes] : job_.disk().contents())
            if (path.starts_with("/data/") && !bytes.empty())
                files_[kindOf(path)].emplace_back(path, bytes.size());
    }

    // Empty: as it must be.
    std::string flip(long number) {
        if (!problem_.empty()) return problem_;
        std::mt19937_64 random(seed_ * 1'000'003ull + static_cast<unsigned long>(number));
        std::vector<Kind> kinds;
        for (const auto& [kind, files] : files_) kinds.push_back(kind);
        if (kinds.empty()) return "the job has left no files";
        const Kind kind = kinds[random() % kinds.size()];
        const auto& [path, size] = files_[kind][random() % files_[kind].size()];
        const auto offset = random() % size;
        const auto mask = static_cast<unsigned char>(1u << random() % 8);
        const auto wrong = outcome(kind, path, offset, mask);
        if (wrong.empty()) return {};
        return wrong + "\nof bit " + std::to_string(mask) + " of byte " + std::to_string(offset) +
               " of " + path + " (" + std::to_string(size) +
               " bytes); again: TIDEMILL_FLIP=" + std::to_string(seed_) + "," +
               std::to_string(number) + " bit_flip_test\n" + plan_.description();
    }

private:
    std::string outcome(Kind kind, const std::string& path, std::uint64_t offset,
                        unsigned char mask) {
        const auto job = job_.copy();
        job->faults().arm(FaultFileSystem::Fault::kNone, 0);
        job->disk().damage(path, offset, mask);
        auto& counts = Tally::shared().outcomes[kind];
        const auto first = job->live();
        if (!first) {
            if (const auto wrong = wrongWith(first.error()); !wrong.empty()) return wrong;
            // What was found while it ran may be gone at the next start.
            job->disk().crash(SimulatedDisk::Fate::kKeepAll);
            if (const auto again = job->live(); !again) {
                ++counts[kRefused];
                if (isSpare(kind, path)) ++Tally::shared().falseRefusals;
                return wrongWith(again.error());
            }
        }
        ++counts[first ? kExact : kRecovered];
        return job->differences();
    }

    static std::string wrongWith(const core::Error& error) {
        if (error.message.empty()) return "refused without a word";
        if (error.message == "the job hangs") return error.message;
        return {};
    }

    // What a start can do without: scratch, and the files of all checkpoints but the newest.
    bool isSpare(Kind kind, const std::string& path) const {
        if (kind == kScratch) return true;
        if (kind != kManifest && kind != kStoreFile) return false;
        std::string newest;
        if (const auto manifests = files_.find(kManifest); manifests != files_.end())
            for (const auto& [manifest, size] : manifests->second)
                newest = std::max(newest, manifest);
        return path.substr(0, path.rfind('/')) != newest.substr(0, newest.rfind('/'));
    }

    const unsigned seed_;
    const SimulatedPlan plan_;
    SimulatedJob job_;
    std::string problem_;
    std::map<Kind, std::vector<std::pair<std::string, std::uint64_t>>> files_;
};

// In a process of its own: flips `from` … `to` - 1 of a seed. Ends it.
[[noreturn]] void flipAll(unsigned seed, long from, long to) {
    core::setLogLevel(core::LogLevel::kOff);
    auto& tally = Tally::shared();
    FinishedJob job(seed);
    for (long number = from; number < to; ++number) {
        tally.flip = number;
        const auto wrong = job.flip(number);
        if (wrong.empty()) continue;
        std::snprintf(tally.violation, sizeof tally.violation, "%s", wrong.c_str());
        ::_exit(1);
    }
    ::_exit(0);
}

// Empty: all as it must be.
std::string flipsOfASeed(unsigned seed, long flips) {
    auto& tally = Tally::shared();
    tally.flip = -1;
    const pid_t child = ::fork();
    if (child == 0) flipAll(seed, 0, flips);
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) return "no process can be had";
    if (WIFSIGNALED(status))
        return "the process ended by signal " + std::to_string(WTERMSIG(status)) +
               "; again: TIDEMILL_FLIP=" + std::to_string(seed) + "," +
               std::to_string(tally.flip.load()) + " bit_flip_test";
    return status == 0 ? "" : tally.violation;
}

TEST(BitFlip, IsNamedOrChangesNothing) {
    const long flips = environmentNumber("TIDEMILL_FLIPS", 80);
    auto seed = static_cast<unsigned>(environmentNumber("TIDEMILL_SEED", 1));
    CampaignProgress progress("flips", flips);
    for (long done = 0; done < flips; ++seed) {
        const long now = std::min(kFlipsOfASeed, flips - done);
        const auto wrong = flipsOfASeed(seed, now);
        if (!wrong.empty()) CampaignProgress::violation(wrong);
        ASSERT_EQ(wrong, "");
        done += now;
        progress.done(done);
    }
    const auto& tally = Tally::shared();
    long told = 0;
    long exact = 0;
    for (int kind = 0; kind < kKinds; ++kind)
        for (int outcome = 0; outcome < kOutcomes; ++outcome) {
            const long times = tally.outcomes[kind][outcome];
            if (times == 0) continue;
            (outcome == kExact ? exact : told) += times;
            const auto what = std::string(kKindNames[kind]) + ": " + kOutcomeNames[outcome];
            std::cout << "  " << times << "\t" << what << "\n";
            CampaignProgress::fired(what, times);
        }
    if (tally.falseRefusals > 0)
        CampaignProgress::falseRefusal(std::to_string(tally.falseRefusals) +
                                       " flips in files that a start can do without");
    EXPECT_GT(told, 0) << "no flip was found";
    EXPECT_GT(exact, 0) << "every flip ended the job";
}

TEST(BitFlip, OneOfThem) {
    const char* text = std::getenv("TIDEMILL_FLIP");
    if (text == nullptr) GTEST_SKIP() << "repeats the flip that a failure named";
    unsigned seed = 0;
    long number = 0;
    ASSERT_EQ(std::sscanf(text, "%u,%ld", &seed, &number), 2);
    core::setLogLevel(core::LogLevel::kInfo);
    EXPECT_EQ(FinishedJob(seed).flip(number), "");
}

}  // namespace
}  // namespace tidemill::test
