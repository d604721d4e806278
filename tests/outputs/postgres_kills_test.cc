// Job and PostgreSQL server are killed at random moments while rows come: each is in the table once
// in the end, and the totals are right. TIDEMILL_SQL_ROUNDS says how often, by default 100 times;
// TIDEMILL_SQL_SEED chooses the moments.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <thread>

#include "tests/outputs/sql_rig.h"
#include "tests/support/private_postgres.h"

namespace tidemill::test {
namespace {

using std::chrono::milliseconds;

unsigned long numberOf(const char* variable, unsigned long byDefault) {
    const char* text = std::getenv(variable);
    return text == nullptr ? byDefault : std::stoul(text);
}

TEST(PostgresKills, OfJobAndServerLoseAndDoubleNothing) {
    if (!PrivatePostgres::isInstalled()) GTEST_SKIP() << "the package postgresql-15 is not here";
    std::string why;
    const auto server = PrivatePostgres::start(why);
    ASSERT_NE(server, nullptr) << why;
    const Query ask = [&](const std::string& query) {
        std::string ignored;
        return server->run(query + ";", ignored);
    };
    const auto rounds = numberOf("TIDEMILL_SQL_ROUNDS", 100);
    const auto seed = numberOf("TIDEMILL_SQL_SEED", std::random_device{}());
    SCOPED_TRACE("TIDEMILL_SQL_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto below = [&](std::uint64_t most) { return random() % most; };

    SqlJobRig rig([&](const std::string& table) {
        return "to = \"postgres\"\nconnection = \"" + server->connection() + "\"\ntable = \"" +
               table + "\"\ncreate = true\n";
    });
    auto job = rig.start();
    for (unsigned long round = 0; round < rounds; ++round) {
        // Rows that come while the moment of the kill does.
        for (auto pieces = 1 + below(4); pieces > 0; --pieces) {
            rig.feed(1 + below(3000));
            std::this_thread::sleep_for(milliseconds(below(120)));
        }
        const bool takesServer = below(8) == 0;
        if (takesServer) server->kill();
        if (!takesServer || below(2) == 0) {
            ASSERT_EQ(job->poll(), std::nullopt) << rig.words();
            job->kill();
            job = rig.start();
        }
        if (takesServer) {
            ASSERT_TRUE(server->restart());
        }
    }
    rig.feed(1);  // so that there is something to wait for
    EXPECT_TRUE(rig.await(ask, std::chrono::seconds(120))) << rig.words();
    EXPECT_EQ(rig.stop(*job), 0) << rig.words();
    EXPECT_EQ(rig.problems(ask), "");
}

}  // namespace
}  // namespace tidemill::test
