// `tidemill replay` and `why`: a past batch run again on a copy, and which records made a value.
#include "tests/tools/program_fixture.h"

namespace tidemill::test {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// Objects of a command's output, one a line.
std::vector<Json> linesOf(const Outcome& outcome) {
    std::vector<Json> lines;
    std::istringstream text(outcome.out);
    for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
    return lines;
}

class Past : public Program {
protected:
    // Words in small letters, which are counted. Checkpoints come with graceful stops only, so that
    // what is in reach does not change.
    void writeJob() {
        fs::create_directories(rig_.path() / "shown");
        rig_.writeDialingJob(server_, "[[output]]\nto = \"json_lines\"\npath = \"" +
                                          (rig_.path() / "shown").string() + "\"\n");
        change("job.toml", "interval = \"300ms\"", "interval = \"1h\"");
        change("job.toml", "do = \"split\"", "do = \"lower_case\"\n[[step]]\ndo = \"split\"");
    }

    void change(const std::string& file, const std::string& from, const std::string& to) {
        auto job = contentOf(rig_.path() / file);
        const auto at = job.find(from);
        ASSERT_NE(at, job.npos) << from;
        std::ofstream(rig_.path() / file) << job.replace(at, from.size(), to);
    }

    void start() {
        daemon_ = rig_.start();
        server_.accept();
    }

