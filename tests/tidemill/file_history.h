// Random histories of a directory under a job that is killed, stopped and started again, against a
// naive model: of every file the lines that were taken are a beginning of it, each exactly once,
// and nothing that was in a file when it was new is missing.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <random>

#include "core/logging.h"
#include "tests/support/batch_harness.h"

namespace tidemill::test {

class FileHistory {
public:
    explicit FileHistory(unsigned seed) : seed_(seed), random_(seed) {
        std::filesystem::create_directory(incoming());
    }

    // False when something is missing or double; says how to run it again.
    bool run() {
        const auto lives = number(2, 5);
        for (std::int64_t i = 0; i < lives && good(); ++i) live(i + 1 == lives);
        if (good()) compare();
        if (!good())
            std::cout << "again: TIDEMILL_SEED=" << seed_
                      << " TIDEMILL_HISTORIES=1 file_history_test\n"
                      << log_;
        return good();
    }

private:
    struct File {
        std::vector<std::string> names;
        std::vector<std::string> lines;  // all that was ever written at its end
        std::size_t first = 0;           // so many when it was made
        bool gone = false;               // removed before or after it was taken
    };

    static bool good() { return !::testing::Test::HasFailure(); }
    std::filesystem::path incoming() const { return directory_ / "incoming"; }
    std::int64_t number(std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
    }
    void note(const std::string& what) { log_ += "  " + what + "\n"; }
    std::string newName() { return "f" + std::to_string(nextName_++); }

    void write(const std::string& name, File& file, std::int64_t lines) {
        std::ofstream out(incoming() / name, std::ios::binary | std::ios::app);
        for (; lines > 0; --lines) {
            auto line = "l" + std::to_string(nextLine_++) + "-" +
                        std::string(static_cast<std::size_t>(number(0, 40)), 'x');
            out << line << "\n";
            file.lines.push_back(std::move(line));
        }
    }

    void create() {
        File file;
        file.names = {newName()};
        // Under a name that is not seen, then by rename; sometimes empty at first.
        const auto lines = number(0, 4) == 0 ? 0 : number(1, 30);
        const std::string hidden = ".new";
        write(hidden, file, lines);
        if (lines == 0) std::ofstream(incoming() / hidden).flush();
        file.first = file.lines.size();
        touch(hidden);
        std::filesystem::rename(incoming() / hidden, incoming() / file.names[0]);
        note("create " + file.names[0] + " of " + std::to_string(lines) + " lines");
        files_.push_back(std::move(file));
    }

