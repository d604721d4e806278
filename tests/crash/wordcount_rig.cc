#include "tests/crash/wordcount_rig.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "core/failpoint.h"

namespace tidemill::test {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kDialledLines = 3000;
constexpr auto kLongest = std::chrono::seconds(60);

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

// {"key": "…", "value": N} as the program prints it.
void countRow(const std::string& line, Counts& counts) {
    const auto begin = line.find("\"key\": \"");
    const auto end = line.find("\", \"value\": ");
    if (begin == line.npos || end == line.npos) {
        ADD_FAILURE() << "not a row of a word count: " << line;
        return;
    }
    counts[line.substr(begin + 8, end - begin - 8)] +=
        std::strtoll(line.c_str() + end + 12, nullptr, 10);
}

std::string firstDifferences(const Counts& expected, const Counts& counted) {
    std::string text;
    int shown = 0;
    const auto show = [&](const std::string& word, std::int64_t want, std::int64_t have) {
        if (want != have && ++shown <= 10)
            text += "  " + word + ": expected " + std::to_string(want) + ", found " +
                    std::to_string(have) + "\n";
    };
    for (const auto& [word, count] : expected)
        show(word, count, counted.contains(word) ? counted.at(word) : 0);
    for (const auto& [word, count] : counted)
        if (!expected.contains(word)) show(word, 0, count);
    return shown == 0 ? "" : std::to_string(shown) + " words differ:\n" + text;
}

}  // namespace

struct WordCountRig::Channel {
    char kind;            // of its feeds
    std::string table;    // of running totals
    std::string results;  // directory of one file per batch
    std::string source;   // TOML
};

const std::vector<WordCountRig::Channel>& WordCountRig::channels() {
    static const std::vector<Channel> all{
        {'p', "plain_totals", "plain_batches", "type = \"listen\"\nport = "},
        {'d', "dialled_totals", "dialled_batches",
         "type = \"socket\"\nhost = \"127.0.0.1\"\nport = "},
        {'s', "totals", "batches", "type = \"listen_acknowledged\"\nport = "}};
    return all;
}

std::string WordCountRig::makeDirectory(const fs::path& parent) {
    std::string pattern = (parent / "tidemill-crash-XXXXXX").string();
    return ::mkdtemp(pattern.data()) == nullptr ? "" : pattern;
}

WordCountRig::WordCountRig(RigOptions options)
    : options_(options),
      path_(makeDirectory(fs::temp_directory_path())),
      ledgers_(makeDirectory("/dev/shm")),
      random_(options.seed) {
    if (ledgers_.empty()) ledgers_ = makeDirectory(path_);
    plainPort_ = freePort();
    do sessionPort_ = freePort();
    while (sessionPort_ == plainPort_);
    dialledPort_ = dialled_.port();
    writeJob();
    dialled_.start([this](int fd) { return feedPlain('d', fd, kDialledLines); });
}

WordCountRig::WordCountRig(const WordCountRig& other, std::string directory)
    : options_([&] {
          RigOptions options = other.options_;
          options.disk = directory;
          return options;
      }()),
      path_(directory),
      ledgers_(other.ledgers_),
      ownsLedgers_(false),
      plainPort_(other.plainPort_),
      sessionPort_(other.sessionPort_),
      dialledPort_(other.dialledPort_),
      feeds_(other.feeds_) {
    dialled_.stop();
    constexpr auto kAll = fs::copy_options::recursive;
    for (const auto& channel : channels())
        if (fs::exists(other.disk() / channel.results))
            fs::copy(other.disk() / channel.results, path_ / channel.results, kAll);
    // A killed process leaves its socket, which is no file to copy and belongs to nobody.
    fs::remove(other.disk() / "data" / "CONTROL");
    if (fs::exists(other.disk() / "data")) fs::copy(other.disk() / "data", path_ / "data", kAll);
    writeJob();
}

WordCountRig::~WordCountRig() {
    dialled_.stop();
    if (!::testing::Test::HasFailure()) {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
        if (ownsLedgers_) fs::remove_all(ledgers_, ignored);
    } else {
        std::cerr << "kept for a look: " << whereToLook() << "\n";
    }
}

std::unique_ptr<WordCountRig> WordCountRig::copy() const {
    return std::unique_ptr<WordCountRig>(
        new WordCountRig(*this, makeDirectory(fs::temp_directory_path())));
}

std::string WordCountRig::whereToLook() const {
    return "directory " + path_.string() + ", ledgers " + ledgers_.string() + ", seed " +
           std::to_string(options_.seed);
}

