// What the keys of a TOML table give, and the words for those that are wrong.
#include "tools/toml_table.h"

#include <gmock/gmock.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/secrets.h"

namespace tidemill::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using std::string_literals::operator""s;

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();

// The top of a file, as the table [job] of job.toml.
struct Read {
    explicit Read(std::string_view text) : parsed(toml::parse(text)) {}
    std::string said() const { return errors.text(); }

    toml::table parsed;
    JobFileErrors errors{"job.toml"};
    TomlTable table{parsed, "[job]", errors};
};

// What is said of `key = VALUE` by whoever reads it with `read`; it must give the default then.
template <class Reading>
std::string refusal(const std::string& value, Reading read) {
    Read file("key = " + value);
    read(file.table);
    EXPECT_LE(file.errors.count(), 1u) << file.said();
    const std::string place = "job.toml:1:7: key is ";
    const auto said = file.said();
    if (said.empty()) return "";
    EXPECT_TRUE(said.starts_with(place)) << said;
    return said.substr(place.size());
}

TEST(JobFileErrors, ComeInTheOrderOfTheFileAndAtOnePlaceInThatOfTheirFinding) {
    JobFileErrors errors("a.toml");
    EXPECT_TRUE(errors.empty());
    EXPECT_EQ(errors.text(), "");
    errors.add({10, 1}, "last");
    errors.add({2, 7}, "z, found first");
    errors.add({2, 7}, "a, found second");
    errors.add({2, 3}, "first");
    EXPECT_FALSE(errors.empty());
    EXPECT_EQ(errors.count(), 4u);
    EXPECT_EQ(errors.text(),
              "a.toml:2:3: first\n"
              "a.toml:2:7: z, found first\n"
              "a.toml:2:7: a, found second\n"
              "a.toml:10:1: last");
}

// A sort of a few elements may keep their order by chance.
TEST(JobFileErrors, ManyAtOnePlaceKeepTheirOrder) {
    JobFileErrors errors("a.toml");
    std::string expected;
    for (int i = 0; i < 100; ++i) {
        errors.add({1, 1}, std::to_string(i));
        expected += (i == 0 ? "" : "\n") + "a.toml:1:1: "s + std::to_string(i);
    }
    EXPECT_EQ(errors.text(), expected);
}

TEST(JobFileErrors, ShowNeitherSecretsNorWhatATerminalWouldObey) {
    core::keepSecret("open sesame", "${GATE}");
    JobFileErrors errors("a.toml");
    errors.add({1, 1}, "key is \"open sesame\", \x1b[31mred\nnext\xff, größer");
    EXPECT_EQ(errors.text(), "a.toml:1:1: key is \"${GATE}\", \\x1b[31mred\\x0anext\\xff, größer");
}

TEST(TomlTable, EachKeyHasItsPlaceAndAMissingOneThatOfTheTable) {
    Read file("\n  first = 1\nsecond = [\n  2 ]\n");
    EXPECT_EQ(std::pair(file.table.at("first").line, file.table.at("first").column),
              std::pair(2u, 11u));
    EXPECT_EQ(file.table.at("second").line, 3u);
    const auto missing = file.table.at("third"), whole = file.table.at();
    EXPECT_EQ(std::pair(missing.line, missing.column), std::pair(whole.line, whole.column));
    const toml::table absent;
    EXPECT_EQ(std::pair(positionOf(absent).line, positionOf(absent).column), std::pair(1u, 1u))
        << "a table that the file does not have";
}

TEST(TomlTable, ATextIsWhatStandsInQuotesOrElseTheDefault) {
    Read file("a = \"one\"\nb = \"\"\nc = 'C:\\n'\n");
    EXPECT_EQ(file.table.text("a", "default"), "one");
    EXPECT_EQ(file.table.text("b", "default"), "");
    EXPECT_EQ(file.table.text("c", "default"), "C:\\n");
    EXPECT_EQ(file.table.text("none", "default"), "default");
    EXPECT_EQ(file.table.requiredText("a"), "one");
    EXPECT_EQ(file.said(), "");
}

