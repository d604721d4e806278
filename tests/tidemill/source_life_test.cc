// The life of a source: opened, started, told batch times, stopped; its errors that pass and its
// errors that end the job.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <fstream>

#include "core/inputs/memory_text.h"
#include "core/inputs/text_input.h"
#include "tests/support/batch_harness.h"
#include "tests/support/test_client.h"
#include "tidemill/inputs.h"

namespace tidemill::test {
namespace {

using core::SourceObserver;
using Lines = std::vector<std::string>;

// A live source that a test drives.
class DrivenSource final : public core::Source {
public:
    explicit DrivenSource(Lines& life) : life_(life) {}

    DStream<std::string_view> stream(StreamingContext& context,
                                     std::shared_ptr<DrivenSource> self) {
        SourceDeclaration source;
        source.kind = source.description = "driven";
        source.label = "the driven source";
        source.maxRate = declaredRate;
        source.receive = [self](const SourceEnvironment& environment)
            -> core::Result<std::shared_ptr<core::Source>> {
            self->environment_ = std::make_unique<SourceEnvironment>(environment);
            return self;
        };
        const auto id = context.job()->addSource(std::move(source));
        return {context.job(),
                context.job()->graph.add(std::make_shared<core::TextInputNode>("driven", id))};
    }

    core::Result<> open(const core::SourceOpening& opening) override {
        life_.push_back("open at " + std::to_string(toMillis(opening.firstStart)));
        if (refusesOpen) return core::fail(core::ErrorKind::kInvalid, "these are not my positions");
        return {};
    }
    core::Result<> start() override {
        life_.push_back("start");
        if (refusesStart) return core::fail(core::ErrorKind::kIo, "nobody is there");
        return {};
    }
    void atBatchTime(BatchTime) override { append("line\n"); }
    bool canBeLimited() const override { return true; }
    void allow(const core::Allowance& allowance) override { allowedBytes = allowance.bytes; }
    void pause() override { life_.push_back("pause"); }
    void resume() override { life_.push_back("resume"); }
    void stop(bool graceful) override {
        if (!stopped_) life_.push_back(graceful ? "stop gracefully" : "stop");
        stopped_ = true;
    }
    core::SourceStatistics statistics() const override { return {.records = records_}; }

    SourceObserver& observer() { return *environment_->observer; }
    core::SourceId id() const { return environment_->id; }

    std::atomic<std::uint64_t> allowedBytes{core::Allowance::kUnlimited};
    std::optional<Rate> declaredRate;
    bool refusesOpen = false;
    bool refusesStart = false;

private:
    void append(std::string_view text) {
        auto buffer = core::Buffer::unpooled(text.size());
        std::memcpy(buffer.data(), text.data(), text.size());
        core::BlockOrigin origin;
        origin.source = environment_->id;
        origin.connection = 1;
        origin.firstLine = ++records_;
        origin.lines = 1;
        environment_->log.append(
            std::make_shared<core::Block>(std::move(buffer), text.size(), std::move(origin)));
    }

    Lines& life_;
    std::unique_ptr<SourceEnvironment> environment_;
    std::uint64_t records_ = 0;
    bool stopped_ = false;
};

class Heard final : public StreamingListener {
public:
    explicit Heard(Lines& into) : into_(into) {}
    void onReceiverError(const ReceiverInfo& info) override { into_.push_back(info.message); }

private:
    Lines& into_;
};

class SourceLife : public testing::Test {
protected:
    std::unique_ptr<Life> begin() {
        StreamingOptions options;
        options.directory = directory_ / "data";
        options.workers = 1;
        auto life = std::make_unique<Life>(options, fromMillis(5000));
        life->collect(source_->stream(life->context(), source_), seen_);
        life->context().addListener(std::make_shared<Heard>(heard_));
        return life;
    }