    void touch(const std::string& name) {
        const auto seconds =
            number(0, 2) == 0 ? number(0, 4'000'000'000) : wall_ / 1000 + number(-90, 90);
        const timespec times[2] = {{seconds, 0}, {seconds, 0}};
        ::utimensat(AT_FDCWD, (incoming() / name).c_str(), times, 0);
    }

    // A file that is there, or null.
    File* some() {
        std::vector<File*> there;
        for (auto& file : files_)
            if (!file.gone) there.push_back(&file);
        return there.empty() ? nullptr
                             : there[static_cast<std::size_t>(
                                   number(0, static_cast<std::int64_t>(there.size()) - 1))];
    }

    void change() {
        switch (number(0, 7)) {
            case 0:
            case 1: return create();
            case 2:
                if (File* file = some()) {
                    note("append to " + file->names[0]);
                    write(file->names[0], *file, number(1, 5));
                }
                return;
            case 3:
                if (File* file = some()) {
                    auto& name = file->names[static_cast<std::size_t>(
                        number(0, static_cast<std::int64_t>(file->names.size()) - 1))];
                    const auto to = newName();
                    note("rename " + name + " to " + to);
                    std::filesystem::rename(incoming() / name, incoming() / to);
                    name = to;
                }
                return;
            case 4:
                if (File* file = some()) {
                    file->names.push_back(newName());
                    note("link " + file->names[0] + " as " + file->names.back());
                    std::filesystem::create_hard_link(incoming() / file->names[0],
                                                      incoming() / file->names.back());
                }
                return;
            case 5:
                if (File* file = some()) {
                    note("touch " + file->names[0]);
                    touch(file->names[0]);
                }
                return;
            default: return;
        }
    }

    // Behind a checkpoint: a file whose lines have all been taken goes, or another takes its name.
    void remove() {
        File* file = some();
        if (file == nullptr || file->lines.empty() || countOf(*file) != file->lines.size()) return;
        const auto name = file->names[0];
        for (const auto& each : file->names) std::filesystem::remove(incoming() / each);
        file->gone = true;
        note("remove " + name);
        if (number(0, 1) == 0) return;
        File next;
        next.names = {name};
        write(name, next, number(1, 20));
        next.first = next.lines.size();
        note("and write it anew");
        files_.push_back(std::move(next));
    }

    void live(bool last) {
        StreamingOptions options;
        options.directory = directory_ / "data";
        options.workers = number(0, 1) == 0 ? 1 : 3;
        const Duration intervals[] = {Duration(500), Duration(1000), Duration(3000)};
        options.interval = intervals[number(0, 2)];
        const std::size_t bytes[] = {64, 700, 1 << 20};
        options.maxBatchBytes = bytes[number(0, 2)];
        options.receiveBudgetBytes = 1 << 20;
        options.checkpointInterval = Duration(number(1, 5) * 1000);
        if (number(0, 3) == 0) wall_ += number(-400'000, 4'000'000);
        note("life at " + std::to_string(wall_) + ", interval " +
             std::to_string(options.interval.count()) + ", batches of " +
             std::to_string(options.maxBatchBytes));
        Life life(options, fromMillis(wall_));
        FileStreamOptions take;
        take.existing = ExistingFiles::kTake;
        auto lines = life.context().textFileStream(incoming().string(), take);
        life.collect(lines, seen_);
        lines.map([](std::string_view line) { return std::pair<std::string, int>(line, 1); })
            .runningTotals("totals");
        life.start();
        for (auto batches = number(1, 8); batches > 0 && good(); --batches) {
            for (auto changes = number(0, 3); changes > 0; --changes) change();
            if (number(0, 9) == 0) {
                const auto by = number(-400'000, 400'000);
                note("clock steps by " + std::to_string(by));
                life.clock().step(Duration(by));
            }
            life.run(1);
        }
        // The last life takes all that is left.
        std::size_t quiet = 0;
        for (std::size_t known = 0; last && quiet < 3 && good();) {
            life.run(8);
            std::size_t now = 0;
            for (const auto& [id, of] : seen_) now += of.size();
            quiet = now == known ? quiet + 1 : 0;
            known = now;
        }
        const bool graceful = number(0, 1) == 0;
        life.context().stop(graceful);
        wall_ = toMillis(life.clock().wall()) + number(0, 200'000);
        note(graceful ? "stop" : "kill");
        count();
        if (graceful && !last)
            for (auto removals = number(0, 2); removals > 0; --removals) remove();
    }

    void count() {
        counts_.clear();
        for (const auto& [id, lines] : seen_)
            for (const auto& line : lines) ++counts_[line];
    }
    std::size_t countOf(const File& file) const {
        std::size_t count = 0;
        for (const auto& line : file.lines) count += counts_.contains(line) ? 1 : 0;
        return count;
    }
    void compare() {
        count();
        for (const auto& [line, times] : counts_) ASSERT_EQ(times, 1) << line;
        std::size_t known = 0;
        for (const auto& file : files_) {
            const auto taken = countOf(file);
            known += taken;
            for (std::size_t i = 0; i < taken; ++i)
                ASSERT_TRUE(counts_.contains(file.lines[i]))
                    << file.names[0] << ": line " << i << " is missing, later ones are there";
            if (!file.gone) {
                ASSERT_GE(taken, file.lines.empty() ? 0u : std::max<std::size_t>(file.first, 1))
                    << file.names[0];
            }
        }
        ASSERT_EQ(known, counts_.size()) << "lines that nobody wrote";
    }

    const unsigned seed_;
    std::mt19937 random_;
    TemporaryDirectory directory_;
    std::vector<File> files_;
    std::map<std::uint64_t, std::vector<std::string>> seen_;
    std::map<std::string, int> counts_;
    std::int64_t wall_ = 1'000'000'000;
    std::uint64_t nextName_ = 1;
    std::uint64_t nextLine_ = 1;
    std::string log_;
};

inline void runFileHistories(long otherwise) {
    core::setLogLevel(core::LogLevel::kError);
    const auto setting = [](const char* name, long value) {
        const char* text = std::getenv(name);
        return text == nullptr ? value : std::atol(text);
    };
    const auto seed = static_cast<unsigned>(setting("TIDEMILL_SEED", 1));
    const long histories = setting("TIDEMILL_HISTORIES", otherwise);
    for (long i = 0; i < histories; ++i)
        if (FileHistory history(seed + static_cast<unsigned>(i)); !history.run()) return;
}

}  // namespace tidemill::test