TEST(TomlTable, ATextOfAnotherTypeOrWithANulIsRefused) {
    const auto read = [](TomlTable& table) { EXPECT_EQ(table.text("key", "default"), "default"); };
    EXPECT_EQ(refusal("5", read), "5, but must be a text in quotes");
    EXPECT_THAT(refusal("[\"a\"]", read), HasSubstr(", but must be a text in quotes"));
    EXPECT_EQ(refusal("\"a\\u0000b\"", read), "\"a\\x00b\", but must be a text without NUL bytes");
}

TEST(TomlTable, ALongValueIsCutShortInWhatIsSaid) {
    const auto said = refusal("\"" + std::string(1000, 'x') + "\"", [](TomlTable& table) {
        EXPECT_EQ(table.integer("key", 1, 0, 2), 1);
    });
    EXPECT_THAT(said, HasSubstr(std::string(50, 'x') + std::string(9, 'x') + "…, but must be"));
    EXPECT_LT(said.size(), 120u);
}

TEST(TomlTable, ARequiredTextMustBeThereAndNotEmpty) {
    Read file("\nempty = \"\"\nnumber = 3\n");
    EXPECT_EQ(file.table.requiredText("empty"), "");
    EXPECT_EQ(file.table.requiredText("number"), "");
    EXPECT_EQ(file.table.requiredText("none"), "");
    EXPECT_EQ(file.errors.count(), 3u);
    EXPECT_THAT(file.said(), HasSubstr(": [job] lacks the key \"none\"\n"));
    EXPECT_THAT(file.said(), HasSubstr("job.toml:2:9: empty must not be empty\n"
                                       "job.toml:3:10: number is 3, but must be a text in quotes"));
}

TEST(TomlTable, AnIntegerMayBeAnyFromTheLeastToTheMost) {
    Read file(
        "least = -3\nmost = 7\nlowest = -9223372036854775808\nhighest = 9223372036854775807\n");
    EXPECT_EQ(file.table.integer("least", 0, -3, 7), -3);
    EXPECT_EQ(file.table.integer("most", 0, -3, 7), 7);
    EXPECT_EQ(file.table.integer("lowest", 0, kLowest, kHighest), kLowest);
    EXPECT_EQ(file.table.requiredInteger("highest", kLowest, kHighest), kHighest);
    EXPECT_EQ(file.table.integer("none", 99, -3, 7), 99) << "a default need not be in the range";
    EXPECT_EQ(file.said(), "");
}

TEST(TomlTable, AnIntegerOutsideOrOfAnotherTypeIsRefused) {
    const auto read = [](TomlTable& table) { EXPECT_EQ(table.integer("key", 1, -3, 7), 1); };
    for (const char* value : {"-4", "8", "1.0", "true", "\"1\"", "1979-05-27"})
        EXPECT_THAT(refusal(value, read), HasSubstr(", but must be a whole number from -3 to 7"))
            << value;
}

TEST(TomlTable, ARequiredIntegerThatIsMissingOrWrongGivesTheLeast) {
    Read file("wrong = 9\n");
    EXPECT_EQ(file.table.requiredInteger("none", 2, 5), 2);
    EXPECT_EQ(file.table.requiredInteger("wrong", 2, 5), 2);
    EXPECT_THAT(file.said(), HasSubstr("[job] lacks the key \"none\""));
    EXPECT_THAT(file.said(), HasSubstr("wrong is 9, but must be a whole number from 2 to 5"));
}

TEST(TomlTable, ABooleanIsTrueOrFalseAndNothingElse) {
    Read file("yes = true\nno = false\n");
    EXPECT_TRUE(file.table.boolean("yes", false));
    EXPECT_FALSE(file.table.boolean("no", true));
    EXPECT_TRUE(file.table.boolean("none", true));
    EXPECT_EQ(file.said(), "");
    const auto read = [](TomlTable& table) { EXPECT_TRUE(table.boolean("key", true)); };
    for (const char* value : {"0", "\"false\"", "[]"})
        EXPECT_THAT(refusal(value, read), HasSubstr(", but must be true or false")) << value;
}

