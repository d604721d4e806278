#include "core/key_group.h"

#include <gtest/gtest.h>

#include <string>

namespace tidemill::core {
namespace {

TEST(KeyGroup, IsAFormatAndNeverChanges) {
    EXPECT_EQ(keyGroup(""), 0xC2);
    EXPECT_EQ(keyGroup("a"), 0x1F);
    EXPECT_EQ(keyGroup("the"), 0x7D);
    EXPECT_EQ(keyGroup("streaming"), 0x28);
    EXPECT_EQ(keyGroup(std::string_view("\0\0\0\1", 4)), 0x0F);
    EXPECT_EQ(keyGroup(std::string(300, 'x')), 0x54);
}

}  // namespace
}  // namespace tidemill::core
