#include "tidemill/source_errors.h"

#include <gtest/gtest.h>

#include "tests/support/simulated_disk.h"

namespace tidemill {
namespace {

class SourceErrorsTest : public ::testing::Test {
protected:
    SourceErrorsTest() {
        EXPECT_TRUE(disk_.createDirectory("/data"));
        EXPECT_TRUE(disk_.syncDirectory("/"));
    }
    tidemill::testing::SimulatedDisk disk_;
    std::function<core::Result<>()> ours = [] { return core::Result<>(); };
};

TEST_F(SourceErrorsTest, AreKeptOverRestartsAndPowerCuts) {
    const SourceError away{fromMillis(1700000000000), "orders", "the broker is away", false};
    const SourceError gone{fromMillis(1700000001000), "orders", "the topic is gone", true};
    {
        SourceErrors errors;
        errors.open(disk_, "/data", ours);
        errors.add(away);
        errors.add(gone);
        ASSERT_TRUE(errors.keep());
        ASSERT_TRUE(errors.keep()) << "nothing new is nothing to write";
    }
    disk_.crash(tidemill::testing::SimulatedDisk::Fate::kLoseAll);
    SourceErrors errors;
    errors.open(disk_, "/data", ours);
    EXPECT_EQ(errors.recent(), (std::vector<SourceError>{away, gone}));
}

TEST_F(SourceErrorsTest, TheLastHundredAreKept) {
    SourceErrors errors;
    errors.open(disk_, "/data", ours);
    for (int i = 0; i < 150; ++i) errors.add({fromMillis(i), "s", std::string(3000, 'x'), false});
    EXPECT_EQ(errors.recent().size(), SourceErrors::kMost);
    EXPECT_EQ(errors.recent().front().time, fromMillis(50));
    EXPECT_EQ(errors.recent().front().message.size(), SourceErrors::kMessageBytesMax);
    ASSERT_TRUE(errors.keep());
    SourceErrors again;
    again.open(disk_, "/data", ours);
    EXPECT_EQ(again.recent(), errors.recent());
}

TEST_F(SourceErrorsTest, TheFileIsAsDocumentedAndOneThatDoesNotParseIsNone) {
    SourceErrors errors;
    errors.open(disk_, "/data", ours);
    errors.add({fromMillis(1700000000000), "source 0 (kafka)", "two\nlines\tand a tab", true});
    ASSERT_TRUE(errors.keep());
    const auto text = core::readWholeFile(disk_, "/data/SOURCE_ERRORS", 4096).value();
    EXPECT_EQ(text,
              "tidemill source errors\nversion 1\n"
              "1700000000000\tended-job\tsource 0 (kafka)\ttwo lines and a tab\n");
    const auto head = text.find("1700");
    for (std::size_t size = 0; size < text.size(); ++size)
        EXPECT_EQ(decodeSourceErrors(text.substr(0, size)).has_value(), size == head) << size;
    ASSERT_TRUE(core::publishFile(disk_, "/data/SOURCE_ERRORS", "something else"));
    SourceErrors again;
    again.open(disk_, "/data", ours);
    EXPECT_TRUE(again.recent().empty());
}

TEST_F(SourceErrorsTest, NothingIsWrittenToADirectoryThatIsNoLongerOurs) {
    SourceErrors errors;
    errors.open(disk_, "/data",
                [] { return core::Result<>(core::fail(core::ErrorKind::kConflict, "replaced")); });
    errors.add({fromMillis(1), "s", "m", false});
    EXPECT_FALSE(errors.keep());
    EXPECT_FALSE(disk_.exists("/data/SOURCE_ERRORS"));
}

TEST_F(SourceErrorsTest, WithoutADirectoryTheyAreInMemory) {
    SourceErrors errors;
    errors.add({fromMillis(1), "s", "m", false});
    ASSERT_TRUE(errors.keep());
    EXPECT_EQ(errors.recent().size(), 1u);
}

}  // namespace
}  // namespace tidemill
