// The life of an output: opened with how far the directory has come, run, closed.
#include <gtest/gtest.h>

#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

using Lines = std::vector<std::string>;

// What outlives the job, as a broker or a database would.
struct Ledger {
    Lines life;                          // what was called
    std::vector<std::uint64_t> batches;  // that it has
    std::string refuses;                 // an error of open()
    bool refusesClose = false;
    std::size_t noteBytes = 0;  // instead of its own note
};

// Keeps in each batch's record which batch it has shown last.
class LedgerOutput final : public core::OutputOperation {
public:
    LedgerOutput(Ledger& ledger, std::string name) : ledger_(ledger), name_(std::move(name)) {}

    std::string describe() const override { return name_; }

    core::Result<> open(const core::OutputOpening& opening) override {
        if (!ledger_.refuses.empty()) {
            note_("refuses");
            return core::fail(core::ErrorKind::kConflict, ledger_.refuses);
        }
        note_("open behind " + core::toString(opening.last.batch) + " at " +
              std::to_string(toMillis(opening.last.time)));
        EXPECT_EQ(opening.owner.size(), 32u);
        return {};
    }
    std::string note() override {
        if (ledger_.noteBytes != 0) return std::string(ledger_.noteBytes, 'x');
        return ledger_.batches.empty() ? std::string() : std::to_string(ledger_.batches.back());
    }
    core::Visibility run(core::BatchRun& run) override {
        const auto batch = run.record().batch.value;
        const auto noted = core::noteOf(run.record(), number());
        note_("run " + std::to_string(batch) + " behind " + std::string(noted));
        if (!ledger_.batches.empty() && ledger_.batches.back() == batch)
            return core::Visibility::kBefore;
        ledger_.batches.push_back(batch);
        return core::Visibility::kNow;
    }
    core::Result<> close() override {
        note_("close");
        if (ledger_.refusesClose) return core::fail(core::ErrorKind::kIo, "the ledger is gone");
        return {};
    }

private:
    void note_(const std::string& what) { ledger_.life.push_back(name_ + ": " + what); }

    Ledger& ledger_;
    const std::string name_;
};

class AlreadyVisible final : public StreamingListener {
public:
    explicit AlreadyVisible(Lines& into) : into_(into) {}
    void onOutputOperationCompleted(const OutputInfo& info) override {
        if (info.alreadyVisible)
            into_.push_back(std::to_string(info.batch) + " " + info.description);
    }

private:
    Lines& into_;
};

class OutputLife : public testing::Test {
protected:
    // A life of so many batches with two outputs; what its start or its end said, or "".
    std::string live(std::size_t batches, bool graceful) {
        StreamingOptions options;
        options.directory = directory_ / "data";
        options.workers = 1;
        options.checkpointInterval = Duration(0);
        options.checkpointBytes = 0;
        Life life(options, fromMillis(static_cast<std::int64_t>(1000 * batches_)));
        RecordQueue<std::string> queue;
        for (std::size_t i = 0; i < batches; ++i) queue.push({"word"});
        auto words = life.context().queueStream(queue);
        words.forEachBatch([this](Batch<std::string>&) {
            if (fails_) throw std::runtime_error("no");
        });
        auto& graph = words.job()->graph;
        graph.addOutput(std::make_unique<LedgerOutput>(ledger_, "first"));
        graph.addOutput(std::make_unique<LedgerOutput>(other_, "second"));
        life.context().addListener(std::make_shared<AlreadyVisible>(alreadyVisible_));
        try {
            life.start();
            life.run(batches);
            life.context().stop(graceful);
            batches_ += batches;
            life.context().awaitTermination();
        } catch (const StreamingError& error) {
            return error.what();
        }
        return "";
    }

    TemporaryDirectory directory_;
    Ledger ledger_, other_;
    Lines alreadyVisible_;
    std::size_t batches_ = 0;
    bool fails_ = false;
};

TEST_F(OutputLife, IsOpenedBehindTheLastRecordedBatchAndClosedOnce) {
    EXPECT_EQ(live(2, true), "");
    EXPECT_EQ(ledger_.life, (Lines{"first: open behind 0 at 0", "first: run 1 behind ",
                                   "first: run 2 behind 1", "first: close"}));
    ledger_.life.clear();
    EXPECT_EQ(live(1, true), "");
    EXPECT_EQ(ledger_.life,
              (Lines{"first: open behind 2 at 2000", "first: run 3 behind 2", "first: close"}));
    EXPECT_TRUE(alreadyVisible_.empty());
}

TEST_F(OutputLife, AnswersThatItHasABatchThatRunsAgain) {
    EXPECT_EQ(live(2, false), "");
    ledger_.life.clear();
    // One that has lost it shows it now.
    other_.batches.pop_back();
    EXPECT_EQ(live(1, true), "");
    EXPECT_EQ(ledger_.life, (Lines{"first: open behind 2 at 2000", "first: run 2 behind 1",
                                   "first: run 3 behind 2", "first: close"}));
    EXPECT_EQ(ledger_.batches, (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(other_.batches, (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(alreadyVisible_, (Lines{"2 first"}));
}

TEST_F(OutputLife, IsClosedWhenABatchOrTheStartFails) {
    fails_ = true;
    EXPECT_NE(live(1, true).find("no"), std::string::npos);
    EXPECT_EQ(ledger_.life, (Lines{"first: open behind 0 at 0", "first: close"}));
    fails_ = false;
    ledger_.life.clear();
    other_.life.clear();
    other_.refuses = "not mine";
    EXPECT_EQ(live(1, true), "not mine");
    EXPECT_EQ(ledger_.life, (Lines{"first: open behind 1 at 1000", "first: close"}));
    EXPECT_EQ(other_.life, (Lines{"second: refuses"}));
}

TEST_F(OutputLife, AnErrorOfClosingEndsTheJobWithIt) {
    ledger_.refusesClose = true;
    EXPECT_EQ(live(1, true), "the ledger is gone");
    EXPECT_EQ(other_.life.back(), "second: close") << "the others are closed too";
}

TEST_F(OutputLife, ANoteThatIsTooLongEndsTheJob) {
    ledger_.noteBytes = core::kOutputNoteBytesMax;
    EXPECT_EQ(live(1, true), "");
    ++ledger_.noteBytes;
    const auto said = live(1, true);
    EXPECT_NE(said.find("first keeps more in a batch's record than it may: bytes=4097 most=4096"),
              std::string::npos)
        << said;
}

}  // namespace
}  // namespace tidemill::test
