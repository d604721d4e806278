// Which state of a data directory each stateful operator of a job goes on with: by name, or by
// what its input is made of, or refused.
#include "tidemill/operator_match.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tidemill/lineage.h"

namespace tidemill {
namespace {

using core::OperatorEntry;
using core::OperatorId;
using Kind = StateFate::Kind;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Ids = std::vector<std::uint32_t>;

const std::string kTotals = "runningTotals key=string value=i64";
const std::string kWindow = "window key=string value=i64";

class Step final : public core::Node {
public:
    Step(std::string kind, const std::vector<core::Node*>& parents) : Node(std::move(kind)) {
        for (auto* parent : parents) addParent(*parent);
    }
};

// The streams and states of one version of a program.
class Program {
public:
    core::Node& source(const std::string& kind = "queueStream") { return step(kind, {}); }
    core::Node& step(const std::string& kind, const std::vector<core::Node*>& parents) {
        return *job_.graph.add(std::make_shared<Step>(kind, parents));
    }
    Program& named(const std::string& name, const std::string& signature) {
        StateDeclaration state;
        state.name = name;
        state.signature = signature;
        job_.states.push_back(std::move(state));
        return *this;
    }
    // Its name follows from its place: "window-1", "window-2" …
    Program& unnamed(const std::string& signature, core::Node& input) {
        const auto kind = signature.substr(0, signature.find(' '));
        named(kind + "-" + std::to_string(++unnamed_[kind]), signature);
        job_.states.back().isNamed = false;
        job_.states.back().node = &step(kind, {&input});
        return *this;
    }
    const Job& job() const { return job_; }

private:
    Job job_;
    std::map<std::string, int> unnamed_;
};

// A data directory, as far as it knows operators.
class OperatorMatchTest : public ::testing::Test {
protected:
    // A start of the program, which the directory takes over if it fits.
    OperatorMatch start(const Program& program, bool dropMismatched = false) {
        auto match = matchOperators(known_, program.job(), dropMismatched);
        EXPECT_EQ(match.ids.size(), program.job().states.size());
        EXPECT_EQ(match.isNew.size(), match.ids.size());
        for (std::size_t i = 1; i < match.entries.size(); ++i)
            EXPECT_LT(match.entries[i - 1].id, match.entries[i].id);
        if (match.fits) known_ = match.entries;
        return match;
    }
    static Ids idsOf(const OperatorMatch& match) {
        Ids ids;
        for (const auto id : match.ids) ids.push_back(id.value);
        return ids;
    }
    static std::vector<std::string> fatesOf(const OperatorMatch& match) {
        std::vector<std::string> texts;
        for (const auto& fate : match.fates)
            texts.push_back(std::string(nameOf(fate.kind)) + " " + fate.name);
        return texts;
    }
    // "1 totals", of all that the directory knows.
    std::vector<std::string> names() const {
        std::vector<std::string> texts;
        for (const auto& entry : known_) texts.push_back(toString(entry.id) + " " + entry.name);
        return texts;
    }
    // Counts of the words that begin with 'a', and of those that begin with 'b'; `before` stands
    // before both.
    static void countBoth(Program& program, bool swapped, const std::string& before = "") {
        auto* words = &program.source();
        if (!before.empty()) words = &program.step(before, {words});
        auto& a = program.step("filterA", {words});
        auto& b = program.step("filterB", {words});
        program.unnamed(kWindow, swapped ? b : a).unnamed(kWindow, swapped ? a : b);
    }

