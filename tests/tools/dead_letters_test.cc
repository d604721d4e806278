// Records that a job has gone on without: looked at, and sent again to the mended job, byte for
// byte or not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/support/child_process.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::chrono::seconds kLongest{30};
using Lines = std::multiset<std::string>;

// What a shell, a spreadsheet and a broken encoder leave in lines.
const Lines kBadLines = {
    "C:\\new\\x41dir\\\\share\tmany",         "caf\xe9 \"quoted\" \\\tmany",
    std::string("\xff\0\x01\\xff\tmany", 12), "ends with a return\tmany\r",
    "a tide of \xe6\xbc\xae\t'many'",
};

class DeadLetters : public ::testing::Test {
protected:
    // "TEXT<tab>NUMBER" lines; the mended job takes anything for a number.
    void writeJob(const std::string& number, const std::string& onError = "dead_letter",
                  const std::string& more = "") {
        std::ofstream(rig_.path() / "job.toml") << R"([job]
name = "letters"
interval = "50ms"
on_error = ")" << onError << R"("
[[source]]
type = "listen_acknowledged"
port = )" << port_ << R"(
[[step]]
do = "fields"
name = "parsed"
by = "split"
separator = "\t"
fields = {word = 1, n = {at = 2, type = ")" << number
                                                << R"("}}
)" << (more.empty() ? "[[output]]\nto = \"json_lines\"\npath = \"stdout\"\n" : more);
    }

    // Sends lines, and waits until they are durable.
    void send(const Lines& lines, const std::string& session) {
        std::ofstream file(rig_.path() / "lines", std::ios::binary);
        for (const auto& line : lines) file << line << (line.ends_with('\r') ? "\r\n" : "\n");
        file.close();
        const auto sent = rig_.tidemill(
            {"send", "--session", session, std::to_string(port_), rig_.path() / "lines"});
        ASSERT_EQ(sent.code, 0) << sent.err << rig_.daemonErrors();
    }

    void stopGracefully(ChildProcess& daemon) {
        daemon.signal(SIGTERM);
        ASSERT_EQ(daemon.wait(kLongest), 0) << rig_.daemonErrors();
    }

    // One batch for each.
    void leaveOut(const std::vector<Lines>& batches) {
        writeJob("int");
        const auto daemon = rig_.start();
        int session = 0;
        for (const auto& lines : batches) {
            const auto before = letterFiles().size();
            send(lines, "s" + std::to_string(++session));
            const auto until = std::chrono::steady_clock::now() + kLongest;
            while (letterFiles().size() == before) {
                ASSERT_LT(std::chrono::steady_clock::now(), until) << rig_.daemonErrors();
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
            }
        }
        stopGracefully(*daemon);
    }

    std::vector<fs::path> letterFiles() const {
        std::vector<fs::path> files;
        const auto directory = rig_.data() / "dead_letters";
        if (fs::exists(directory))
            for (const auto& entry : fs::directory_iterator(directory))
                if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
        std::sort(files.begin(), files.end());
        return files;
    }
    static std::string batchOf(const fs::path& file) {
        return std::to_string(std::stoull(file.stem().string()));
    }

    Outcome resend(const std::string& session, std::vector<std::string> more = {}) const {
        std::vector<std::string> all{"dead_letters", "resend", std::to_string(port_), "--session",
                                     session};
        all.insert(all.end(), more.begin(), more.end());
        return rig_.look(all);
    }

    // The lines that the mended job has shown in this life.
    Lines shown() const {
        Lines lines;
        std::istringstream rows(rig_.daemonOutput());
        for (std::string row; std::getline(rows, row);) {
            const auto object = json::parse(row);
            const auto text = [&](const std::string& name) {
                return object.contains(name) ? object[name].get<std::string>()
                                             : fromBase64(object[name + "_base64"]);
            };
            lines.insert(text("word") + "\t" + text("n"));
        }
        return lines;
    }

    // Sends the letters to the mended job; what it shows then.
    Lines resent(int code, const std::vector<std::string>& more = {}) {
        writeJob("text");
        fs::remove(rig_.path() / "out");
        const auto daemon = rig_.start();
        const auto sent = resend("mended", more);
        EXPECT_EQ(sent.code, code) << sent.err;
        said_ = sent.err;
        // The same session again sends none twice.
        EXPECT_EQ(resend("mended", more).code, code);
        stopGracefully(*daemon);
        return shown();
    }

    // A file of batch 9 beside the others.
    void writeLetters(const std::string& lines) {
        fs::create_directories(rig_.data() / "dead_letters");
        std::ofstream(rig_.data() / "dead_letters" / "00000000000000000009.jsonl") << lines;
    }

    ProgramRig rig_;
    const std::uint16_t port_ = freePort();
    std::string said_;
};

