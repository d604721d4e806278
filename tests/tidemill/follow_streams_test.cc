// Streams of files that grow, and of lanes, over lives of a job that is killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <thread>

#include "core/inputs/text_input.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Positions = std::vector<core::SourcePosition>;

class Directory {
public:
    Directory() : path_(fs::temp_directory_path() / ("follow-" + std::to_string(::getpid()))) {
        fs::create_directories(path_ / "logs");
    }
    ~Directory() { fs::remove_all(path_); }
    const fs::path& path() const { return path_; }

private:
    const fs::path path_;
};

StreamingOptions optionsIn(const fs::path& directory) {
    core::setLogLevel(core::LogLevel::kError);
    StreamingOptions options;
    options.directory = directory / "data";
    options.interval = milliseconds(50);
    options.checkpointInterval = milliseconds(300);
    return options;
}

// A job in a process of its own, which follows files and shows their lines; killed with this.
class Job {
public:
    explicit Job(const fs::path& directory, const std::string& path = "logs/*.log*")
        : process_(::fork()) {
        if (process_ != 0) return;
        StreamingContext context(optionsIn(directory));
        context.followTextFiles((directory / path).string())
            .saveAsTextFiles((directory / "lines").string(), "d");
        ::_exit(context.runUntilStopped());
    }
    ~Job() { kill(); }

    bool runs() const { return ::waitpid(process_, nullptr, WNOHANG) == 0; }
    void kill() { end(SIGKILL); }
    // Whether it ended well.
    bool stop() { return end(SIGTERM) == 0; }

private:
    int end(int signal) {
        if (process_ < 0) return 0;
        int status = -1;
        ::kill(process_, signal);
        ::waitpid(std::exchange(process_, -1), &status, 0);
        return status;
    }
    pid_t process_;
};

std::map<std::string, int> shown(const fs::path& directory) {
    std::map<std::string, int> lines;
    for (const auto& batch : fs::directory_iterator(directory)) {
        const auto name = batch.path().filename().string();
        if (!name.starts_with("lines-") || !name.ends_with(".d")) continue;
        for (const auto& entry : fs::directory_iterator(batch)) {
            std::ifstream part(entry.path());
            if (!entry.path().filename().string().starts_with("part-")) continue;
            for (std::string line; std::getline(part, line);) ++lines[line];
        }
    }
    return lines;
}

// Until as many lines are shown as there are.
void awaitAll(const fs::path& directory, const std::map<std::string, int>& ledger) {
    for (int i = 0; i < 400 && shown(directory).size() < ledger.size(); ++i)
        std::this_thread::sleep_for(milliseconds(50));
}

// Appends lines, and rotates the file by rename, or by copy and truncation.
class Log {
public:
    Log(fs::path file, bool copies) : file_(std::move(file)), copies_(copies) {}

    void write(std::mt19937& random, std::map<std::string, int>& ledger) {
        std::ofstream out(file_, std::ios::app);
        for (auto left = 1 + random() % 100; left != 0; --left) {
            const auto line = file_.stem().string() + "-" + std::to_string(++written_);
            ledger[line] = 1;
            out << line.substr(0, 3) << std::flush << line.substr(3) << "\n";
        }
    }
    void rotate() {
        if (!fs::exists(file_)) return;
        auto old = file_;
        old += "." + std::to_string(++rotations_);
        if (!copies_) return fs::rename(file_, old);
        fs::copy_file(file_, old);
        fs::resize_file(file_, 0);
    }

private:
    const fs::path file_;
    const bool copies_;
    int written_ = 0;
    int rotations_ = 0;
};

