#include "core/workers.h"

#include <gtest/gtest.h>

#include <atomic>

namespace tidemill::core {
namespace {

TEST(Workers, EveryTaskRunsOnce) {
    for (unsigned threads : {1u, 2u, 7u}) {
        Workers workers(threads);
        for (std::size_t tasks : {0u, 1u, 2u, 16u, 1000u}) {
            std::vector<std::atomic<int>> ran(tasks);
            ASSERT_TRUE(workers.run(tasks, [&](std::size_t i) { ++ran[i]; }));
            for (const auto& count : ran) ASSERT_EQ(count, 1);
        }
    }
}

TEST(Workers, AnExceptionComesBackAsAnErrorThatNamesIt) {
    Workers workers(2);
    const auto result = workers.run(10, [](std::size_t i) {
        if (i == 3) throw std::runtime_error("no such thing");
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kUserCode);
    EXPECT_NE(result.error().message.find("no such thing"), std::string::npos);
}

TEST(Workers, AnErrorOfTheEngineKeepsItsKind) {
    Workers workers(2);
    const auto result = workers.run(4, [](std::size_t) {
        throw TaskFailure(Error{ErrorKind::kCorrupt, "block checksum"});
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kCorrupt);
}

TEST(Workers, RunAgainAfterAnErrorForgetsIt) {
    Workers workers(2);
    EXPECT_FALSE(workers.run(4, [](std::size_t) { throw 1; }));
    EXPECT_TRUE(workers.run(4, [](std::size_t) {}));
}

}  // namespace
}  // namespace tidemill::core
