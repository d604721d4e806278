// What is said to people holds no secret.
#include "core/secrets.h"

#include <gtest/gtest.h>

#include "core/logging.h"

namespace tidemill::core {
namespace {

// Secrets are kept for the life of the process: each test has its own.
TEST(Secrets, TextWithoutOneStaysAsItIs) {
    EXPECT_EQ(withoutSecrets("nothing … here"), "nothing … here");
}

TEST(Secrets, AreHiddenWhereverTheyStand) {
    keepSecret("open-sesame", "${env:DOOR}");
    EXPECT_EQ(withoutSecrets("open-sesame, and open-sesameopen-sesame."),
              "${env:DOOR}, and ${env:DOOR}${env:DOOR}.");
    EXPECT_EQ(withoutSecrets("open-sesam"), "open-sesam") << "something else";
}

TEST(Secrets, ThatHoldAnotherAreHiddenWhole) {
    keepSecret("raven", "${env:BIRD}");
    keepSecret("ravenous", "${env:HUNGER}");
    EXPECT_EQ(withoutSecrets("ravenous raven"), "${env:HUNGER} ${env:BIRD}");
}

TEST(Secrets, AreHiddenAsMessagesEscapeThem) {
    keepSecret("two\nlines", "${file:two}");
    EXPECT_EQ(withoutSecrets("\"" + escaped("two\nlines") + "\""), "\"${file:two}\"");
    EXPECT_EQ(withoutSecrets("\"two\nlines\""), "\"${file:two}\"");
}

TEST(Secrets, ThatAreCutShortAreHidden) {
    keepSecret("a-very-long-password", "${env:LONG}");
    EXPECT_EQ(withoutSecrets("is \"" + escaped("a-very-long-password", 12) + "\" a-very"),
              "is \"${env:LONG}…\" a-very");
}

TEST(Secrets, OfThreeBytesAreWords) {
    keepSecret("the", "${env:WORD}");
    EXPECT_EQ(withoutSecrets("the tide"), "the tide");
}

TEST(Secrets, AreNotLogged) {
    keepSecret("not-for-logs", "${env:LOGGED}");
    ::testing::internal::CaptureStderr();
    logInfo("it is not-for-logs");
    logError("nor is not-for-logs");
    const auto logged = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(logged.find("not-for-logs"), logged.npos) << logged;
    EXPECT_NE(logged.find("it is ${env:LOGGED}"), logged.npos) << logged;
}

}  // namespace
}  // namespace tidemill::core