TEST_F(DeadLetters, EveryByteOfALineComesAgain) {
    leaveOut({kBadLines});
    EXPECT_EQ(resent(0), kBadLines);
    EXPECT_THAT(said_, HasSubstr("all 5 lines are durable"));
}

TEST_F(DeadLetters, AreListedShownAndSentByBatch) {
    leaveOut({{"a\tone", "b\ttwo", "c\t3"}, {"d\\e\tthree"}});
    const auto files = letterFiles();
    ASSERT_EQ(files.size(), 2u);
    const std::string first = batchOf(files[0]), second = batchOf(files[1]);
    const auto all = rig_.look({"dead_letters", "list"});
    EXPECT_THAT(all.out, AllOf(HasSubstr("batch " + first + "\t2 left out\tstep 1 (fields, "),
                               HasSubstr("batch " + second + "\t1 left out")));
    const auto one = rig_.look({"dead_letters", "list", "--batch", second});
    EXPECT_THAT(one.out, AllOf(Not(HasSubstr("batch " + first + "\t")),
                               HasSubstr("batch " + second + "\t1 left out")));
    const auto asJson = rig_.look({"dead_letters", "list", "--json", "--batch", first});
    EXPECT_EQ(json::parse(asJson.out)["kept"], 2);
    EXPECT_EQ(rig_.look({"dead_letters", "list", "--batch", "7777"}).out,
              "no dead letters of batch 7777\n");
    EXPECT_EQ(rig_.look({"dead_letters", "list", "--batch", "7777", "--json"}).out, "");

    const auto shown = rig_.look({"dead_letters", "show", "--json", "--batch", second});
    const auto letter = json::parse(shown.out);
    EXPECT_EQ(letter["record"], R"(d\\e\x09three)");
    EXPECT_EQ(letter["kind"], "line");
    EXPECT_THAT(letter["error"].get<std::string>(), HasSubstr("\"three\""));
    EXPECT_THAT(
        rig_.look({"dead_letters", "show", "--batch", first}).out,
        AllOf(HasSubstr("\n  a\\x09one\n"), HasSubstr("\n  b\\x09two\n"), Not(HasSubstr("three"))));
    EXPECT_EQ(resent(0, {"--batch", second}), (Lines{"d\\e\tthree"}));
}

TEST_F(DeadLetters, WhatWasSkippedAsToldComesAgainAsItWas) {
    const std::string bad = "C:\\x41\\\\dir\tnone";
    writeJob("int", "stop");
    auto daemon = rig_.start();
    send({bad}, "s");
    EXPECT_EQ(daemon->wait(kLongest), 1);
    const auto errors = rig_.daemonErrors();
    const auto at = errors.rfind("--skip-record ") + 14;
    daemon = rig_.start({}, {"--skip-record", errors.substr(at, errors.find(' ', at) - at)});
    ASSERT_TRUE(rig_.awaitFile(rig_.data() / "dead_letters" / ".tidemill"));
    stopGracefully(*daemon);
    EXPECT_THAT(rig_.look({"dead_letters", "list"}).out,
                HasSubstr("1 left out\tskipped as told\n"));
    EXPECT_EQ(resent(0), (Lines{bad}));
}

// Of one batch, so that the sum does not fit and its group fails.
TEST_F(DeadLetters, AGroupIsNoLineAndIsNotSentAsOne) {
    writeJob("int", "dead_letter",
             "[[step]]\ndo = \"aggregate\"\nkey = \"word\"\ncompute = {total = \"sum(n)\"}\n"
             "[[output]]\nto = \"json_lines\"\npath = \"stdout\"\n");
    auto daemon = rig_.start();
    send({"a\t9223372036854775807", "a\t9223372036854775806", "b\tbad"}, "s");
    ASSERT_TRUE(rig_.awaitFile(rig_.data() / "dead_letters" / ".tidemill"));
    stopGracefully(*daemon);
    EXPECT_THAT(rig_.look({"dead_letters", "show", "--json"}).out,
                AllOf(HasSubstr("\"kind\":\"row\""), HasSubstr("\"record\":\"(a,")));
    EXPECT_EQ(resent(8), (Lines{"b\tbad"}));
    EXPECT_THAT(said_, HasSubstr("1 not sent: a row that a step made is no line: record "));
}