    std::vector<OperatorEntry> known_;
};

using Texts = std::vector<std::string>;

TEST_F(OperatorMatchTest, AnEmptyDirectoryHasNoStateOfAny) {
    Program program;
    program.named("totals", kTotals).unnamed(kWindow, program.source());
    const auto match = start(program);
    EXPECT_TRUE(match.fits);
    EXPECT_EQ(idsOf(match), (Ids{1, 2})) << "0 is nobody's";
    EXPECT_EQ(match.isNew, (std::vector<bool>{true, true}));
    EXPECT_TRUE(match.dropped.empty());
    EXPECT_EQ(fatesOf(match), (Texts{"new totals", "new window-1"}));
    EXPECT_EQ(match.fates[0].detail, "(" + kTotals + ")");
    ASSERT_EQ(known_.size(), 2u);
    EXPECT_EQ(known_[0], (OperatorEntry{OperatorId(1), "totals", kTotals}));
    // It is found again by more than its name.
    EXPECT_EQ(known_[1].signature, withLineage(kWindow, lineagesOf(program.job()).back()));
}

TEST_F(OperatorMatchTest, AJobWithoutStatesLeavesAllThatThereIs) {
    Program program;
    start(program.named("totals", kTotals));
    const auto match = start(Program());
    EXPECT_TRUE(match.fits);
    EXPECT_EQ(fatesOf(match), Texts{"orphaned totals"});
    EXPECT_EQ(names(), Texts{"1 totals"});
}

TEST_F(OperatorMatchTest, NamesAreFoundInWhateverOrderTheyAreDeclared) {
    Program before, after;
    start(before.named("a", kTotals).named("b", kTotals));
    const auto match = start(after.named("b", kTotals).named("new", kTotals).named("a", kTotals));
    EXPECT_TRUE(match.fits);
    EXPECT_EQ(idsOf(match), (Ids{2, 3, 1}));
    EXPECT_EQ(match.isNew, (std::vector<bool>{false, true, false}));
    EXPECT_EQ(fatesOf(match), (Texts{"kept b", "new new", "kept a"}));
}

TEST_F(OperatorMatchTest, AnOperatorThatComesBackFindsItsState) {
    Program both, second, again;
    start(both.named("a", kTotals).named("b", kTotals));
    const auto without = start(second.named("b", kTotals));
    EXPECT_TRUE(without.fits);
    EXPECT_EQ(fatesOf(without), (Texts{"kept b", "orphaned a"})) << "those of the job come first";
    EXPECT_EQ(without.fates[1].detail, "(" + kTotals + ")");
    EXPECT_TRUE(without.dropped.empty());
    EXPECT_EQ(idsOf(start(again.named("b", kTotals).named("a", kTotals))), (Ids{2, 1}));
}

TEST_F(OperatorMatchTest, IdsAreNeverUsedAgain) {
    known_ = {{OperatorId(3), "old", kTotals}, {OperatorId(9), "older", kTotals}};
    Program program;
    const auto match = start(program.named("a", kTotals).named("old", kTotals).named("b", kTotals));
    EXPECT_EQ(idsOf(match), (Ids{10, 3, 11}));
}

TEST_F(OperatorMatchTest, AnotherTypeUnderANameIsRefusedAndAllFatesAreSaid) {
    Program before, after;
    start(before.named("totals", kTotals).named("gone", kTotals).named("same", kTotals));
    const auto knownBefore = known_;
    const auto match = start(after.named("same", kTotals)
                                 .named("totals", "runningTotals key=u32 value=i64")
                                 .named("added", kWindow));
    ASSERT_FALSE(match.fits);
    EXPECT_EQ(match.fits.error().kind, core::ErrorKind::kConflict);
    EXPECT_EQ(fatesOf(match),
              (Texts{"kept same", "incompatible totals", "new added", "orphaned gone"}));
    EXPECT_THAT(match.fates[1].detail, AllOf(HasSubstr("(" + kTotals + ")"),
                                             HasSubstr("(runningTotals key=u32 value=i64)"),
                                             HasSubstr("difference: key=string -> key=u32")));
    const auto& message = match.fits.error().message;
    EXPECT_THAT(message,
                AllOf(HasSubstr("kept          same"), HasSubstr("incompatible  totals: "),
                      HasSubstr("new           added"), HasSubstr("orphaned      gone"),
                      HasSubstr(match.fates[1].detail), HasSubstr("--drop-mismatched-state")));
    EXPECT_EQ(known_, knownBefore);
    EXPECT_TRUE(start(before).fits) << "the job that wrote the state still fits";
}

TEST_F(OperatorMatchTest, ADroppedStateBeginsAnewAndNothingElseIsDropped) {
    Program before, after;
    start(before.named("totals", kTotals).named("same", kTotals).named("gone", kTotals));
    after.named("totals", kWindow).named("same", kTotals);
    const auto match = start(after, true);
    EXPECT_TRUE(match.fits);
    EXPECT_EQ(match.dropped, std::vector<OperatorId>{OperatorId(1)});
    EXPECT_EQ(idsOf(match), (Ids{4, 2}));
    EXPECT_EQ(match.isNew, (std::vector<bool>{true, false}));
    EXPECT_EQ(fatesOf(match), (Texts{"incompatible totals", "kept same", "orphaned gone"}));

    const auto again = start(after);
    EXPECT_TRUE(again.fits);
    EXPECT_EQ(idsOf(again), (Ids{4, 2}));
    EXPECT_EQ(fatesOf(again), (Texts{"kept totals", "kept same", "orphaned gone"}))
        << "what was dropped is not spoken of again";
}

// There is nothing left to go on with.
TEST_F(OperatorMatchTest, ADroppedStateIsNotFoundAgainByTheJobThatWroteIt) {
    Program before, after;
    start(before.named("totals", kTotals));
    start(after.named("totals", kWindow), true);
    const auto back = start(before);
    ASSERT_FALSE(back.fits);
    EXPECT_EQ(fatesOf(back), Texts{"incompatible totals"});
    const auto dropping = start(before, true);
    EXPECT_EQ(dropping.dropped, std::vector<OperatorId>{OperatorId(2)});
    EXPECT_EQ(idsOf(dropping), Ids{3});
    EXPECT_EQ(dropping.isNew, std::vector<bool>{true});
}

TEST_F(OperatorMatchTest, OnlyADifferenceThatMattersIsDropped) {
    Program before, after;
    start(before.named("totals", kTotals));
    const auto match = start(after.named("totals", kTotals), true);
    EXPECT_TRUE(match.dropped.empty());
    EXPECT_EQ(idsOf(match), Ids{1});
    EXPECT_EQ(match.isNew, std::vector<bool>{false});
}

TEST_F(OperatorMatchTest, TheDifferenceIsSaidInWholeWordsAndLists) {
    const struct {
        std::string held, wanted, difference;
    } cases[] = {
        {"totals key=u32", "totals key=u32 of_slide_ms=1000", "nothing -> of_slide_ms=1000"},
        {"totals idle=1 key=u32", "totals key=u32", "idle=1 -> nothing"},
        {"totals key=u32 value=i64", "window key=u32 value=i64", "totals -> window"},
        {R"(group key=["a" text, "b" int] value=[])", R"(group key=["a" text, "c d" int] value=[])",
         R"(key=["a" text, "b" int] -> key=["a" text, "c d" int])"},
        {R"(group key=["a]" text] value=[])", R"(group key=["a]\" " text] value=[])",
         R"(key=["a]" text] -> key=["a]\" " text])"},
        // Other names of columns are no part of it.
        {R"(group value=[count()] names=["n"])", R"(group value=[sum("n" int)] names=["m"])",
         R"(value=[count()] -> value=[sum("n" int)])"},
    };
    for (const auto& [held, wanted, difference] : cases) {
        known_.clear();
        Program before, after;
        start(before.named("state", held));
        const auto match = start(after.named("state", wanted));
        ASSERT_FALSE(match.fits);
        EXPECT_TRUE(match.fates[0].detail.ends_with("the difference: " + difference))
            << match.fates[0].detail;
    }
}

