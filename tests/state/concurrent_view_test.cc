// Readers and writers on workers while another thread freezes, ingests and links.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/state/store_fixture.h"

namespace tidemill::state {
namespace {

class ConcurrentViewTest : public StoreFixture {};

// The owner of a range adds one to every key and reads it back, again and again; whatever an ingest
// does meanwhile, it must see exactly the sum so far.
TEST_F(ConcurrentViewTest, AReaderSeesEachOperandOnceWhileItIsIngested) {
    auto& table = store_->table(kOperator, 0, ValueKind::kSum);
    constexpr int kBatches = 60;
    constexpr int kKeys = 40;
    std::vector<std::vector<std::string>> keys(core::kKeyRanges);
    for (int i = 0; std::ranges::any_of(keys, [](auto& k) { return k.size() < kKeys; }); ++i) {
        const auto key = "key" + std::to_string(i);
        auto& into = keys[core::keyRangeOf(core::keyGroup(key))];
        if (into.size() < kKeys) into.push_back(key);
    }

    // Freezes come at boundaries, so the threads work batch by batch.
    std::optional<std::thread> checkpoint;
    for (std::uint64_t batch = 1; batch <= kBatches; ++batch) {
        const auto work = [&](std::uint32_t firstRange) {
            Lookup lookup;
            for (std::uint32_t range = firstRange; range < core::kKeyRanges; range += 2) {
                std::vector<std::string_view> views(keys[range].begin(), keys[range].end());
                const std::vector<std::uint64_t> ones(views.size(), 1);
                must(table.range(range).merge(viewsOf(views), views.size(), ones.data()));
                for (int again = 0; again < 3; ++again) {
                    must(table.range(range).get(viewsOf(views), views.size(), lookup));
                    for (std::size_t i = 0; i < views.size(); ++i)
                        ASSERT_EQ(lookup.number(i), batch) << views[i];
                    auto walker = table.range(range).walk();
                    std::size_t seen = 0;
                    while (must(walker.next())) {
                        ASSERT_EQ(walker.value(), numberBytes(batch)) << walker.key();
                        ++seen;
                    }
                    ASSERT_EQ(seen, views.size());
                }
            }
        };
        std::thread other(work, 1);
        work(0);
        other.join();
        if (batch % 2 == 0) {
            if (checkpoint) checkpoint->join();
            checkpoint.emplace([this, frozen = store_->freeze(markOf(batch))]() mutable {
                must(store_->ingest(std::move(frozen)));
                link();
            });
        }
    }
    if (checkpoint) checkpoint->join();
}

// Two workers write more than the budget holds while checkpoints are under way.
TEST_F(ConcurrentViewTest, WorkersThatFillTheBudgetWaitForTheCheckpointsLink) {
    budgetBytes_ = 1 << 20;
    restartFrom("");
    auto& table = store_->table(kOperator, 1, ValueKind::kBytes);
    const std::string value(300, 'v');
    std::uint64_t rowsPut[2] = {};
    for (std::uint64_t batch = 1; batch <= 5; ++batch) {
        std::thread checkpoint([this, frozen = store_->freeze(markOf(batch))]() mutable {
            must(store_->ingest(std::move(frozen)));
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            link();
        });
        const auto work = [&](std::uint32_t parity) {
            for (int i = 0; i < 8000; ++i) {
                const auto key = std::to_string(batch) + "/" + std::to_string(i);
                StateRange& range = table.rangeOf(key);
                if (range.number() % 2 != parity) continue;
                must(range.put(key, value));
                ++rowsPut[parity];
            }
        };
        std::thread other(work, 1);
        work(0);
        other.join();
        checkpoint.join();
    }
    EXPECT_EQ(rows(table).size(), rowsPut[0] + rowsPut[1]);
    EXPECT_EQ(rowsPut[0] + rowsPut[1], 40000u);
}

TEST_F(ConcurrentViewTest, AFailedCheckpointReleasesWhoWaitsForItsLink) {
    auto frozen = store_->freeze(markOf(1));
    std::thread failing([this] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        store_->checkpointFailed({core::ErrorKind::kNoSpace, "publish failed"});
    });
    const auto spilled = store_->spill();
    failing.join();
    ASSERT_FALSE(spilled.has_value());
    EXPECT_EQ(spilled.error().kind, core::ErrorKind::kNoSpace);
}

}  // namespace
}  // namespace tidemill::state