    TemporaryDirectory directory_;
    Lines life_, heard_;
    std::shared_ptr<DrivenSource> source_ = std::make_shared<DrivenSource>(life_);
    std::map<std::uint64_t, Lines> seen_;
};

TEST_F(SourceLife, IsOpenedStartedAskedAtBatchTimesAndStopped) {
    auto life = begin();
    life->start();
    life->run(2);
    EXPECT_EQ(life->context().status().sources.at(0).statistics.records, 2u);
    life->context().stop(true);
    EXPECT_EQ(life_, (Lines{"open at 5000", "start", "stop gracefully"}));
    EXPECT_EQ(seen_.at(1), Lines{"line"});
    EXPECT_EQ(seen_.at(2), Lines{"line"});
}

TEST_F(SourceLife, AnErrorThatPassesIsVisibleUntilItIsOver) {
    auto life = begin();
    life->start();
    life->run(1);
    EXPECT_EQ(life->context().status().sources.at(0).errors, 0u);
    source_->observer().sourceError(source_->id(), "the peer is away",
                                    SourceObserver::Trouble::kUntilRecovered);
    auto status = life->context().status().sources.at(0);
    EXPECT_TRUE(status.retrying);
    EXPECT_EQ(status.lastError, "the peer is away");
    EXPECT_EQ(status.errors, 1u);
    source_->observer().sourceError(source_->id(), "a client was refused",
                                    SourceObserver::Trouble::kOver);
    EXPECT_TRUE(life->context().status().sources.at(0).retrying) << "the peer is still away";
    source_->observer().sourceRecovered(source_->id());
    status = life->context().status().sources.at(0);
    EXPECT_FALSE(status.retrying);
    EXPECT_EQ(status.lastError, "a client was refused");
    EXPECT_EQ(status.errors, 2u);
    EXPECT_EQ(heard_, (Lines{"the peer is away", "a client was refused"}));
    life->run(1);
    EXPECT_EQ(seen_.size(), 2u) << "the job goes on";
    life->context().stop(true);
}

TEST_F(SourceLife, AnErrorThatDoesNotPassEndsTheJobWithWhatToDo) {
    auto life = begin();
    life->start();
    life->run(1);
    source_->observer().sourceFailed(
        source_->id(), {core::ErrorKind::kNotFound, "the topic is gone; make it and start again"});
    try {
        life->context().awaitTermination();
        FAIL() << "the job went on";
    } catch (const StreamingError& error) {
        EXPECT_STREQ(error.what(), "the driven source: the topic is gone; make it and start again");
    }
    EXPECT_EQ(heard_, (Lines{"the driven source: the topic is gone; make it and start again"}));
    life.reset();
    // The next life still knows.
    source_ = std::make_shared<DrivenSource>(life_);
    life = begin();
    life->start();
    const auto errors = life->context().status().sourceErrors;
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].source, "the driven source");
    EXPECT_EQ(errors[0].message, "the topic is gone; make it and start again");
    EXPECT_TRUE(errors[0].endedJob);
    EXPECT_TRUE(life->context().status().sources.at(0).lastError.empty()) << "not in this life";
    life->context().stop(true);
}

TEST_F(SourceLife, APauseByAnOperatorOutlastsTheProcess) {
    auto life = begin();
    life->start();
    life->run(1);
    life->context().pauseSource(0);
    EXPECT_TRUE(life->context().status().sources.at(0).paused);
    EXPECT_THROW(life->context().pauseSource(1), StreamingError);
    life->context().stop(false);
    EXPECT_EQ(life_, (Lines{"open at 5000", "start", "pause", "stop"}));

    life_.clear();
    source_ = std::make_shared<DrivenSource>(life_);
    life = begin();
    life->start();
    EXPECT_EQ(life_, (Lines{"open at 5000", "pause", "start"})) << "before anything is taken";
    EXPECT_TRUE(life->context().status().sources.at(0).paused);
    life->context().resumeSource(0);
    EXPECT_FALSE(life->context().status().sources.at(0).paused);
    life->context().stop(false);

    life_.clear();
    source_ = std::make_shared<DrivenSource>(life_);
    life = begin();
    life->start();
    EXPECT_EQ(life_, (Lines{"open at 5000", "start"}));
    life->context().stop(false);
    EXPECT_THROW(life->context().pauseSource(0), StreamingError);
}

