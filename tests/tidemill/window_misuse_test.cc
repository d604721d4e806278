// Windows that are refused, with what the message says.
#include "tests/tidemill/window_data.h"

namespace tidemill::test {
namespace {

TEST(WindowMisuse, LengthAndSlideMustBeMultiplesOfTheStreamsSlide) {
    StreamingContext context(inMemory());
    RecordQueue<std::string> queue;
    const auto words = context.queueStream(queue);
    EXPECT_THROW(words.window(1500ms), std::invalid_argument);
    EXPECT_THROW(words.window(2s, 500ms), std::invalid_argument);
    EXPECT_THROW(words.window(0s), std::invalid_argument);
    EXPECT_THROW(words.window(-2s), std::invalid_argument);
    EXPECT_THROW(words.window(2s, 2s).countByWindow(3s, 2s), std::invalid_argument);
    try {
        ones(words).reduceByKeyAndWindow(kPlus, 2500ms);
        FAIL() << "declared";
    } catch (const std::invalid_argument& error) {
        EXPECT_STREQ(
            error.what(),
            "reduceByKeyAndWindow: a window's length (2500 ms) and slide (1000 ms) must be "
            "multiples of the slide of the stream it is over (1000 ms)");
    }
}

TEST(WindowMisuse, StreamsOfDifferentSlidesAreNotJoined) {
    StreamingContext context(inMemory());
    RecordQueue<std::string> queue;
    const auto counts = ones(context.queueStream(queue));
    EXPECT_THROW(counts.join(counts.window(2s, 2s)), std::invalid_argument);
    counts.join(counts.window(2s, 1s));
}

TEST(WindowMisuse, AChangedWindowIsRefused) {
    TemporaryDirectory directory;
    const auto start = [&](Duration length) {
        StreamingOptions options;
        options.directory = directory / "data";
        Life life(options);
        RecordQueue<std::string> queue;
        Seen seen;
        life.collect(life.context().queueStream(queue).window(length, 1s, "last"), seen);
        life.start();
        life.run(1);
        life.context().stop();
    };
    start(2s);
    EXPECT_THROW(start(3s), StreamingError);
    start(2s);
}

TEST(WindowMisuse, AWindowThatGainsOrLosesAnInverseIsRefused) {
    TemporaryDirectory directory;
    const auto start = [&](auto build) {
        StreamingOptions options;
        options.directory = directory / "data";
        Life life(options);
        RecordQueue<std::string> queue;
        queue.push({"a1"});
        Seen seen;
        life.collect(build(joined(life.context().queueStream(queue))), seen);
        life.start();
        life.run(1);
        life.context().stop();
    };
    const auto plain = [](auto s) { return s.reduceByKeyAndWindow(kJoin, 2s, 1s, "last"); };
    const auto inverse = [](auto s) {
        const auto cutFront = [](const std::string& a, const std::string& b) {
            return a.substr(b.size());
        };
        return s.reduceByKeyAndWindow(kJoin, cutFront, 2s, 1s, "last");
    };
    start(plain);
    EXPECT_THROW(start(inverse), StreamingError);
    start(plain);
}

TEST(WindowMisuse, AMessageNamesTheOperation) {
    StreamingContext context(inMemory());
    RecordQueue<std::string> queue;
    const auto words = context.queueStream(queue);
    const auto messageOf = [](auto declare) {
        try {
            declare();
        } catch (const std::invalid_argument& error) {
            return std::string(error.what());
        }
        return std::string("declared");
    };
    const auto begins = [](const std::string& text, const std::string& with) {
        return text.substr(0, with.size());
    };
    for (const auto& [name, message] : std::map<std::string, std::string>{
             {"countByWindow: ", messageOf([&] { words.countByWindow(1500ms); })},
             {"countByValueAndWindow: ", messageOf([&] { words.countByValueAndWindow(1500ms); })},
             {"reduceByWindow: ", messageOf([&] { words.reduceByWindow(kJoin, 1500ms); })},
             {"groupByKeyAndWindow: ",
              messageOf([&] { joined(words).groupByKeyAndWindow(1500ms); })}})
        EXPECT_EQ(begins(message, name), name);
}

}  // namespace
}  // namespace tidemill::test
