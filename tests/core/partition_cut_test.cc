#include "core/partition_cut.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace tidemill::core {
namespace {

BlockPtr blockOf(const std::string& bytes, std::uint64_t lsn = 1) {
    Buffer buffer = Buffer::unpooled(bytes.size());
    std::memcpy(buffer.data(), bytes.data(), bytes.size());
    return std::make_shared<Block>(std::move(buffer), bytes.size(), BlockOrigin{}, Lsn(lsn));
}

std::string linesOf(std::size_t bytes, std::size_t lineBytes) {
    std::string text;
    while (text.size() < bytes) text += std::string(lineBytes, 'x') + "\n";
    return text;
}

Framing lines(SourceId) { return Framing::kLines; }
Framing prefixed(SourceId) { return Framing::kPrefixed; }

std::string partitionText(std::span<const BlockPtr> blocks, std::span<const CutPoint> cuts,
                          std::uint32_t partition) {
    std::string text;
    forEachPiece(blocks, cuts, partition,
                 [&](const Block& block, std::size_t begin, std::size_t end) {
                     text += block.bytesInMemory().substr(begin, end - begin);
                     return true;
                 });
    return text;
}

TEST(PartitionCut, NoBlocksGiveNoPartition) { EXPECT_TRUE(cutPartitions({}, 4, lines).empty()); }

TEST(PartitionCut, LittleDataStaysInOnePartition) {
    const std::vector<BlockPtr> blocks{blockOf("a\nb\n"), blockOf("c\n")};
    EXPECT_EQ(cutPartitions(blocks, 8, lines), (std::vector<CutPoint>{{0, 0}}));
}

TEST(PartitionCut, OneBlockIsCutAtLineEnds) {
    const std::vector<BlockPtr> blocks{blockOf(linesOf(4 * kPartitionBytesMin, 100))};
    const auto cuts = cutPartitions(blocks, 4, lines);
    ASSERT_EQ(cuts.size(), 4u);
    for (const auto& cut : cuts)
        EXPECT_TRUE(cut.offsetBytes == 0 ||
                    blocks[cut.block]->bytesInMemory()[cut.offsetBytes - 1] == '\n');
}

TEST(PartitionCut, PrefixedBlocksStayWhole) {
    std::vector<BlockPtr> blocks;
    for (int i = 0; i < 5; ++i) blocks.push_back(blockOf(std::string(kPartitionBytesMin, 'x')));
    for (const auto& cut : cutPartitions(blocks, 3, prefixed)) EXPECT_EQ(cut.offsetBytes, 0u);
}

TEST(PartitionCut, ALineLargerThanAShareGivesTheShareUp) {
    const std::vector<BlockPtr> blocks{blockOf(std::string(8 * kPartitionBytesMin, 'x') + "\n"),
                                       blockOf("short\n")};
    const auto cuts = cutPartitions(blocks, 4, lines);
    std::string all;
    for (std::uint32_t p = 0; p < cuts.size(); ++p) all += partitionText(blocks, cuts, p);
    EXPECT_EQ(all,
              std::string(blocks[0]->bytesInMemory()) + std::string(blocks[1]->bytesInMemory()));
}

TEST(PartitionCut, PartitionsTogetherAreTheBatchInOrder) {
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        std::vector<BlockPtr> blocks;
        std::string all;
        for (unsigned i = 0; i < 1 + random() % 6; ++i) {
            const auto text = linesOf(random() % (3 * kPartitionBytesMin), 1 + random() % 5000);
            all += text;
            blocks.push_back(blockOf(text));
        }
        const auto cuts = cutPartitions(blocks, 1 + random() % 9, lines);
        std::string joined;
        for (std::uint32_t p = 0; p < cuts.size(); ++p) {
            const auto part = partitionText(blocks, cuts, p);
            EXPECT_TRUE(part.empty() || part.back() == '\n');
            joined += part;
        }
        ASSERT_EQ(joined, all) << "round " << round;
    }
}

// Of all that cutPartitions may be asked to make.
TEST(PartitionCut, CutsFitTheirBlocksAndARecordWhateverTheWorkers) {
    std::vector<BlockPtr> blocks;
    for (int i = 0; i < 40; ++i) blocks.push_back(blockOf(linesOf(2 << 20, 100)));
    blocks.push_back(blockOf(""));
    for (const unsigned workers : {0U, 1U, 20U, 1000U, 1025U, 100000U, 0xFFFF'FFFFU}) {
        const auto cuts = cutPartitions(blocks, workers, lines);
        EXPECT_EQ(cuts.size(), std::clamp(workers, 1U, kPartitionsMax));
        EXPECT_TRUE(checkCuts(blocks, cuts, lines));
        std::size_t all = 0;
        for (std::uint32_t p = 0; p < cuts.size(); ++p)
            forEachPiece(blocks, cuts, p, [&](const Block&, std::size_t begin, std::size_t end) {
                all += end - begin;
                return true;
            });
        EXPECT_EQ(all, 40 * blocks.front()->sizeBytes());
    }
    EXPECT_TRUE(checkCuts({}, {}, lines));
    const std::vector<BlockPtr> empty{blockOf("")};
    EXPECT_TRUE(checkCuts(empty, cutPartitions(empty, 4, lines), lines));
}

}  // namespace
}  // namespace tidemill::core