    // Sends lines that become one batch, as they come in one piece; returns which. `word` is new.
    std::uint64_t batchWith(const std::string& text, const std::string& word) {
        server_.send(text);
        for (int i = 0; i < 600; ++i, ::usleep(20'000))
            for (const auto& entry : fs::directory_iterator(rig_.path() / "shown"))
                if (entry.path().extension() == ".jsonl" &&
                    contentOf(entry.path()).find("\"" + word + "\"") != std::string::npos)
                    return std::stoull(entry.path().stem().string());
        ADD_FAILURE() << word << " was not shown: " << rig_.daemonErrors();
        return 0;
    }

    Outcome past(std::vector<std::string> words) {
        words.insert(words.begin() + 1, (rig_.path() / "job.toml").string());
        return rig_.look(words);
    }

    void nothingIsLeftBehind() const {
        for (const auto& entry : fs::directory_iterator(rig_.path()))
            EXPECT_EQ(entry.path().filename().string().find("data."), std::string::npos)
                << entry.path();
    }

    std::unique_ptr<ChildProcess> daemon_;
};

class Replay : public Past {
protected:
    // By the beginning of their labels.
    static Json stepOf(const std::vector<Json>& lines, const std::string& name) {
        for (const auto& line : lines)
            if (line.contains("step") &&
                line["step"].get<std::string>().find(name) != std::string::npos)
                return line;
        return {};
    }
};

TEST_F(Replay, ShowsWhatEachStepGaveInAPastBatchAndTouchesNothing) {
    writeJob();
    start();
    batchWith("tide mill\nmill\n", "mill");
    const auto batch = batchWith("Tide FORK\n", "fork");
    batchWith("tide later\n", "later");
    // While the job runs, and when it has been killed.
    for (const bool runs : {true, false}) {
        if (!runs) daemon_->kill();
        const auto before = rig_.snapshot();
        const auto said = past({"replay", "--batch", std::to_string(batch), "--json"});
        ASSERT_EQ(said.code, 0) << said.err;
        const auto lines = linesOf(said);
        EXPECT_EQ(lines[0]["batch"], batch);
        EXPECT_EQ(lines[0]["logged_records"], 1);
        EXPECT_EQ(stepOf(lines, "source of line ")["first"],
                  Json::parse(R"([{"value":"Tide FORK"}])"));
        EXPECT_EQ(stepOf(lines, "step 1 (lower_case)")["first"],
                  Json::parse(R"([{"value":"tide fork"}])"));
        EXPECT_EQ(stepOf(lines, "\"words\"")["gave"], 2);
        EXPECT_THAT(stepOf(lines, "\"totals\"")["first"],
                    UnorderedElementsAre(Json::parse(R"({"key":"tide","value":2})"),
                                         Json::parse(R"({"key":"fork","value":1})")));
        if (!runs) {
            EXPECT_EQ(rig_.snapshot(), before);
        }
        nothingIsLeftBehind();
    }
    const auto key = past({"replay", "--batch", std::to_string(batch), "--key", "fork"});
    ASSERT_EQ(key.code, 0) << key.err;
    EXPECT_THAT(
        key.out,
        HasSubstr("\"totals\"): 2, 1 with \"fork\"\n  {\"key\": \"fork\", \"value\": 1}\n"));
    const auto few = past({"replay", "--batch", std::to_string(batch), "--limit", "1"});
    EXPECT_THAT(few.out, HasSubstr("  … and 1 more\n"));
}

TEST_F(Replay, ComparesWithAChangedJobOnTheSameState) {
    writeJob();
    start();
    batchWith("tide mill\nmill\n", "mill");
    const auto batch = batchWith("tide fork mill\n", "fork");
    daemon_->kill();
    fs::copy_file(rig_.path() / "job.toml", rig_.path() / "changed.toml");
    change("changed.toml", "do = \"count\"",
           "do = \"filter\"\ndrop = \"fork\"\nname = \"few\"\n"
           "[[step]]\ndo = \"count\"");
    const auto said = past({"replay", "--batch", std::to_string(batch), "--job",
                            (rig_.path() / "changed.toml").string(), "--json"});
    ASSERT_EQ(said.code, 0) << said.err;
    const auto lines = linesOf(said);
    EXPECT_THAT(stepOf(lines, "\"words\"")["only_before"]["first"], IsEmpty());
    EXPECT_EQ(stepOf(lines, "\"few\"), which is new")["after"], 2);
    const auto totals = stepOf(lines, "\"totals\"");
    EXPECT_EQ(totals["before"], 3);
    EXPECT_EQ(totals["after"], 2);
    // The others have the totals that the batches before made.
    EXPECT_EQ(totals["only_before"]["first"], Json::parse(R"([{"key":"fork","value":1}])"));
    EXPECT_EQ(totals["only_after"]["count"], 0);
    const auto same = past(
        {"replay", "--batch", std::to_string(batch), "--job", (rig_.path() / "job.toml").string()});
    EXPECT_THAT(same.out, HasSubstr("\"totals\"): 3 before, 3 after, the same\n"));
    // State that the changed job would hold otherwise.
    change("changed.toml", "do = \"running_totals\"\n",
           "do = \"aggregate\"\nkey = \"value\"\ncompute = {n = \"sum(count)\"}\nrunning = true\n");
    EXPECT_EQ(past({"replay", "--batch", std::to_string(batch), "--job",
                    (rig_.path() / "changed.toml").string()})
                  .code,
              4);
    nothingIsLeftBehind();
}

TEST_F(Replay, SaysHowFarBackItGoes) {
    writeJob();
    start();
    const auto first = batchWith("one\n", "one");
    stopGracefully(*daemon_);
    start();
    batchWith("two\n", "two");
    stopGracefully(*daemon_);
    start();
    const auto third = batchWith("three\n", "three");
    stopGracefully(*daemon_);
    const auto gone = past({"replay", "--batch", std::to_string(first)});
    EXPECT_EQ(gone.code, 1);
    EXPECT_THAT(gone.err, HasSubstr("batch " + std::to_string(first) +
                                    " is out of reach: log and checkpoints give batches "));
    EXPECT_THAT(gone.err, HasSubstr("a backup made in time still has it"));
    const auto never = past({"replay", "--batch", "99999999"});
    EXPECT_EQ(never.code, 1);
    EXPECT_THAT(never.err, HasSubstr("it has not been recorded"));
    const auto there = past({"replay", "--batch", std::to_string(third), "--json"});
    ASSERT_EQ(there.code, 0) << there.err;
    EXPECT_EQ(stepOf(linesOf(there), "\"totals\"")["first"],
              Json::parse(R"([{"key":"three","value":1}])"));
    EXPECT_EQ(past({"replay", "--batch", "1", "--job", "none.toml"}).code, 3);
}

using Why = Past;

TEST_F(Why, NamesTheBatchesAndTheRecordsThatMadeAValue) {
    writeJob();
    start();
    const auto first = batchWith("tide mill\n", "mill");
    batchWith("nothing of that\n", "nothing");
    std::string many;
    for (int i = 0; i < 300; ++i)
        many += i == 17 || i == 18 || i == 290 ? "TIDE number" + std::to_string(i) + "\n"
                                               : "w" + std::to_string(i) + "\n";
    const auto second = batchWith(many + "last\n", "last");
    daemon_->kill();
    const auto before = rig_.snapshot();
    const auto said = past({"why", "totals", "tide", "--json"});
    ASSERT_EQ(said.code, 0) << said.err;
    const auto lines = linesOf(said);
    ASSERT_THAT(lines, SizeIs(3)) << said.out;
    EXPECT_EQ(lines[0]["first_batch"], 1);
    EXPECT_TRUE(lines[0]["before"].is_null());
    EXPECT_EQ(lines[1]["batch"], first);
    EXPECT_EQ(lines[1]["after"]["value"], 1);
    ASSERT_THAT(lines[1]["records"], SizeIs(1));
    EXPECT_THAT(lines[1]["records"][0]["record"].get<std::string>(), HasSubstr("\"tide mill\""));
    EXPECT_EQ(lines[2]["batch"], second);
    EXPECT_EQ(lines[2]["before"]["value"], 1);
    EXPECT_EQ(lines[2]["after"]["value"], 4);
    EXPECT_EQ(lines[2]["of_records"], 301);
    EXPECT_EQ(lines[2]["more"], false);
    std::vector<std::uint64_t> numbers;
    for (const auto& record : lines[2]["records"]) numbers.push_back(record["line"]);
    EXPECT_THAT(numbers, ElementsAre(18, 19, 291));
    EXPECT_EQ(rig_.snapshot(), before);
    nothingIsLeftBehind();

    const auto few = past({"why", "totals", "tide", "--limit", "2", "--batches", "1"});
    ASSERT_EQ(few.code, 0) << few.err;
    EXPECT_THAT(few.out, HasSubstr("… 1 older batches changed it"));
    EXPECT_THAT(few.out, HasSubstr("\"TIDE number18\"\n  … and more\n"));
    EXPECT_EQ(past({"why", "totals", "nowhere"}).code, 0);
    EXPECT_THAT(past({"why", "totals", "nowhere"}).out,
                HasSubstr("no batch of these changed it\n"));
    EXPECT_EQ(past({"why", "tables", "tide"}).code, 1);
}

TEST_F(Why, SaysWhatWasBeforeItsReachAndFindsRecordsThatCancelOut) {
    fs::create_directories(rig_.path() / "shown");
    std::ofstream(rig_.path() / "job.toml")
        << "[job]\nname = \"sums\"\ninterval = \"50ms\"\n[checkpoint]\ninterval = \"1h\"\n"
           "[[source]]\ntype = \"socket\"\nhost = \"127.0.0.1\"\nport = "
        << server_.port()
        << "\n[[step]]\ndo = \"fields\"\nby = \"split\"\nseparator = \" \"\nname = \"parsed\"\n"
           "fields = {word = 1, n = {at = 2, type = \"int\"}}\n"
           "[[step]]\ndo = \"aggregate\"\nkey = \"word\"\ncompute = {total = \"sum(n)\"}\n"
           "running = true\nname = \"sums\"\n"
           "[[step]]\ndo = \"aggregate\"\nfrom = \"parsed\"\nkey = \"word\"\n"
           "compute = {total = \"sum(n)\"}\nwindow = \"300ms\"\nslide = \"50ms\"\n"
           "name = \"recent\"\n[[output]]\nfrom = \"sums\"\nto = \"json_lines\"\npath = \""
        << (rig_.path() / "shown").string() << "\"\n";
    start();
    batchWith("a 1\nfirst 0\n", "first");
    stopGracefully(*daemon_);
    start();
    batchWith("a 2\nsecond 0\n", "second");
    stopGracefully(*daemon_);
    start();
    ::usleep(800'000);  // the window slides over what was before
    const auto batch = batchWith("b 9\na 5\nb 9\na -5\na 4\nthird 0\n", "third");
    ::usleep(800'000);
    stopGracefully(*daemon_);
    const auto said = past({"why", "sums", "a", "--json"});
    ASSERT_EQ(said.code, 0) << said.err;
    const auto lines = linesOf(said);
    ASSERT_THAT(lines, SizeIs(2)) << said.out;
    // The oldest of two checkpoints is that of the second life.
    EXPECT_EQ(lines[0]["before"]["total"], 3) << said.out;
    EXPECT_EQ(lines[1]["batch"], batch);
    EXPECT_EQ(lines[1]["after"]["total"], 7);
    std::vector<std::uint64_t> numbers;
    for (const auto& record : lines[1]["records"]) numbers.push_back(record["line"]);
    EXPECT_THAT(numbers, ElementsAre(2, 4, 5));

    // A window lets go of what it took, and while it slides nothing is said to change.
    const auto window = past({"why", "recent", "a", "--json"});
    ASSERT_EQ(window.code, 0) << window.err;
    const auto slides = linesOf(window);
    ASSERT_GE(slides.size(), 3u) << window.out;
    for (std::size_t i = 1; i < slides.size(); ++i)
        EXPECT_NE(slides[i]["before"], slides[i]["after"]) << window.out;
    const auto& filled = slides[slides.size() - 2];
    EXPECT_EQ(filled["batch"], batch) << window.out;
    EXPECT_EQ(filled["after"]["total"], 4);
    EXPECT_THAT(filled["records"], SizeIs(3));
    EXPECT_TRUE(slides.back()["after"].is_null()) << window.out;
    EXPECT_EQ(slides.back()["without_records"], true);
}

}  // namespace
}  // namespace tidemill::test