void WordCountRig::writeJob() const {
    std::ofstream job(path_ / "job.toml");
    job << "[job]\nname = \"crash\"\ninterval = \"" << options_.intervalMillis << "ms\"\n"
        << "[limits]\nmax_batch_bytes = \"" << options_.batchKibibytes
        << "KiB\"\nsegment_bytes = \"32KiB\"\n"
        << "block_bytes = \"4KiB\"\ndelta_budget = \"" << options_.deltaKibibytes
        << "KiB\"\nreceive_budget = \"64KiB\"\n[checkpoint]\ninterval = \""
        << options_.checkpointMillis << "ms\"\nlog_bytes = \"256KiB\"\n";
    for (const auto& channel : channels()) {
        const auto port = channel.kind == 'p'   ? plainPort_
                          : channel.kind == 'd' ? dialledPort_
                                                : sessionPort_;
        job << "[[source]]\nname = \"" << channel.kind << "\"\n"
            << channel.source << port << "\n[[step]]\ndo = \"split\"\nfrom = \"" << channel.kind
            << "\"\n[[step]]\ndo = \"count\"\nname = \"" << channel.kind
            << "_counts\"\n[[step]]\ndo = \"running_totals\"\nname = \"" << channel.table << "\"\n"
            << "[[output]]\nto = \"json_lines\"\nfrom = \"" << channel.kind
            << "_counts\"\nempty_batches = true\npath = \"" << (disk() / channel.results).string()
            << "\"\n";
    }
}

std::unique_ptr<ChildProcess> WordCountRig::startDaemon(
    std::map<std::string, std::string> environment, unsigned workers) {
    environment["TIDEMILL_ACTIVITY_FILE"] = activityFile().string();
    return std::make_unique<ChildProcess>(ChildProcess::Options{
        .arguments = {TIDEMILL_PROGRAM_PATH, "run", (path_ / "job.toml").string(), "--data-dir",
                      (disk() / "data").string(), "--workers", std::to_string(workers)},
        .environment = std::move(environment),
        .outputFile = (path_ / "daemon.out").string(),
        .errorFile = errorFile()});
}

bool WordCountRig::awaitListening(ChildProcess& daemon) {
    for (int i = 0; i < 20'000; ++i) {
        if (daemon.poll()) return false;
        // The sources are opened in the order of the job.
        if (TestClient(sessionPort_).connected()) return true;
        sleepMillis(1);
    }
    return false;
}

std::string WordCountRig::sessionFile(const std::string& session, std::size_t lines) {
    const std::string feed = "s" + session;
    if (sessions_.emplace(session, lines).second) {
        std::lock_guard lock(mutex_);
        feeds_['s'].push_back(feed);
        std::ofstream file(ledger(feed));
        for (std::size_t i = 1; i <= lines; ++i)
            file << makeLine(feed, i, random_) << (i == lines ? "" : "\n");
    }
    return ledger(feed);
}

std::unique_ptr<ChildProcess> WordCountRig::startSender(const std::string& session,
                                                        std::size_t lines,
                                                        std::uint64_t bytesPerSecond) {
    std::vector<std::string> arguments{TIDEMILL_PROGRAM_PATH,
                                       "send",
                                       "--session",
                                       session,
                                       "127.0.0.1:" + std::to_string(sessionPort_),
                                       sessionFile(session, lines)};
    if (bytesPerSecond != 0) {
        arguments.push_back("--rate");
        arguments.push_back(std::to_string(bytesPerSecond));
    }
    return std::make_unique<ChildProcess>(
        ChildProcess::Options{.arguments = arguments,
                              .environment = {},
                              .errorFile = (path_ / ("send-" + session + ".err")).string()});
}

std::unique_ptr<PlainFeed> WordCountRig::feedPlain(char kind, int fd, std::size_t lines) {
    std::lock_guard lock(mutex_);
    auto& feeds = feeds_[kind];
    feeds.push_back(kind + std::to_string(feeds.size() + 1));
    return std::make_unique<PlainFeed>(feeds.back(), fd, ledger(feeds.back()), lines,
                                       static_cast<unsigned>(random_()));
}

std::unique_ptr<PlainFeed> WordCountRig::connectPlain(std::size_t lines) {
    TestClient client(plainPort_);
    if (!client.connected()) return nullptr;
    return feedPlain('p', ::dup(client.fd()), lines);
}

