// DStream::remember and slice: batches that are kept for the program to look back at.
#include "tests/tidemill/window_data.h"

namespace tidemill::test {
namespace {

TEST(Remember, SlicesHoldTheBatchesOfTheirTimes) {
    Life life(inMemory());
    RecordQueue<std::string> queue;
    for (const char* word : {"1", "2", "3", "4", "5"}) queue.push({word});
    const auto kept = life.context().queueStream(queue).remember(3s);
    EXPECT_THROW(kept.slice(fromMillis(0), fromMillis(9000)), std::logic_error);
    life.start();
    life.run(5);
    const auto timesOf = [&](std::int64_t from, std::int64_t to) {
        std::vector<std::string> words;
        for (const auto& batch : kept.slice(fromMillis(from), fromMillis(to)))
            for (const auto& word : batch.elements)
                words.push_back(word + "@" + std::to_string(toMillis(batch.time)));
        return words;
    };
    using Lines = std::vector<std::string>;
    EXPECT_EQ(timesOf(3000, 4000), (Lines{"3@3000", "4@4000"}));
    EXPECT_EQ(timesOf(4999, 5001), (Lines{"4@4000", "5@5000"}));
    EXPECT_EQ(timesOf(0, 100'000), (Lines{"3@3000", "4@4000", "5@5000"})) << "older ones are gone";
    EXPECT_EQ(timesOf(6000, 7000), Lines());
    life.context().stop();
}

TEST(Remember, TheOldestGoWhenTheyTakeTooMuch) {
    auto options = inMemory();
    options.maxRememberedBytes = 3500;
    Life life(options);
    RecordQueue<std::string> queue;
    for (const char letter : {'1', '2', '3', '4', '5'}) queue.push({std::string(1000, letter)});
    queue.push({std::string(5000, '6')});
    queue.push({"7"});
    const auto kept = life.context().queueStream(queue).remember(100s);
    const auto lettersOf = [&](std::int64_t from, std::int64_t to) {
        std::string letters;
        for (const auto& batch : kept.slice(fromMillis(from), fromMillis(to)))
            for (const auto& text : batch.elements) letters += text.front();
        return letters;
    };
    life.start();
    life.run(3);
    EXPECT_EQ(lettersOf(0, 100'000), "123");
    life.run(2);
    EXPECT_EQ(lettersOf(3000, 100'000), "345");
    EXPECT_THAT([&] { lettersOf(2000, 100'000); },
                ThrowsMessage<std::out_of_range>(
                    AllOf(HasSubstr("2000 ms"), HasSubstr("maxRememberedBytes"))));
    life.run(2);
    EXPECT_EQ(lettersOf(7000, 100'000), "7");
    EXPECT_THROW(lettersOf(6000, 6000), std::out_of_range) << "alone it takes too much";
    life.context().stop();
}

// What would not be remembered any more anyhow is not missed.
TEST(Remember, WhatWasDroppedIsForgottenInItsTime) {
    auto options = inMemory();
    options.maxRememberedBytes = 1500;
    Life life(options);
    RecordQueue<std::string> queue;
    for (const char letter : {'1', '2'}) queue.push({std::string(1000, letter)});
    const auto kept = life.context().queueStream(queue).remember(3s);
    life.start();
    life.run(2);
    EXPECT_THROW(kept.slice(fromMillis(0), fromMillis(9000)), std::out_of_range);
    life.run(2);
    EXPECT_EQ(kept.slice(fromMillis(0), fromMillis(9000)).size(), 3u);
    life.context().stop();
}

}  // namespace
}  // namespace tidemill::test