TEST(TomlTable, ADurationHasAUnitOrIsANumberOfSeconds) {
    const std::pair<const char*, std::int64_t> cases[] = {
        {"\"250ms\"", 250},  {"\"1s\"", 1'000},       {"\"2 min\"", 120'000},
        {"\"2m\"", 120'000}, {"\"1.5h\"", 5'400'000}, {"\"2d\"", 172'800'000},
        {"3", 3'000},        {"0.25", 250},           {"0", 0},
        {"\"0ms\"", 0},      {"\"1.6ms\"", 2},        {"\"876000h\"", 876'000LL * 3'600'000},
    };
    for (const auto& [value, millis] : cases) {
        Read file("key = "s + value);
        EXPECT_EQ(file.table.duration("key", Duration(-1)).count(), millis) << value;
        EXPECT_EQ(file.said(), "") << value;
    }
    EXPECT_EQ(Read("").table.duration("key", Duration(42), Duration(50)), Duration(42));
}

TEST(TomlTable, AWrongDurationIsRefused) {
    const auto read = [](TomlTable& table) {
        EXPECT_EQ(table.duration("key", Duration(42)), Duration(42));
    };
    for (const char* value : {"\"soon\"", "\"10\"", "\"5 weeks\"", "\"-1s\"", "\"\"", "\"1s 5ms\"",
                              "-1", "-0.5", "nan", "true", "[1]", "\"nans\"", "\"1e999s\""})
        EXPECT_THAT(refusal(value, read), HasSubstr(", but must be a time such as \"250ms\""))
            << value;
    for (const char* value : {"\"876001h\"", "inf", "1e300", "\"1e300d\"", "3153600001"})
        EXPECT_THAT(refusal(value, read), HasSubstr(", but must be at most 876000h")) << value;
}

TEST(TomlTable, ADurationHasALeastOneAndNeverRoundsToNothing) {
    const auto any = [](TomlTable& table) {
        EXPECT_EQ(table.duration("key", Duration(42)), Duration(42));
    };
    EXPECT_THAT(refusal("\"0.4ms\"", any), HasSubstr(", but must be at least 1ms"));
    EXPECT_THAT(refusal("1e-9", any), HasSubstr(", but must be at least 1ms"));
    const auto tenMillis = [](TomlTable& table) {
        EXPECT_EQ(table.duration("key", Duration(42), Duration(10)), Duration(42));
    };
    for (const char* value : {"0", "\"9ms\""})
        EXPECT_THAT(refusal(value, tenMillis), HasSubstr(", but must be at least 10ms")) << value;
    EXPECT_EQ(Read("key = \"10ms\"").table.duration("key", Duration(42), Duration(10)),
              Duration(10));
}

TEST(TomlTable, ASizeHasAUnitOrIsANumberOfBytes) {
    const std::pair<const char*, std::size_t> cases[] = {
        {"4096", 4096},
        {"0", 0},
        {"\"512\"", 512},
        {"\"512B\"", 512},
        {"\"1.5KiB\"", 1536},
        {"\"64MiB\"", 64 << 20},
        {"\"2 GiB\"", std::size_t{2} << 30},
        {"\"3kB\"", 3'000},
        {"\"3MB\"", 3'000'000},
        {"\"1 GB\"", 1'000'000'000},
        {"\"1048576GiB\"", TomlTable::kSizeMax},
        {"1125899906842624", TomlTable::kSizeMax},
    };
    for (const auto& [value, bytes] : cases) {
        Read file("key = "s + value);
        EXPECT_EQ(file.table.size("key", 7, 0), bytes) << value;
        EXPECT_EQ(file.said(), "") << value;
    }
    EXPECT_EQ(Read("").table.size("key", 7, 100, 200), 7u);
}

TEST(TomlTable, AWrongSizeIsRefused) {
    const auto read = [](TomlTable& table) { EXPECT_EQ(table.size("key", 7, 0), 7u); };
    for (const char* value : {"\"big\"", "\"1TB\"", "\"1mib\"", "\"-1\"", "-1", "1.5", "true",
                              "\"1048577GiB\"", "1125899906842625", "\"1e300GB\"", "\"infB\""})
        EXPECT_THAT(refusal(value, read), HasSubstr(", but must be a size such as \"64MiB\""))
            << value;
    EXPECT_THAT(refusal("\"0.5B\"", read), HasSubstr(", but must be at least a byte"));
}

TEST(TomlTable, ASizeMayBeAnyFromTheLeastToTheMost) {
    const auto read = [](TomlTable& table) { EXPECT_EQ(table.size("key", 7, 100, 200), 7u); };
    EXPECT_THAT(refusal("99", read), HasSubstr("99, but must be at least 100 bytes"));
    EXPECT_THAT(refusal("0", read), HasSubstr("0, but must be at least 100 bytes"));
    EXPECT_THAT(refusal("\"0.2KiB\"", read), HasSubstr(", but must be at most 200 bytes"));
    Read file("least = 100\nmost = 200\n");
    EXPECT_EQ(file.table.size("least", 7, 100, 200), 100u);
    EXPECT_EQ(file.table.size("most", 7, 100, 200), 200u);
    EXPECT_EQ(file.said(), "");
}

TEST(TomlTable, AChoiceGivesThePlaceInTheList) {
    Read file("first = \"listen\"\nlast = \"files\"\nother = 1\n");
    EXPECT_EQ(file.table.choice("first", {"listen", "socket", "files"}), 0u);
    EXPECT_EQ(file.table.choice("last", {"listen", "socket", "files"}), 2u);
    EXPECT_EQ(file.said(), "");
    file.table.finish();
    EXPECT_THAT(file.said(), HasSubstr("unknown key \"other\""));
}

TEST(TomlTable, BesideAWrongChoiceNoOtherKeyIsBlamed) {
    const std::vector<std::string> allowed = {"listen", "socket"};
    const std::pair<const char*, const char*> cases[] = {
        {"type = \"lisen\"", "type \"lisen\" is not known, did you mean \"listen\"?"},
        {"type = \"punch cards\"", "type \"punch cards\" is not known; known are: listen, socket"},
        {"type = \"\"", "type must not be empty"},
        {"type = 5", "type is 5, but must be a text in quotes"},
        {"", "[job] lacks the key \"type\""},
    };
    for (const auto& [line, words] : cases) {
        Read file(line + "\nport = 1\n"s);
        EXPECT_EQ(file.table.choice("type", allowed), std::nullopt) << line;
        file.table.finish();
        EXPECT_EQ(file.errors.count(), 1u) << file.said();
        EXPECT_TRUE(file.said().ends_with(words)) << file.said();
    }
}

TEST(TomlTable, TextsMayBeOneOrAList) {
    Read file("one = \"a\"\nlist = [\"b\", \"a\", \"b\"]\nempty = []\n");
    EXPECT_THAT(file.table.texts("one"), ElementsAre("a"));
    EXPECT_THAT(file.table.texts("list"), ElementsAre("b", "a", "b"));
    EXPECT_THAT(file.table.texts("empty"), IsEmpty());
    EXPECT_THAT(file.table.texts("none"), IsEmpty());
    EXPECT_EQ(file.said(), "");
}

TEST(TomlTable, ANulIsRefusedInListsAndPairsToo) {
    const char* const refused = "\"a\\x00b\", but must be a text without NUL bytes";
    EXPECT_EQ(refusal("\"a\\u0000b\"", [](TomlTable& table) { table.texts("key"); }), refused);
    Read list("list = [\"c\", \"a\\u0000b\"]\n");
    EXPECT_THAT(list.table.texts("list"), IsEmpty());
    EXPECT_EQ(list.said(), "job.toml:1:14: list is " + std::string(refused));
    Read file("pairs = {one = \"a\\u0000b\"}\n");
    EXPECT_THAT(file.table.requiredPairs("pairs"), IsEmpty());
    EXPECT_THAT(file.said(), HasSubstr("one is "));
    EXPECT_THAT(file.said(), HasSubstr("without NUL bytes"));
}

TEST(TomlTable, AListWithAnythingElseInItIsRefusedAtThatPlace) {
    Read file("list = [\"a\", 5, 6]\nnumber = 5\n");
    EXPECT_THAT(file.table.texts("list"), IsEmpty());
    EXPECT_THAT(file.table.texts("number"), IsEmpty());
    EXPECT_EQ(file.said(),
              "job.toml:1:14: list is 5, but must be a text in quotes\n"
              "job.toml:2:10: number is 5, but must be a text in quotes, or a list of such");
}

TEST(TomlTable, MembersComeInTheOrderOfTheFile) {
    Read file("inline = {z = 1, a = \"two\", m = true}\n[spread]\nz = 1\n\na = 2\n");
    std::vector<std::string> names;
    for (const auto& [name, node] : file.table.members("inline")) names.push_back(name);
    EXPECT_THAT(names, ElementsAre("z", "a", "m"));
    const auto spread = file.table.members("spread");
    ASSERT_EQ(spread.size(), 2u);
    EXPECT_EQ(spread[0].first, "z");
    EXPECT_EQ(spread[1].second->value<int>(), 2);
    EXPECT_EQ(file.said(), "");
}

TEST(TomlTable, MembersMayBeMissingOnlyWhereTheyAreNotRequiredAndNeverEmpty) {
    Read file("\nempty = {}\ntext = \"a\"\n");
    EXPECT_THAT(file.table.members("none", false), IsEmpty());
    EXPECT_EQ(file.said(), "");
    EXPECT_THAT(file.table.members("absent"), IsEmpty());
    EXPECT_THAT(file.table.members("empty", false), IsEmpty());
    EXPECT_THAT(file.table.members("text", false), IsEmpty());
    EXPECT_EQ(file.errors.count(), 3u);
    EXPECT_THAT(file.said(), HasSubstr("[job] lacks the key \"absent\""));
    EXPECT_THAT(file.said(), HasSubstr("job.toml:2:9: empty is {}, but must be a table: {name"));
    EXPECT_THAT(file.said(), HasSubstr("job.toml:3:8: text is \"a\", but must be a table: {name"));
}

TEST(TomlTable, PairsAreTextsOrWholeNumbersInTheOrderOfTheFile) {
    Read file("paths = {status = 9, path = \"/url\", below = -1}\n");
    EXPECT_THAT(file.table.requiredPairs("paths"),
                ElementsAre(Pair("status", "9"), Pair("path", "/url"), Pair("below", "-1")));
    EXPECT_EQ(file.table.pairs("paths").size(), 3u);
    EXPECT_THAT(file.table.pairs("none"), IsEmpty());
    EXPECT_EQ(file.said(), "");
    EXPECT_THAT(file.table.requiredPairs("none"), IsEmpty());
    EXPECT_THAT(file.said(), HasSubstr("[job] lacks the key \"none\""));
}

TEST(TomlTable, APairOfAnotherTypeIsRefusedAndTheOthersStay) {
    Read file("paths = {a = 1.5, b = \"x\", c = true}\n");
    EXPECT_THAT(file.table.pairs("paths"), ElementsAre(Pair("b", "x")));
    EXPECT_EQ(file.said(),
              "job.toml:1:14: a is 1.5, but must be a text in quotes or a whole number\n"
              "job.toml:1:32: c is true, but must be a text in quotes or a whole number");
}

TEST(TomlTable, EveryKeyThatWasAskedForIsKnownThereOrNot) {
    Read file(
        "a = \"x\"\nb = \"x\"\nc = 1\nd = 1\ne = true\nf = 1\ng = 1\nh = \"x\"\ni = \"x\"\n"
        "j = {x = 1}\nk = {x = 1}\nl = {x = 1}\nm = 1\n");
    auto& table = file.table;
    table.text("a", "");
    table.requiredText("b");
    table.integer("c", 0, 0, 9);
    table.requiredInteger("d", 0, 9);
    table.boolean("e", false);
    table.duration("f", Duration(0));
    table.size("g", 0, 0);
    table.choice("h", {"x"});
    table.texts("i");
    table.requiredPairs("j");
    table.members("k");
    table.pairs("l");
    EXPECT_NE(table.node("m"), nullptr);
    EXPECT_EQ(table.node("none"), nullptr);
    table.finish();
    EXPECT_EQ(file.said(), "");
}

TEST(TomlTable, AKeyNobodyAskedForIsReportedWithTheNearestOne) {
    Read file("interval = 1\nintervall = 1\ncolour = \"blue\"\n");
    EXPECT_TRUE(file.table.has("colour")) << "to look is not to ask";
    file.table.integer("interval", 0, 0, 9);
    file.table.pairs("absent");
    file.table.finish();
    EXPECT_EQ(file.said(),
              "job.toml:2:1: unknown key \"intervall\" in [job], did you mean \"interval\"?\n"
              "job.toml:3:1: unknown key \"colour\" in [job]; known are: interval, absent");
}

TEST(TomlTable, ARequiredKeyThatIsMissingIsWhatAMistypedOneMayHaveMeant) {
    Read file("nmae = \"x\"\nprot = 1\n");
    file.table.requiredText("name");
    file.table.requiredInteger("port", 1, 9);
    file.table.finish();
    EXPECT_THAT(file.said(), HasSubstr("unknown key \"nmae\" in [job], did you mean \"name\"?"));
    EXPECT_THAT(file.said(), HasSubstr("unknown key \"prot\" in [job], did you mean \"port\"?"));
}

TEST(TomlTable, TheContentIsTheSameForAnotherLayout) {
    const auto content = [](const char* text) { return Read(text).table.content({}); };
    const auto plain = content(
        "do = \"count\"\nby = [\"a\", \"b\"]\nlimit = 5\nfields = {z = \"/z\", a = \"/a\"}\n");
    EXPECT_EQ(content("# a remark\nlimit   =  5  # five\n\nby = [\n  'a',\n  'b',\n]\n"
                      "fields = { z = '/z',   a = '/a' }\ndo = \"\"\"count\"\"\"\n"),
              plain);
    EXPECT_EQ(content("do = 'count'\nby = ['a', 'b']\nlimit = 0x5\n[fields]\nz = '/z'\na = '/a'\n"),
              plain);
}

TEST(TomlTable, TheContentTellsValuesAndTheOrderOfColumnsApart) {
    const auto content = [](const char* text) { return Read(text).table.content({}); };
    const auto plain = content("by = [\"a\", \"b\"]\nfields = {z = 1, a = 2}\n");
    for (const char* other : {
             "by = [\"b\", \"a\"]\nfields = {z = 1, a = 2}\n",
             "by = [\"a\", \"b\"]\nfields = {z = 1, a = 3}\n",
             "by = [\"a\", \"b\"]\nfields = {a = 2, z = 1}\n",
             "by = [\"a\", \"b\"]\nfields = {z = 1, a = \"2\"}\n",
             "by = [\"a\", \"b\"]\nfields = {z = 1, a = 2}\nlimit = 5\n",
             "by = [\"a\", \"b\"]\n",
         })
        EXPECT_NE(content(other), plain) << other;
}

TEST(TomlTable, TheContentLeavesOutTheKeysNamed) {
    const std::vector<std::string> without = {"name", "from", "none"};
    Read named("name = \"x\"\nlimit = 5\nfrom = {a = 1}\n");
    EXPECT_EQ(named.table.content(without), Read("limit = 5\n").table.content(without));
    EXPECT_NE(named.table.content(without), Read("limit = 6\n").table.content(without));
    EXPECT_TRUE(named.table.has("name")) << "the table itself stays as it is";
}

}  // namespace
}  // namespace tidemill::tools
