#include "core/crc32c.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace tidemill::core {
namespace {

// RFC 3720, appendix B.4.
TEST(Crc32c, GivesThePublishedValues) {
    std::string bytes(32, '\0');
    EXPECT_EQ(crc32c(0, bytes.data(), bytes.size()), 0x8A9136AAu);
    bytes.assign(32, '\xFF');
    EXPECT_EQ(crc32c(0, bytes.data(), bytes.size()), 0x62A8AB43u);
    for (int i = 0; i < 32; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<char>(i);
    EXPECT_EQ(crc32c(0, bytes.data(), bytes.size()), 0x46DD794Eu);
    EXPECT_EQ(crc32c(0, "123456789", 9), 0xE3069283u);
    EXPECT_EQ(crc32c(0, "", 0), 0u);
}

TEST(Crc32c, BothPathsAgreeAndGoOnFromASeed) {
    std::mt19937 random(3);
    std::vector<char> bytes(100'000);
    for (auto& byte : bytes) byte = static_cast<char>(random());
    for (int round = 0; round < 300; ++round) {
        const std::size_t begin = random() % 64;
        const std::size_t size = random() % (bytes.size() - begin);
        const std::size_t cut = size == 0 ? 0 : random() % size;
        const char* data = bytes.data() + begin;
        const auto whole = crc32cPortable(7, data, size);
        ASSERT_EQ(crc32c(7, data, size), whole);
        ASSERT_EQ(crc32c(crc32c(7, data, cut), data + cut, size - cut), whole);
    }
}

}  // namespace
}  // namespace tidemill::core
