// A job file whose source cuts records of CSV, killed again and again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::chrono::seconds kLongest{30};

class CsvJob : public ::testing::Test {
protected:
    void writeJob(const std::string& source) {
        std::ofstream(rig_.path() / "job.toml") << R"toml([job]
name = "csv"
interval = "20ms"
[checkpoint]
interval = "100ms"
[limits]
max_batch_bytes = "1MiB"
max_record_bytes = "4KiB"
[[source]]
name = "notes"
)toml" << source << R"toml(
[[step]]
do = "fields"
by = "csv"
fields = {word = 1, text = 2}
[[step]]
do = "aggregate"
name = "totals"
key = ["word", "text"]
running = true
compute = {n = "count()"}
[[output]]
to = "json_lines"
path = ")toml" << (rig_.path() / "results").string()
                                                << "\"\n";
    }

    ProgramRig rig_;
};

// Notes over several lines, some with all that may stand in quotes.
TEST_F(CsvJob, FilesAreCountedExactlyOverKills) {
    const fs::path in = rig_.path() / "in";
    fs::create_directory(in);
    std::mt19937 random(11);
    std::map<std::string, std::int64_t> wanted;
    for (int file = 0; file < 6; ++file) {
        std::ofstream out(rig_.path() / "part", std::ios::binary);
        for (int i = 0; i < 20'000; ++i) {
            const int note = static_cast<int>(random() % 50);
            const std::string lines(static_cast<std::size_t>(note % 7), '\n');
            const std::string text = "note " + std::to_string(note) + lines + "says ";
            out << "w" << note % 3 << ",\"" << text << "\"\"hm\"\",\n1,2\"\r\n";
            ++wanted["w" + std::to_string(note % 3) + "|" + text + "\"hm\",\n1,2"];
        }
        out.close();
        fs::rename(rig_.path() / "part", in / std::to_string(file));
    }
    writeJob("type = \"files\"\nrecords = \"csv\"\nexisting = \"take\"\ndirectory = \"" +
             in.string() + "\"");
    const auto total = [&] {
        std::map<std::string, std::int64_t> counts;
        std::istringstream rows(rig_.look({"state", "export", "totals", "--json"}).out);
        for (std::string row; std::getline(rows, row);) {
            const auto object = nlohmann::json::parse(row);
            counts[object["word"].get<std::string>() + "|" + object["text"].get<std::string>()] =
                object["n"];
        }
        return counts;
    };
    for (int kill = 0; kill < 6; ++kill) {
        const auto daemon = rig_.start();
        std::this_thread::sleep_for(std::chrono::milliseconds(60 + random() % 200));
        daemon->kill();
    }
    const auto daemon = rig_.start();
    const auto until = std::chrono::steady_clock::now() + kLongest;
    while (total() != wanted && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    daemon->signal(SIGTERM);
    ASSERT_EQ(daemon->wait(kLongest), 0) << rig_.daemonErrors();
    EXPECT_EQ(total(), wanted);
    EXPECT_EQ(rig_.look({"dead_letters", "list"}).out, "no dead letters\n");
}

TEST_F(CsvJob, RecordsThatAreNoneOfRfc4180AreDeadLetters) {
    TextServer server;
    writeJob("type = \"socket\"\nhost = \"127.0.0.1\"\nrecords = \"csv\"\nport = " +
             std::to_string(server.port()));
    const auto daemon = rig_.start();
    server.accept();
    const std::string open = "w2,\"never closed\n";
    std::string lines;
    for (int i = 0; i < 500; ++i) lines += "w3,in the way " + std::to_string(i) + "\n";
    server.send("w1,\"two\nlines\"\nw1,5\" disk\nw1,\"a\"b\n" + open + lines + "w4,end\n");
    ASSERT_TRUE(rig_.awaitFile(rig_.data() / "dead_letters" / ".tidemill"));
    const auto until = std::chrono::steady_clock::now() + kLongest;
    while (rig_.look({"state", "export", "totals"}).out.find("w4") == std::string::npos)
        ASSERT_LT(std::chrono::steady_clock::now(), until) << rig_.daemonErrors();
    daemon->signal(SIGTERM);
    ASSERT_EQ(daemon->wait(kLongest), 0) << rig_.daemonErrors();
    const auto letters = rig_.look({"dead_letters", "show"});
    EXPECT_THAT(letters.out, AllOf(HasSubstr("a quote inside of a field"),
                                   HasSubstr("a field goes on behind the quote that closes it"),
                                   HasSubstr("the quote at byte 4 is not closed"),
                                   HasSubstr("w2,\"never closed\\x0aw3,in the way 0\\x0a")));
    const auto state = rig_.look({"state", "export", "totals"}).out;
    EXPECT_THAT(state, AllOf(HasSubstr("two"), HasSubstr("in the way 499"), HasSubstr("w4")));
    EXPECT_EQ(state.find("in the way 100\t"), std::string::npos);
}

}  // namespace
}  // namespace tidemill::test
