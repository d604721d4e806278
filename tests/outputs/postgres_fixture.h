// A private PostgreSQL server whose public schema is empty when a test begins.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "rows/outputs.h"
#include "tests/outputs/sql_rig.h"
#include "tests/support/private_postgres.h"

namespace tidemill::test {

class PostgresTest : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        if (!PrivatePostgres::isInstalled()) return;
        std::string why;
        server_ = PrivatePostgres::start(why);
        ASSERT_NE(server_, nullptr) << why;
    }
    static void TearDownTestSuite() { server_.reset(); }
    void SetUp() override {
        if (!PrivatePostgres::isInstalled())
            GTEST_SKIP() << "the package postgresql-15 is not here";
        ASSERT_NE(server_, nullptr);
        run("drop schema public cascade; create schema public; grant all on schema public to "
            "public;");
    }

    static std::string run(const std::string& script) {
        std::string why;
        const auto answer = server_->run(script, why);
        EXPECT_EQ(why, "") << script;
        return answer;
    }
    static std::string ask(const std::string& query) {
        std::string why;
        return server_->run(query + ";", why);
    }

    static inline std::unique_ptr<PrivatePostgres> server_;
};

}  // namespace tidemill::test