TEST_F(DeadLetters, WhatCannotBeOneLineIsNamedAndTheOthersAreSent) {
    leaveOut({{"a\tone"}});
    const std::string begin = R"({"batch":9,"time_ms":1,"operation":"step 1",)";
    writeLetters(begin + R"("kind":"line","record":"b\\x0ac","error":"no"})" + "\n" + begin +
                 R"("kind":"line","record":"d\\x09two","error":"no"})" + "\n" + begin +
                 R"_("kind":"beginning","record":"e... (the beginning of 9000 bytes)"})_" + "\n" +
                 begin + R"("kind":"element","record":"f"})" + "\n" +
                 R"({"batch":9,"time_ms":1,"not_kept":3})" + "\n");
    EXPECT_THAT(rig_.look({"dead_letters", "list", "--batch", "9"}).out,
                HasSubstr("batch 9\t7 left out, 4 kept\t"));
    EXPECT_EQ(resent(8), (Lines{"a\tone", "d\ttwo"}));
    EXPECT_THAT(said_, AllOf(HasSubstr("1 not sent: a record with a line end in it would arrive as "
                                       "several lines: record 1 of batch 9\n"),
                             HasSubstr("only the beginning was kept: record 3 of batch 9\n"),
                             HasSubstr("record 4 of batch 9\n"),
                             HasSubstr("3 not sent: nothing of them was kept\n"),
                             HasSubstr("all 2 lines are durable")));
}

TEST_F(DeadLetters, ADamagedFileIsNamedWithLineAndField) {
    const std::string good =
        R"({"batch":9,"time_ms":1,"operation":"o","kind":"line","record":"r","error":"e"})";
    const auto with = [&](const std::string& from, const std::string& to) {
        std::string line = good;
        return line.replace(line.find(from), from.size(), to);
    };
    const std::pair<std::string, std::string> cases[] = {
        {R"({"batch":9,"time_ms)", "is no JSON object"},
        {"", "\"\" is no JSON object"},
        {"[]", "is no JSON object"},
        {with("\"batch\":9", "\"batch\":\"9\""), "field \"batch\" must be a whole number"},
        {with("\"batch\":9", "\"batch\":-9"), "but is -9"},
        {with("\"batch\":9,", ""), "field \"batch\" is missing"},
        {with("\"time_ms\":1", "\"time_ms\":\"x\""), "field \"time_ms\" must be a whole number"},
        {with("\"time_ms\":1", "\"time_ms\":18446744073709551615"), "field \"time_ms\""},
        {with("\"r\"", "[1]"), "field \"record\" must be a text, but is [1]"},
        {with("\"r\"", "null"), "field \"record\" must be a text, but is null"},
        {with("\"o\"", "1.5"), "field \"operation\" must be a text"},
        {with("\"e\"", "{}"), "field \"error\" must be a text"},
        {with("\"line\"", "7"), "field \"kind\" must be a text"},
        {with("\"line\"", "\"page\""), "field \"kind\" is \"page\", which is none of"},
        {with("\"kind\":\"line\",", ""), "field \"kind\" is missing"},
        {R"({"batch":9,"time_ms":1,"not_kept":"x"})", "field \"not_kept\" must be a whole number"},
    };
    for (const auto& [line, wanted] : cases) {
        writeLetters(good + "\n" + line + "\n");
        for (const char* command : {"list", "show", "resend"}) {
            std::vector<std::string> arguments{"dead_letters", command};
            if (std::string(command) == "resend")
                arguments.insert(arguments.end(), {"1", "--session", "s"});
            const auto outcome = rig_.look(arguments);
            EXPECT_EQ(outcome.code, 5) << command << " " << line << outcome.err;
            EXPECT_THAT(outcome.err,
                        AllOf(HasSubstr("00000000000000000009.jsonl line=2"), HasSubstr(wanted)));
        }
    }
    writeLetters(good + "\n");
    EXPECT_EQ(rig_.look({"dead_letters", "list"}).code, 0);
}

}  // namespace
}  // namespace tidemill::test