TEST(FollowStreams, EveryLineIsShownOnceThoughTheJobIsKilled) {
    const Directory directory;
    const auto seed = std::getenv("TIDEMILL_SEED") == nullptr
                          ? 1u
                          : static_cast<unsigned>(std::atoi(std::getenv("TIDEMILL_SEED")));
    std::mt19937 random(seed);
    std::map<std::string, int> ledger;
    std::vector<Log> logs;
    for (int i = 0; i < 4; ++i)
        logs.emplace_back(directory.path() / "logs" / ("w" + std::to_string(i) + ".log"),
                          i % 2 == 1);
    const auto turns = [&](unsigned count) {
        for (; count != 0; --count) {
            for (auto& log : logs) {
                log.write(random, ledger);
                if (random() % 8 == 0) log.rotate();
            }
            std::this_thread::sleep_for(milliseconds(random() % 20));
        }
    };
    constexpr int kKills = 8;
    for (int kill = 0; kill < kKills; ++kill) {
        Job job(directory.path());
        turns(random() % 5 == 0 ? 1 : 10 + random() % 30);
        ASSERT_TRUE(job.runs()) << "it has ended by itself";
        job.kill();
        if (random() % 2 == 0) turns(5);
    }
    Job job(directory.path());
    awaitAll(directory.path(), ledger);
    std::this_thread::sleep_for(milliseconds(600));  // nothing comes twice
    EXPECT_TRUE(job.stop());
    const auto lines = shown(directory.path());
    EXPECT_TRUE(lines == ledger) << "seed " << seed << ": " << lines.size() << " of "
                                 << ledger.size();
    for (const auto& [line, count] : lines)
        if (count != 1) {
            ADD_FAILURE() << line << " " << count << " times";
            break;
        }
    std::cout << "kills: " << kKills << ", lines: " << ledger.size() << "\n";
}

// Beside the real logrotate.
class FollowLogrotate : public ::testing::Test {
protected:
    void SetUp() override {
        if (!fs::exists(kLogrotate)) GTEST_SKIP() << "logrotate is not there";
        fs::permissions(directory_.path() / "logs", fs::perms(0755));
    }
    fs::path log() const { return directory_.path() / "logs/app.log"; }

    void write(std::ostream& out, int count) {
        for (; count > 0; --count) {
            const auto line = "w" + std::to_string(++written_);
            ledger_[line] = 1;
            out << line << "\n";
        }
        out.flush();
    }
    void awaitAllShown() {
        awaitAll(directory_.path(), ledger_);
        EXPECT_TRUE(shown(directory_.path()) == ledger_)
            << shown(directory_.path()).size() << " of " << ledger_.size();
    }
    // Rotates with `how`, as the nightly run does.
    void rotate(const std::string& how) {
        const auto config = directory_.path() / "logrotate.conf";
        std::ofstream(config) << log().string() << " {\n    rotate 5\n    missingok\n    " << how
                              << "\n}\n";
        fs::permissions(config, fs::perms(0644));
        const auto command = std::string(kLogrotate) + " --force --state " +
                             (directory_.path() / "state").string() + " " + config.string();
        ASSERT_EQ(std::system(command.c_str()), 0);
    }

    static constexpr const char* kLogrotate = "/usr/sbin/logrotate";
    const Directory directory_;
    std::map<std::string, int> ledger_;
    int written_ = 0;
};

TEST_F(FollowLogrotate, ThatCreatesLosesAndDoublesNothing) {
    Job job(directory_.path(), "logs/app.log");
    auto out = std::make_unique<std::ofstream>(log(), std::ios::app);
    write(*out, 1);
    awaitAllShown();  // it follows
    for (int i = 0; i < 6; ++i) {
        write(*out, 500);
        rotate("create 0644");
        write(*out, 100);  // its writer has not heard yet
        out = std::make_unique<std::ofstream>(log(), std::ios::app);
        write(*out, 100);
        // What was rotated away for long is removed, and must have been read by then.
        if (i % 2 == 1) awaitAllShown();
    }
    awaitAllShown();
    EXPECT_TRUE(job.stop());
    EXPECT_TRUE(shown(directory_.path()) == ledger_);
}

// When it is rotated the second time, as Debian does it.
TEST_F(FollowLogrotate, ThatCompressesLosesAndDoublesNothing) {
    Job job(directory_.path(), "logs/app.log*");
    for (int i = 0; i < 4; ++i) {
        std::ofstream out(log(), std::ios::app);
        write(out, 500);
        awaitAllShown();
        rotate("create 0644\n    compress\n    delaycompress");
    }
    EXPECT_TRUE(fs::exists(directory_.path() / "logs/app.log.2.gz"));
    EXPECT_TRUE(job.stop());
    EXPECT_TRUE(shown(directory_.path()) == ledger_);
}

