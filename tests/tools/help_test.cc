// What --help says is true: its examples run as they stand, its exit codes are those of the code
// and of the documentation, and every option names what it takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/tools/program_rig.h"
#include "tools/exit_code.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using Words = std::vector<std::string>;

constexpr std::chrono::seconds kLongest{30};

const std::vector<Words> kCommands = {{},
                                      {"run"},
                                      {"test"},
                                      {"plan"},
                                      {"fork"},
                                      {"replay"},
                                      {"why"},
                                      {"kill-test"},
                                      {"send"},
                                      {"state"},
                                      {"wal"},
                                      {"checkpoint"},
                                      {"savepoint"},
                                      {"savepoint", "make"},
                                      {"fsck"},
                                      {"state", "list"},
                                      {"state", "get"},
                                      {"state", "scan"},
                                      {"state", "export"},
                                      {"wal", "list"},
                                      {"wal", "dump"},
                                      {"wal", "verify"},
                                      {"checkpoint", "list"},
                                      {"checkpoint", "verify"}};

class Help : public ::testing::Test {
protected:
    std::string help(Words command = {}) {
        command.push_back("--help");
        const auto said = rig_.tidemill(command);
        EXPECT_EQ(said.code, 0) << said.err;
        return said.out;
    }

    // A command line in the rig's directory, with `tidemill` found as a user finds it.
    std::unique_ptr<ChildProcess> shell(const std::string& line, const std::string& output) {
        const auto bin = fs::path(TIDEMILL_PROGRAM_PATH).parent_path().string();
        return std::make_unique<ChildProcess>(ChildProcess::Options{
            .arguments = {"/bin/sh", "-c",
                          "cd '" + rig_.path().string() + "' && PATH='" + bin + "':$PATH && " +
                              (line.starts_with("tidemill run ") ? "exec " : "") + line},
            .environment = {},
            .outputFile = rig_.path() / output,
            .errorFile = rig_.path() / (output + ".err")});
    }

    ProgramRig rig_;
};

// The command lines that the help of any command shows, each once, in the order of showing.
Words examplesIn(const std::string& help) {
    static const std::regex kExample(R"(^(?:  |Example: )((?:\S.* \| )?tidemill .*?)(?:   +.*)?$)");
    Words examples;
    std::istringstream lines(help);
    std::smatch match;
    for (std::string line; std::getline(lines, line);)
        if (std::regex_match(line, match, kExample)) examples.push_back(match[1]);
    return examples;
}

// The codes that begin a line after `before`.
std::set<int> codesIn(const std::string& text, const std::string& before) {
    std::set<int> codes;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(before) && line.size() > before.size() &&
            std::isdigit(static_cast<unsigned char>(line[before.size()])))
            codes.insert(std::stoi(line.substr(before.size())));
    return codes;
}

TEST_F(Help, ItsExamplesWorkAsTheyStand) {
    // A port of our own, so that tests may run beside each other; all else is as in a clone.
    const std::string port = std::to_string(freePort());
    const auto ported = [&](std::string text) {
        for (std::size_t begin; (begin = text.find("9998")) != text.npos;)
            text.replace(begin, 4, port);
        return text;
    };
    const fs::path sources = TIDEMILL_SOURCE_DIR;
    fs::create_directory(rig_.path() / "examples");
    fs::copy_file(sources / "README.md", rig_.path() / "README.md");
    for (const auto& file : fs::directory_iterator(sources / "examples"))
        if (file.path().extension() == ".toml")
            std::ofstream(rig_.path() / "examples" / file.path().filename())
                << ported(contentOf(file.path()));
    fs::copy(sources / "examples" / "cases", rig_.path() / "examples" / "cases",
             fs::copy_options::recursive);

    Words jobs, senders, looks;
    for (const auto& command : kCommands) {
        const auto examples = examplesIn(help(command));
        EXPECT_FALSE(examples.empty()) << help(command);
        for (const auto& example : examples) {
            const bool runs =
                example.starts_with("tidemill run ") && example.find(" --check ") == example.npos;
            auto& kind = runs                                             ? jobs
                         : example.find("tidemill send ") != example.npos ? senders
                                                                          : looks;
            if (std::find(kind.begin(), kind.end(), ported(example)) == kind.end())
                kind.push_back(ported(example));
        }
    }
    EXPECT_GE(jobs.size(), 3u);
    EXPECT_GE(senders.size(), 4u);
    EXPECT_GE(looks.size(), 11u);

    std::vector<std::unique_ptr<ChildProcess>> running;
    for (const auto& job : jobs)
        running.push_back(shell(job, "job" + std::to_string(running.size())));
    for (const auto& sender : senders)
        EXPECT_EQ(shell(sender, "sender")->wait(kLongest), 0)
            << sender << "\n"
            << contentOf(rig_.path() / "sender.err");
    for (std::size_t i = 0; i < running.size(); ++i) {
        running[i]->signal(SIGINT);
        EXPECT_EQ(running[i]->wait(kLongest), 0)
            << jobs[i] << "\n"
            << contentOf(rig_.path() / ("job" + std::to_string(i) + ".err"));
    }
    for (const auto& look : looks) {
        EXPECT_EQ(shell(look, "look")->wait(kLongest), 0)
            << look << "\n"
            << contentOf(rig_.path() / "look") << contentOf(rig_.path() / "look.err");
        EXPECT_NE(contentOf(rig_.path() / "look"), "") << look;
        fs::remove(rig_.path() / "look");
    }
}

TEST_F(Help, ItsExitCodesAreThoseOfTheProgramAndOfItsPage) {
    using namespace tools;
    const std::set<int> codes = {kExitDone,       kExitFailed,    kExitUsage, kExitJobFile,
                                 kExitRefused,    kExitDamaged,   kExitHeals, kExitPeerAway,
                                 kExitNotAsInput, kExitTakenOver, kExitAtOnce};
    EXPECT_EQ(codesIn(help(), "  "), codes) << help();
    const auto page = contentOf(fs::path(TIDEMILL_SOURCE_DIR) / "docs" / "command_line.md");
    EXPECT_EQ(codesIn(page, "| "), codes);
}

TEST_F(Help, EveryOptionNamesWhatItTakes) {
    for (const auto& command : kCommands) {
        const auto text = help(command);
        for (const char* technical : {"TEXT REQUIRED", "UINT", "FLOAT"})
            EXPECT_THAT(text, Not(HasSubstr(technical)));
    }
    const auto run = help({"run"});
    for (const char* said :
         {"--skip-record LSN:LINE", "--quarantine BATCH", "--skip-batch BATCH", "--workers N",
          "--data-dir DIR", "dead letters", "what they held, all totals, is gone", "exit code 130"})
        EXPECT_THAT(run, HasSubstr(said));
}

TEST_F(Help, NoLineIsWiderThanATerminalOf100Columns) {
    for (const auto& command : kCommands) {
        std::istringstream lines(help(command));
        for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
    }
}

TEST_F(Help, RunRefusesWhatIsNoDataDirectoryAndLookingSaysThatThereIsNone) {
    rig_.writeJob("type = \"listen\"\nport = 0");
    fs::create_directory(rig_.data());
    std::ofstream(rig_.data() / "letters.txt") << "dear diary\n";
    EXPECT_EQ(rig_.look({"run", rig_.path() / "job.toml"}).code, 4);
    for (const Words& looking : {Words{"state", "list"}, Words{"wal", "verify"},
                                 Words{"checkpoint", "list"}, Words{"checkpoint", "verify"}})
        EXPECT_EQ(rig_.look(looking).code, 1);
}

}  // namespace
}  // namespace tidemill::test