void WordCountRig::finish(unsigned workers) {
    auto daemon = startDaemon({}, workers);
    ASSERT_TRUE(awaitListening(*daemon)) << whereToLook() << "\n" << lastWords();
    for (const auto& [session, lines] : sessions_) {
        auto sender = startSender(session, lines, 0);
        const auto code = sender->wait(kLongest);
        ASSERT_EQ(code, 0) << "session " << session << ": "
                           << tailOf((path_ / ("send-" + session + ".err")).string())
                           << whereToLook() << "\n"
                           << lastWords();
    }
    daemon->signal(SIGTERM);
    const auto code = daemon->wait(kLongest);
    ASSERT_EQ(code, 0) << whereToLook() << "\n" << lastWords();
}

std::unique_ptr<ChildProcess> WordCountRig::makeSavepoint(const std::string& name) const {
    const auto said = (path_ / ("savepoint-" + name)).string();
    return std::make_unique<ChildProcess>(
        ChildProcess::Options{.arguments = {TIDEMILL_PROGRAM_PATH, "savepoint", "make", name,
                                            "--data-dir", dataDirectory().string()},
                              .environment = {},
                              .outputFile = said,
                              .errorFile = said + ".err"});
}

int WordCountRig::forkOf(const std::string& savepoint) const {
    const auto fork = (disk() / "fork").string();
    int code = 0;
    (void)outputOf(
        {TIDEMILL_PROGRAM_PATH, "fork", dataDirectory().string(), fork, "--from", savepoint}, code);
    fs::remove_all(fork);
    return code;
}

Counts WordCountRig::totals(const Channel& channel) const {
    Counts counts;
    int code = 0;
    std::istringstream rows(outputOf({TIDEMILL_PROGRAM_PATH, "state", "export", channel.table,
                                      "--data-dir", (disk() / "data").string(), "--json"},
                                     code));
    EXPECT_EQ(code, 0) << "state export " << channel.table << ": " << whereToLook();
    for (std::string line; std::getline(rows, line);) countRow(line, counts);
    return counts;
}

Counts WordCountRig::totals() const {
    Counts all;
    for (const auto& channel : channels())
        for (const auto& [word, count] : totals(channel)) all[word] += count;
    return all;
}

std::map<std::string, Counts> WordCountRig::outputs() const {
    std::map<std::string, Counts> found;
    for (const auto& channel : channels())
        for (const auto& entry : fs::directory_iterator(disk() / channel.results)) {
            if (entry.path().extension() != ".jsonl") continue;
            auto& counts = found[channel.results + "/" + entry.path().filename().string()];
            for (const auto& line : linesOf(entry.path())) countRow(line, counts);
        }
    return found;
}

void WordCountRig::check(bool sessionsComplete) const {
    for (const auto& channel : channels()) check(channel, channel.kind == 's' && sessionsComplete);
}

void WordCountRig::check(const Channel& channel, bool complete) const {
    const Counts counted = totals(channel);
    Counts expected;
    if (const auto feeds = feeds_.find(channel.kind); feeds != feeds_.end())
        for (const auto& feed : feeds->second) {
            const auto lines = linesOf(ledger(feed));
            std::size_t sent = complete ? lines.size() : 0;
            // As many lines as their own words were counted, from the first on: whatever is
            // counted behind this prefix, or in part, shows as a difference.
            while (sent < lines.size() && counted.contains(feed + "-" + std::to_string(sent + 1)))
                ++sent;
            for (std::size_t i = 0; i < sent; ++i) countWords(lines[i], expected);
        }
    EXPECT_EQ(firstDifferences(expected, counted), "")
        << "in table " << channel.table << ": " << whereToLook() << "\n"
        << lastWords();

    // One file for every batch, without holes; together they are the totals.
    std::set<std::uint64_t> batches;
    Counts shown;
    for (const auto& entry : fs::directory_iterator(disk() / channel.results)) {
        if (entry.path().extension() != ".jsonl") continue;
        batches.insert(std::stoull(entry.path().stem().string()));
        for (const auto& line : linesOf(entry.path())) countRow(line, shown);
    }
    ASSERT_FALSE(batches.empty()) << whereToLook();
    EXPECT_EQ(*batches.begin(), 1u) << whereToLook();
    EXPECT_EQ(*batches.rbegin(), batches.size()) << "batch ids are not dense: " << whereToLook();
    EXPECT_EQ(firstDifferences(counted, shown), "")
        << "in " << channel.results << ": " << whereToLook();
}

std::set<std::string> WordCountRig::activitiesAtKill() const {
    std::set<std::string> going;
    std::ifstream file(activityFile(), std::ios::binary);
    for (int i = 0; i < static_cast<int>(core::Activity::kCount); ++i) {
        const int count = file.get();
        if (count > 0)
            going.insert(std::string(core::activityName(static_cast<core::Activity>(i))));
    }
    return going;
}

}  // namespace tidemill::test
