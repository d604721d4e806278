#include "tests/crash/wordcount_rig.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "core/failpoint.h"

namespace tidemill::test {
namespace fs = std::filesystem;
namespace {

// A line: a word that no other line has, and a few common ones.
std::string makeLine(const std::string& feed, std::size_t number, std::mt19937& random) {
    std::string line = feed + "-" + std::to_string(number);
    for (unsigned i = random() % 6; i != 0; --i)
        // Small numbers far more often than large ones.
        line += " w" + std::to_string(random() % (1 + random() % (1 + random() % 300)));
    if (random() % 50 == 0) line += " a-word-of-more-than-fifteen-bytes" + std::to_string(random() % 9);
    return line;
}

void countWords(const std::string& line, Counts& counts) {
    std::istringstream words(line);
    for (std::string word; words >> word;) ++counts[word];
}

std::vector<std::string> linesOf(const fs::path& path) {
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
}

int dial(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
}

// {"key": "…", "value": N} as the program prints it.
bool parseRow(const std::string& line, std::string& key, std::int64_t& value) {
    const auto begin = line.find("\"key\": \"");
    const auto end = line.find("\", \"value\": ");
    if (begin == line.npos || end == line.npos) return false;
    key = line.substr(begin + 8, end - begin - 8);
    value = std::strtoll(line.c_str() + end + 12, nullptr, 10);
    return true;
}

std::string firstDifferences(const Counts& expected, const Counts& counted) {
    std::string text;
    int shown = 0;
    const auto show = [&](const std::string& word, std::int64_t want, std::int64_t have) {
        if (want != have && ++shown <= 10)
            text += "  " + word + ": sent " + std::to_string(want) + ", counted " +
                    std::to_string(have) + "\n";
    };
    for (const auto& [word, count] : expected)
        show(word, count, counted.contains(word) ? counted.at(word) : 0);
    for (const auto& [word, count] : counted)
        if (!expected.contains(word)) show(word, 0, count);
    return shown == 0 ? "" : std::to_string(shown) + " words differ:\n" + text;
}

}  // namespace

PlainFeed::PlainFeed(std::string name, int fd, fs::path ledger, std::size_t lines, unsigned seed)
    : name_(std::move(name)), fd_(fd), ledger_(std::move(ledger)), lines_(lines), random_(seed) {
    thread_ = std::thread([this] { run(); });
}

PlainFeed::~PlainFeed() {
    stopping_ = true;
    thread_.join();
}

void PlainFeed::run() {
    const int ledger = ::open(ledger_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    std::size_t sent = 0;
    while (!stopping_ && sent < lines_) {
        std::string text;
        for (unsigned i = 1 + random_() % 40; i != 0 && sent < lines_; --i)
            text += makeLine(name_, ++sent, random_) + "\n";
        // In the ledger before anybody can have counted it.
        if (::write(ledger, text.data(), text.size()) < 0 || ::fdatasync(ledger) != 0) break;
        const char* at = text.data();
        std::size_t left = text.size();
        while (left != 0) {
            // Pieces that end anywhere, in the middle of lines too.
            const std::size_t piece = std::min<std::size_t>(left, 1 + random_() % 700);
            const ssize_t count = ::send(fd_, at, piece, MSG_NOSIGNAL);
            if (count <= 0) {
                stopping_ = true;
                break;
            }
            at += count;
            left -= static_cast<std::size_t>(count);
        }
        std::this_thread::sleep_for(std::chrono::microseconds(random_() % 3000));
    }
    ::close(ledger);
    ::close(fd_);
}

WordCountRig::WordCountRig(RigOptions options) : options_(options), random_(options.seed) {
    std::string pattern = (fs::temp_directory_path() / "tidemill-crash-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
    plainPort_ = freePort();
    do sessionPort_ = freePort();
    while (sessionPort_ == plainPort_);
    writeJob();
}

WordCountRig::~WordCountRig() {
    if (!::testing::Test::HasFailure()) {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    } else {
        std::cerr << "kept for a look: " << path_ << " (seed " << options_.seed << ")\n";
    }
}

void WordCountRig::writeJob() {
    std::ofstream job(path_ / "job.toml");
    job << "[job]\nname = \"crash\"\ninterval = \"" << options_.intervalMillis << "ms\"\n"
        << "[limits]\nmax_batch_bytes = \"16KiB\"\nsegment_bytes = \"32KiB\"\n"
           "block_bytes = \"4KiB\"\ndelta_budget = \"" << options_.deltaKibibytes << "KiB\"\nreceive_budget = \"64KiB\"\n"
        << "[checkpoint]\ninterval = \"" << options_.checkpointMillis
        << "ms\"\nlog_bytes = \"256KiB\"\n"
        << "[[source]]\nname = \"plain\"\ntype = \"listen\"\nport = " << plainPort_ << "\n"
        << "[[step]]\nname = \"plain_words\"\ndo = \"split\"\nfrom = \"plain\"\n"
        << "[[source]]\nname = \"sessions\"\ntype = \"listen_acknowledged\"\nport = " << sessionPort_
        << "\n[[step]]\nname = \"session_words\"\ndo = \"split\"\nfrom = \"sessions\"\n"
        << "[[step]]\ndo = \"count\"\nfrom = \"plain_words\"\nname = \"plain_counts\"\n"
        << "[[step]]\ndo = \"running_totals\"\nname = \"plain_totals\"\n"
        << "[[step]]\ndo = \"count\"\nfrom = \"session_words\"\nname = \"session_counts\"\n"
        << "[[step]]\ndo = \"running_totals\"\nname = \"totals\"\n";
    if (options_.jsonLines)
        job << "[[output]]\nto = \"json_lines\"\nfrom = \"session_counts\"\npath = \""
            << (path_ / "batches").string() << "\"\n";
}

std::unique_ptr<ChildProcess> WordCountRig::startDaemon(
    std::map<std::string, std::string> environment, unsigned workers) {
    environment["TIDEMILL_ACTIVITY_FILE"] = activityFile().string();
    return std::make_unique<ChildProcess>(ChildProcess::Options{
        .arguments = {TIDEMILL_PROGRAM_PATH, "run", (path_ / "job.toml").string(), "--data-dir",
                      (path_ / "data").string(), "--workers", std::to_string(workers)},
        .environment = std::move(environment),
        .outputFile = (path_ / "daemon.out").string(),
        .errorFile = errorFile()});
}

bool WordCountRig::awaitListening(ChildProcess& daemon) {
    for (int i = 0; i < 10'000; ++i) {
        if (daemon.poll()) return false;
        if (const int fd = dial(plainPort_); fd >= 0) {
            ::close(fd);
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
}

std::string WordCountRig::sessionFile(const std::string& session) const {
    return (path_ / ("session-" + session)).string();
}

std::unique_ptr<ChildProcess> WordCountRig::startSender(const std::string& session,
                                                        std::size_t lines,
                                                        std::uint64_t bytesPerSecond) {
    if (!sessions_.contains(session)) {
        std::ofstream file(sessionFile(session));
        for (std::size_t i = 1; i <= lines; ++i)
            file << makeLine("s" + session, i, random_) << (i == lines ? "" : "\n");
        sessions_[session] = lines;
    }
    std::vector<std::string> arguments{TIDEMILL_PROGRAM_PATH, "send", "--session", session,
                                       "127.0.0.1:" + std::to_string(sessionPort_),
                                       sessionFile(session)};
    if (bytesPerSecond != 0) {
        arguments.push_back("--rate");
        arguments.push_back(std::to_string(bytesPerSecond));
    }
    return std::make_unique<ChildProcess>(
        ChildProcess::Options{.arguments = arguments,
                              .environment = {},
                              .errorFile = (path_ / ("send-" + session + ".err")).string()});
}

std::unique_ptr<PlainFeed> WordCountRig::connectPlain(std::size_t lines) {
    const int fd = dial(plainPort_);
    if (fd < 0) return nullptr;
    const std::string name = "p" + std::to_string(++plainFeeds_);
    return std::make_unique<PlainFeed>(name, fd, path_ / ("plain-" + name), lines,
                                       static_cast<unsigned>(random_()));
}

void WordCountRig::finish(unsigned workers) {
    auto daemon = startDaemon({}, workers);
    ASSERT_TRUE(awaitListening(*daemon)) << lastWords();
    for (const auto& [session, lines] : sessions_) {
        auto sender = startSender(session, lines, 0);
        const auto code = sender->wait(std::chrono::seconds(30));
        ASSERT_EQ(code, 0) << "session " << session << ": "
                           << tailOf((path_ / ("send-" + session + ".err")).string())
                           << lastWords();
    }
    daemon->signal(SIGTERM);
    const auto code = daemon->wait(std::chrono::seconds(30));
    ASSERT_EQ(code, 0) << lastWords();
}

Counts WordCountRig::totals() const {
    Counts counts;
    for (const char* table : {"totals", "plain_totals"}) {
        int code = 0;
        std::istringstream rows(outputOf({TIDEMILL_PROGRAM_PATH, "state", "export", table,
                                          "--data-dir", (path_ / "data").string(), "--json"},
                                         code));
        EXPECT_EQ(code, 0) << "state export " << table;
        std::string key;
        std::int64_t value = 0;
        for (std::string line; std::getline(rows, line);)
            if (parseRow(line, key, value)) counts[key] += value;
    }
    return counts;
}

void WordCountRig::check() {
    const Counts counted = totals();
    Counts expected;
    checkSessions(expected);
    checkPlain(counted, expected);
    const auto different = firstDifferences(expected, counted);
    EXPECT_EQ(different, "") << "seed " << options_.seed << ", directory " << path_;
    checkOutputs();
}

// Every line of a session exactly once.
void WordCountRig::checkSessions(Counts& expected) const {
    for (const auto& [session, lines] : sessions_)
        for (const auto& line : linesOf(sessionFile(session))) countWords(line, expected);
}

// Of a plain connection a prefix: as many lines as their own words were counted, from the first on.
void WordCountRig::checkPlain(const Counts& counted, Counts& expected) const {
    for (int feed = 1; feed <= plainFeeds_; ++feed) {
        const std::string name = "p" + std::to_string(feed);
        const auto lines = linesOf(path_ / ("plain-" + name));
        std::size_t prefix = 0;
        while (prefix < lines.size() &&
               counted.contains(name + "-" + std::to_string(prefix + 1)))
            ++prefix;
        // Whatever is counted behind the prefix, or counted in part, shows as a difference.
        for (std::size_t i = 0; i < prefix; ++i) countWords(lines[i], expected);
    }
}

// One file for every batch, without holes; together they are the totals of the sessions.
void WordCountRig::checkOutputs() const {
    if (!options_.jsonLines) return;
    std::set<std::uint64_t> batches;
    Counts shown;
    for (const auto& entry : fs::directory_iterator(path_ / "batches")) {
        if (entry.path().extension() != ".jsonl") continue;
        batches.insert(std::stoull(entry.path().stem().string()));
        std::string key;
        std::int64_t value = 0;
        for (const auto& line : linesOf(entry.path()))
            if (parseRow(line, key, value)) shown[key] += value;
    }
    ASSERT_FALSE(batches.empty());
    EXPECT_EQ(*batches.begin(), 1u);
    EXPECT_EQ(*batches.rbegin(), batches.size()) << "batch ids are not dense";
    Counts expected;
    checkSessions(expected);
    EXPECT_EQ(firstDifferences(expected, shown), "") << "outputs differ; directory " << path_;
}

std::set<std::string> WordCountRig::activitiesAtKill() const {
    std::set<std::string> going;
    std::ifstream file(activityFile(), std::ios::binary);
    for (int i = 0; i < static_cast<int>(core::Activity::kCount); ++i) {
        const int count = file.get();
        if (count > 0) going.insert(std::string(core::activityName(static_cast<core::Activity>(i))));
    }
    return going;
}

}  // namespace tidemill::test
