// Every write of a generation's files, failing once.
#include <gtest/gtest.h>

#include "tests/state/store_fixture.h"
#include "tests/support/fault_file_system.h"

namespace tidemill::state {
namespace {

class LinkFaultTest : public StoreFixture {
protected:
    void openOnFaultyDisk() {
        store_.reset();
        StateStoreOptions options;
        options.files = &faulty_;
        options.workDirectory = work();
        options.compacts = false;  // a compaction's own changes would be counted, or fail
        store_ = must(StateStore::open(options));
    }

    testing::FaultFileSystem faulty_{files()};
};

TEST_F(LinkFaultTest, AGenerationThatCannotBeLinkedEndsCheckpointsAndSparesTheOneBefore) {
    using Fault = testing::FaultFileSystem::Fault;
    merge(store_->table(kOperator, 0, ValueKind::kSum), "tide", 1);
    const auto before = checkpoint(1);
    bool fired = true;
    std::uint64_t change = 1;
    for (; fired; ++change) {
        restartFrom(before);
        openOnFaultyDisk();
        auto& table = store_->table(kOperator, 0, ValueKind::kSum);
        merge(table, "tide", 1);
        must(store_->ingest(store_->freeze(markOf(2))));
        const auto into = root_ / ("torn-" + std::to_string(change));
        must(files().createDirectory(into));
        faulty_.arm(change % 2 == 0 ? Fault::kNoSpace : Fault::kErrorOnce, change);
        const auto linked = store_->linkInto(into);
        fired = faulty_.fired();
        faulty_.arm(Fault::kNone, 0);
        ASSERT_EQ(linked.has_value(), !fired) << change;
        // Nobody waits for a link that will not come.
        ASSERT_EQ(store_->spill().has_value(), !fired) << change;
        ASSERT_EQ(number(table, "tide"), 2) << change;
    }
    EXPECT_GT(change, 4u);
    restartFrom(before);
    EXPECT_EQ(must(store_->mark()), markOf(1));
    EXPECT_EQ(number(store_->table(kOperator, 0, ValueKind::kSum), "tide"), 1);
}

TEST_F(LinkFaultTest, AnIngestThatFailsIsReportedToAllThatFollow) {
    merge(store_->table(kOperator, 0, ValueKind::kSum), "tide", 1);
    auto frozen = store_->freeze(markOf(1));
    // Where the files to ingest would be written.
    must(files().removeTree(work()));
    const auto ingested = store_->ingest(std::move(frozen));
    ASSERT_FALSE(ingested.has_value());
    EXPECT_EQ(ingested.error().kind, core::ErrorKind::kIo) << ingested.error().message;
    EXPECT_FALSE(store_->spill().has_value());
}

}  // namespace
}  // namespace tidemill::state
