#include "core/format.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace tidemill::core {
namespace {

template <class T>
std::string format(const T& element) {
    std::string out;
    appendElement(out, element);
    return out;
}

TEST(Format, PairsAndTuplesArePrintedAsSparkDoes) {
    EXPECT_EQ(format(std::pair(std::string_view("word"), 3L)), "(word,3)");
    EXPECT_EQ(format(std::tuple(1, 2.5, std::string("x"))), "(1,2.5,x)");
    EXPECT_EQ(format(std::pair(1, std::pair(2, 3))), "(1,(2,3))");
}

TEST(Format, WholeDoublesKeepTheirPoint) {
    EXPECT_EQ(format(1.0), "1.0");
    EXPECT_EQ(format(0.1), "0.1");
    EXPECT_EQ(format(1e300), "1e+300");
}

TEST(Format, MissingValuesAndRanges) {
    EXPECT_EQ(format(std::optional<int>()), "None");
    EXPECT_EQ(format(std::optional<int>(4)), "Some(4)");
    EXPECT_EQ(format(std::vector<int>{1, 1}), "[1, 1]");
}

TEST(Format, ControlBytesCannotReachTheTerminal) {
    EXPECT_EQ(format(std::string("a\x1b[31m\n")), "a\\x1b[31m\\x0a");
    EXPECT_EQ(format(std::string("\x7f")), "\\x7f");
    EXPECT_EQ(format(std::string("\xc2\x9b")), "\\xc2\\x9b");
    EXPECT_EQ(format(std::string("a\0b", 3)), "a\\x00b");
}

TEST(Format, Utf8PassesAndWhatIsNoUtf8IsEscaped) {
    EXPECT_EQ(format(std::string("grün 水 🌊")), "grün 水 🌊");
    EXPECT_EQ(format(std::string("\xff\xfe")), "\\xff\\xfe");
    EXPECT_EQ(format(std::string("\xc3")), "\\xc3");
    EXPECT_EQ(format(std::string("\xed\xa0\x80")), "\\xed\\xa0\\x80");  // a surrogate
    EXPECT_EQ(format(std::string("\xf4\x90\x80\x80")), "\\xf4\\x90\\x80\\x80");
}

}  // namespace
}  // namespace tidemill::core