TEST_F(OperatorMatchTest, ColumnsMayBeCalledOtherwise) {
    const std::string before = R"(group key=["k" text] value=[count()] names=["n"])";
    const std::string after = R"(group key=["k" text] value=[count()] names=["total]"])";
    for (const bool isNamed : {true, false}) {
        known_.clear();
        Program old, renamed;
        if (isNamed) {
            old.named("group", before);
            renamed.named("group", after);
        } else {
            old.unnamed(before, old.source());
            renamed.unnamed(after, renamed.source());
        }
        start(old);
        const auto match = start(renamed);
        EXPECT_TRUE(match.fits);
        EXPECT_EQ(idsOf(match), Ids{1});
        EXPECT_EQ(fatesOf(match), Texts{isNamed ? "kept group" : "kept group-1"});
        EXPECT_EQ(splitSignature(known_[0].signature).signature, after)
            << "the directory has the names of today";
    }
}

TEST(SignatureWithoutNames, LosesThemAndNothingElse) {
    EXPECT_EQ(withoutNames("totals key=u32"), "totals key=u32");
    EXPECT_EQ(withoutNames(R"(g value=[count()] names=["n", "m"])"), "g value=[count()]");
    EXPECT_EQ(withoutNames(R"(g names=[] idle_ms=5)"), "g idle_ms=5");
    EXPECT_EQ(withoutNames(R"(g names=["a]b", "c\"]", "\\"] idle_ms=5)"), "g idle_ms=5")
        << "brackets and quotes inside of a name";
    EXPECT_EQ(withoutNames(R"(g names=["never ended])"), R"(g names=["never ended])");
    EXPECT_EQ(withoutNames(R"(g names=["n\)"), R"(g names=["n\)");
    EXPECT_EQ(withoutNames(""), "");
}

TEST(StateFateKinds, HaveTheNamesThatPeopleRead) {
    EXPECT_STREQ(nameOf(Kind::kKept), "kept");
    EXPECT_STREQ(nameOf(Kind::kNew), "new");
    EXPECT_STREQ(nameOf(Kind::kIncompatible), "incompatible");
    EXPECT_STREQ(nameOf(Kind::kUnclear), "unclear");
    EXPECT_STREQ(nameOf(Kind::kOrphaned), "orphaned");
}

TEST_F(OperatorMatchTest, StatesWithoutNamesMayChangePlaces) {
    Program before, after;
    countBoth(before, false);
    countBoth(after, true);
    start(before);
    EXPECT_EQ(names(), (Texts{"1 window-1", "2 window-2"}));
    const auto match = start(after);
    EXPECT_TRUE(match.fits);
    EXPECT_EQ(idsOf(match), (Ids{2, 1}));
    EXPECT_EQ(fatesOf(match), (Texts{"kept window-1", "kept window-2"}));
    EXPECT_EQ(names(), (Texts{"1 window-2", "2 window-1"})) << "the names follow the places";
    EXPECT_EQ(idsOf(start(before)), (Ids{1, 2}));
}

TEST_F(OperatorMatchTest, ThoseThatAreAlikeInAllKeepTheirOrder) {
    Program before, after;
    for (auto* program : {&before, &after}) {
        auto& words = program->source();
        program->unnamed(kWindow, words).unnamed(kWindow, words);
    }
    start(before);
    const auto match = start(after);
    EXPECT_TRUE(match.fits);
    EXPECT_EQ(idsOf(match), (Ids{1, 2}));
}

// The first gives its name to what was the second, and comes back under another.
TEST_F(OperatorMatchTest, OneWithoutANameThatGoesGivesItsNameUpAndComesBack) {
    Program both, second, again;
    countBoth(both, false);
    countBoth(again, false);
    second.unnamed(kWindow, second.step("filterB", {&second.source()}));
    start(both);
    const auto without = start(second);
    EXPECT_TRUE(without.fits);
    EXPECT_EQ(idsOf(without), Ids{2});
    EXPECT_EQ(names(), (Texts{"1 window-3", "2 window-1"})) << "a name that nobody had";
    EXPECT_EQ(fatesOf(without), (Texts{"kept window-1", "orphaned window-3"}));
    const auto back = start(again);
    EXPECT_TRUE(back.fits);
    EXPECT_EQ(idsOf(back), (Ids{1, 2}));
    EXPECT_EQ(names(), (Texts{"1 window-1", "2 window-2"}));
}

TEST_F(OperatorMatchTest, ANewOneInFrontTakesTheNameAndNotTheState) {
    Program before, after;
    before.unnamed(kWindow, before.step("filterA", {&before.source()}));
    auto& words = after.source();
    after.unnamed(kWindow, after.step("filterB", {&words}));
    after.unnamed(kWindow, after.step("filterA", {&words}));
    start(before);
    const auto match = start(after);
    EXPECT_TRUE(match.fits);
    EXPECT_EQ(idsOf(match), (Ids{2, 1}));
    EXPECT_EQ(match.isNew, (std::vector<bool>{true, false}));
    EXPECT_EQ(fatesOf(match), (Texts{"new window-1", "kept window-2"}));
    EXPECT_EQ(names(), (Texts{"1 window-2", "2 window-1"}));
}

TEST_F(OperatorMatchTest, TheOnlyOneOfItsTypesIsFoundBehindOtherStepsAndSources) {
    Program before, otherSteps, otherSource;
    before.unnamed(kWindow, before.source()).unnamed(kTotals, before.source());
    otherSteps.unnamed(kTotals, otherSteps.step("map", {&otherSteps.source()}));
    otherSource.unnamed(kWindow, otherSource.source("socketTextStream"));
    start(before);
    EXPECT_EQ(idsOf(start(otherSteps)), Ids{2});
    const auto match = start(otherSource);
    EXPECT_TRUE(match.fits);
    EXPECT_EQ(idsOf(match), Ids{1});
}

TEST_F(OperatorMatchTest, OneOfEachSourceIsFoundByItsSourceBehindOtherSteps) {
    const auto build = [](Program& program, const std::string& step, bool swapped) {
        std::vector<core::Node*> inputs;
        for (const char* kind : {"queueStream", "socketTextStream"})
            inputs.push_back(&program.step(step, {&program.source(kind)}));
        if (swapped) std::swap(inputs[0], inputs[1]);
        for (auto* input : inputs) program.unnamed(kWindow, *input);
    };
    Program before, after;
    build(before, "map", false);
    build(after, "flatMap", true);
    start(before);
    const auto match = start(after);
    EXPECT_TRUE(match.fits);
    EXPECT_EQ(idsOf(match), (Ids{2, 1}));
}

TEST_F(OperatorMatchTest, WhichOfSeveralOneIsMustBeKnown) {
    Program before, after, named;
    countBoth(before, false);
    countBoth(after, false, "map");
    start(before);
    const auto match = start(after);
    ASSERT_FALSE(match.fits);
    EXPECT_EQ(match.fits.error().kind, core::ErrorKind::kConflict);
    EXPECT_EQ(fatesOf(match), (Texts{"unclear window-1", "unclear window-2"}));
    for (const auto& fate : match.fates)
        EXPECT_THAT(fate.detail, AllOf(HasSubstr("may be window-1 window-2"), HasSubstr(kWindow),
                                       Not(HasSubstr("from="))));
    EXPECT_THAT(match.fits.error().message, HasSubstr("unclear       window-2"));

    // The way out: each is given the name of the one that it is.
    const auto said = start(named.named("window-2", kWindow).named("window-1", kWindow));
    EXPECT_TRUE(said.fits);
    EXPECT_EQ(idsOf(said), (Ids{2, 1}));
}

TEST_F(OperatorMatchTest, NeitherOfTwoThatMayBeTheOnlyOneTakesIt) {
    Program before, after;
    before.unnamed(kWindow, before.source());
    countBoth(after, false, "map");
    start(before);
    const auto match = start(after);
    ASSERT_FALSE(match.fits);
    EXPECT_EQ(fatesOf(match), (Texts{"unclear window-1", "unclear window-2"}));
}

TEST_F(OperatorMatchTest, UnclearOnesAreDroppedOnceEachAndBeginAnew) {
    Program before, after;
    countBoth(before, false);
    before.named("totals", kTotals);
    countBoth(after, false, "map");
    after.named("totals", kTotals);
    start(before);
    const auto match = start(after, true);
    EXPECT_TRUE(match.fits);
    EXPECT_EQ(match.dropped, (std::vector<OperatorId>{OperatorId(1), OperatorId(2)}));
    EXPECT_EQ(idsOf(match), (Ids{4, 5, 3}));
    EXPECT_EQ(match.isNew, (std::vector<bool>{true, true, false}));
    const auto again = start(after);
    EXPECT_TRUE(again.fits);
    EXPECT_EQ(idsOf(again), (Ids{4, 5, 3}));
}

TEST_F(OperatorMatchTest, AnotherTypeUnderANameByPlaceIsRefusedToo) {
    Program before, after;
    before.unnamed(kWindow, before.source());
    after.unnamed("window key=u32 value=i64", after.source());
    start(before);
    const auto match = start(after);
    ASSERT_FALSE(match.fits);
    EXPECT_EQ(fatesOf(match), Texts{"incompatible window-1"});
    EXPECT_THAT(match.fates[0].detail,
                AllOf(HasSubstr("difference: key=string -> key=u32"), Not(HasSubstr("from="))));
}

TEST_F(OperatorMatchTest, ANameThatIsGivenStaysWithItsStateAndNoOtherTakesIt) {
    Program before, named, other;
    before.unnamed(kWindow, before.source());
    start(before);
    EXPECT_EQ(idsOf(start(named.named("window-1", kWindow))), Ids{1});
    EXPECT_EQ(known_[0].signature, kWindow) << "it is found by its name from now on";
    // The only one of its types, but of another name.
    const auto match = start(other.named("counts", kWindow));
    EXPECT_TRUE(match.fits);
    EXPECT_EQ(idsOf(match), Ids{2});
    EXPECT_EQ(fatesOf(match), (Texts{"new counts", "orphaned window-1"}));
}

TEST_F(OperatorMatchTest, ANewNameDoesNotTakeTheStateOfOneWithoutAName) {
    Program before, after;
    before.unnamed(kWindow, before.source());
    start(before);
    const auto match = start(after.named("counts", kWindow));
    EXPECT_TRUE(match.fits);
    EXPECT_EQ(fatesOf(match), (Texts{"new counts", "orphaned window-1"}));
}

TEST_F(OperatorMatchTest, OneWithoutANameDoesNotTakeTheStateOfOneThatHasAnother) {
    Program before, after;
    start(before.named("counts", kWindow));
    after.unnamed(kWindow, after.source());
    const auto match = start(after);
    EXPECT_TRUE(match.fits);
    EXPECT_EQ(idsOf(match), Ids{2});
    EXPECT_EQ(fatesOf(match), (Texts{"new window-1", "orphaned counts"}));
}

// As of a directory that an older version wrote, or whose program had given the name itself.
TEST_F(OperatorMatchTest, ANameByPlaceFindsAStateThatWasKeptByName) {
    known_ = {{OperatorId(1), "window-1", kWindow}};
    Program program;
    program.unnamed(kWindow, program.source());
    const auto match = start(program);
    EXPECT_TRUE(match.fits);
    EXPECT_EQ(idsOf(match), Ids{1});
    EXPECT_NE(known_[0].signature, kWindow) << "it is found by its input from now on";
    EXPECT_EQ(splitSignature(known_[0].signature).signature, kWindow);
}

}  // namespace
}  // namespace tidemill