// Its copies match the pattern; one is made in each downtime. Without a pause of the writer what
// comes between a copy and the truncation would be lost.
TEST_F(FollowLogrotate, ThatCopiesAndTruncatesLosesAndDoublesNothing) {
    std::ofstream out(log(), std::ios::app);
    for (int life = 0; life < 3; ++life) {
        Job job(directory_.path(), "logs/app.log*");
        write(out, 500);
        if (life == 1) awaitAllShown();
        rotate("copytruncate");
        write(out, 300);
        awaitAllShown();
        write(out, 50);
        job.kill();
        write(out, 50);
        rotate("copytruncate");
        write(out, 10);
    }
    Job job(directory_.path(), "logs/app.log*");
    awaitAllShown();
    EXPECT_TRUE(job.stop());
    EXPECT_TRUE(shown(directory_.path()) == ledger_);
}

// Moves a lane of its own, and notes with what it was opened.
class LaneSource final : public core::Source {
public:
    LaneSource(core::SourceId id, core::BlockLog& log, Positions& opened)
        : id_(id), log_(log), opened_(opened) {}
    core::Result<> open(const core::SourceOpening& opening) override {
        opened_ = opening.positions;
        return {};
    }
    void move(const std::string& lane, const std::string& from, const std::string& to) {
        core::BlockOrigin origin;
        origin.source = id_;
        origin.lane = lane;
        origin.from = from;
        origin.to = to;
        EXPECT_EQ(log_.append(std::make_shared<core::Block>(
                      core::Buffer::unpooled(core::BufferPool::kSmallestBytes), 0, origin)),
                  core::BlockLog::Outcome::kQueued);
    }
    void pause() override {}
    void resume() override {}
    void stop(bool) override {}
    core::SourceStatistics statistics() const override { return {}; }

private:
    const core::SourceId id_;
    core::BlockLog& log_;
    Positions& opened_;
};

// A life of a job with such a source; what it was opened with.
Positions live(const fs::path& directory, bool graceful,
               const std::function<void(LaneSource&)>& moves) {
    Positions opened;
    std::shared_ptr<LaneSource> source;
    StreamingContext context(optionsIn(directory));
    SourceDeclaration declared;
    declared.kind = declared.description = "lanes";
    declared.lanes = "lanes/";
    declared.receive =
        [&](const SourceEnvironment& environment) -> core::Result<std::shared_ptr<core::Source>> {
        source = std::make_shared<LaneSource>(environment.id, environment.log, opened);
        return source;
    };
    const auto id = context.job()->addSource(std::move(declared));
    DStream<std::string_view>(
        context.job(), context.job()->graph.add(std::make_shared<core::TextInputNode>("lanes", id)))
        .count()
        .forEachBatch([](Batch<std::int64_t>&) {});
    context.start();
    moves(*source);
    if (graceful) context.stop(true);
    else std::this_thread::sleep_for(milliseconds(200));
    context.stop(false);
    return opened;
}

TEST(FollowStreams, ALaneAtItsBeginningIsForgotten) {
    for (const bool graceful : {true, false}) {
        const Directory directory;
        const auto& path = directory.path();
        EXPECT_THAT(live(path, graceful,
                         [](auto& source) {
                             source.move("lanes/a", "", "1");
                             source.move("lanes/b", "", "1");
                             source.move("others/c", "", "1");
                         }),
                    IsEmpty());
        const auto second = live(path, graceful, [](auto& source) {
            source.move("lanes/a", "1", "");
            source.move("lanes/b", "1", "2");
        });
        EXPECT_THAT(second, ElementsAre(core::SourcePosition{"lanes/a", "1"},
                                        core::SourcePosition{"lanes/b", "1"}));
        const auto third = live(path, graceful, [](auto& source) {
            source.move("lanes/a", "", "3");  // from its beginning
        });
        EXPECT_THAT(third, ElementsAre(core::SourcePosition{"lanes/b", "2"}));
        EXPECT_THAT(live(path, graceful, [](auto&) {}),
                    ElementsAre(core::SourcePosition{"lanes/a", "3"},
                                core::SourcePosition{"lanes/b", "2"}));
    }
}

TEST(FollowStreams, APathIsFollowedOnce) {
    StreamingContext context(milliseconds(50));
    context.followTextFiles("logs/*.log");
    EXPECT_THROW(context.followTextFiles("logs/*.log"), std::invalid_argument);
    EXPECT_THROW(context.followTextFiles(""), std::invalid_argument);
    EXPECT_THROW(context.followTextFiles("logs/", {.lookEvery = Duration(0)}),
                 std::invalid_argument);
    context.followTextFiles("logs/other.log");
}

}  // namespace
}  // namespace tidemill::test
