// The log fails under open connections, paused or not.
#include <thread>

#include "tests/sources/listening_fixture.h"

namespace tidemill::sources {
namespace {

class LogFailure : public ListeningFixture {};

TEST_F(LogFailure, EndsAllConnectionsWhileTheyArePausedAndSealed) {
    for (int round = 0; round < 20; ++round) {
        open();
        std::vector<test::TestClient> clients;
        for (int i = 0; i < 20; ++i) {
            clients.push_back(client());
            ASSERT_TRUE(clients.back().send("a line\nand half of one"));
        }
        ASSERT_TRUE(test::eventually([&] { return bytesRead() == 20u * 22u; }));
        if (round % 2 == 0) service->pause();
        for (auto& each : clients) each.send(" more\nand more\n");
        std::thread breaking([&] { log->breakDown(); });
        for (int i = 0; i < 20; ++i) service->flushOpenBlocks();
        breaking.join();
        service->resume();
        service->flushOpenBlocks();
        EXPECT_TRUE(allClosed());
        for (auto& each : clients) EXPECT_TRUE(each.ended());
        TearDown();
    }
}

}  // namespace
}  // namespace tidemill::sources