TEST_F(SourceLife, ARateIsTheJobsOrTheOperatorsInItsPlace) {
    source_->declaredRate = Rate::bytes(1000);
    auto life = begin();
    life->start();
    const auto rate = [&] { return life->context().status().sources.at(0).maxRate; };
    EXPECT_EQ(rate(), Rate::bytes(1000));
    life->run(1);  // a second passes
    EXPECT_TRUE(eventually([&] { return source_->allowedBytes == 1000; }));
    life->context().setSourceRate(0, Rate::bytes(7));
    EXPECT_EQ(rate(), Rate::bytes(7));
    life->context().stop(false);

    source_ = std::make_shared<DrivenSource>(life_);
    source_->declaredRate = Rate::bytes(1000);
    life = begin();
    life->start();
    EXPECT_EQ(rate(), Rate::bytes(7));
    life->run(1);
    EXPECT_TRUE(eventually([&] { return source_->allowedBytes == 7; }));
    life->context().setSourceRate(0, std::nullopt);
    EXPECT_EQ(rate(), Rate::bytes(1000));
    life->context().stop(false);
}

TEST_F(SourceLife, AnOrderIsForTheSourceOfItsName) {
    const auto order = [&](const std::string& text) {
        std::ofstream(directory_ / "data" / "INTAKE") << "tidemill intake\nversion 1\n" << text;
    };
    begin()->start();
    const auto paused = [&](const std::string& text) {
        order(text);
        source_ = std::make_shared<DrivenSource>(life_);
        auto life = begin();
        life->start();
        const bool is = life->context().status().sources.at(0).paused;
        life->context().stop(false);
        return is;
    };
    // It has none: its kind and number.
    EXPECT_TRUE(paused("paused\tas the job says\tdriven 1\n"));
    EXPECT_FALSE(paused("paused\tas the job says\tdriven 2\n"));
    EXPECT_FALSE(paused("paused\tas the job says\tthe driven source\n"));
}

TEST_F(SourceLife, OrdersThatCannotBeReadEndTheStart) {
    begin()->start();
    std::ofstream(directory_ / "data" / "INTAKE") << "tidemill intake\nversion 1\npaus";
    source_ = std::make_shared<DrivenSource>(life_);
    try {
        begin()->start();
        FAIL() << "it started";
    } catch (const StreamingError& error) {
        EXPECT_NE(std::string(error.what()).find("INTAKE"), std::string::npos) << error.what();
        EXPECT_EQ(error.kind(), core::ErrorKind::kCorrupt);
    }
}

TEST_F(SourceLife, WhatItRefusesAtAStartIsTheStartsError) {
    source_->refusesOpen = true;
    EXPECT_THROW(begin()->start(), StreamingError);
    EXPECT_EQ(life_, (Lines{"open at 5000"})) << "what was not opened is not stopped";
    life_.clear();
    source_ = std::make_shared<DrivenSource>(life_);
    source_->refusesStart = true;
    EXPECT_THROW(begin()->start(), StreamingError);
    EXPECT_EQ(life_, (Lines{"open at 5000", "start", "stop"}));
}

TEST_F(SourceLife, APausedReplayableSourceIsNotAskedAndGoesOnWhereItWas) {
    Job job;
    SourceDeclaration declaration;
    declaration.kind = "memory";
    auto memory = std::make_shared<core::MemoryText>("a\nb\nc\n", 2);
    declaration.replayable = memory;
    job.addSource(std::move(declaration));
    class Nobody final : public SourceObserver {
        void sourceStarted(core::SourceId, const std::string&) override {}
        void sourceError(core::SourceId, const std::string&, Trouble) override {}
        void sourceRecovered(core::SourceId) override {}
        void sourceFailed(core::SourceId, core::Error) override {}
        void sourceStopped(core::SourceId, const std::string&) override {}
    } nobody;
    core::SystemClock clock;
    Inputs inputs(job, clock, nobody, [](const core::Error&) {});
    ASSERT_TRUE(inputs.open(fromMillis(0), {{}}));
    const auto takes = [&] { return inputs.planRanges(1 << 20, 1).value().size(); };
    EXPECT_EQ(takes(), 1u);
    memory->pause();
    EXPECT_EQ(takes(), 0u);
    EXPECT_EQ(inputs.prepareRanges({}, 100).value(), 0u);
    memory->resume();
    EXPECT_EQ(takes(), 1u);
    EXPECT_EQ(takes(), 1u);
    EXPECT_EQ(takes(), 0u) << "the text is used up";
}

}  // namespace
}  // namespace tidemill::test
