// files.follow: a file that grows as fast as it can be written -> log with fsync -> running totals,
// until all is processed, next to a hand-written loop that reads on at the file's end and counts the
// same words, by turns.
//
// follow_files DIR [--records=N] [--runs=N] [--json]
#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "bench/arguments.h"
#include "bench/process.h"
#include "bench/report.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"

namespace {

namespace fs = std::filesystem;
using namespace tidemill;
using namespace tidemill::bench;
using Clock = std::chrono::steady_clock;

constexpr int kWords = 100'000;
constexpr std::size_t kLineBytes = 67;
constexpr std::size_t kWriteBytes = 64 << 10;

double secondsSince(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

class Bench {
public:
    Bench(fs::path directory, int records) : directory_(std::move(directory)), records_(records) {
        unsigned state = 1;
        std::string line(kLineBytes, '.');
        line.back() = '\n';
        for (int i = 0; i < records; ++i) {
            state = state * 1'664'525 + 1'013'904'223;
            line.replace(0, 8, (std::to_string(state % kWords) + "........").substr(0, 8));
            text_ += line;
        }
    }

    // Appends the text, while somebody reads.
    std::thread writer() {
        return std::thread([this] {
            const int file = ::open(path().c_str(), O_WRONLY | O_APPEND | O_CREAT | O_TRUNC, 0600);
            if (file < 0) die("cannot write " + path());
            for (std::size_t at = 0; at < text_.size(); at += kWriteBytes)
                if (::write(file, text_.data() + at, std::min(kWriteBytes, text_.size() - at)) < 0)
                    die("cannot write " + path());
            ::close(file);
        });
    }

    double hand() {
        struct Hash {
            using is_transparent = void;
            std::size_t operator()(std::string_view text) const {
                return XXH3_64bits(text.data(), text.size());
            }
        };
        fs::remove(path());
        const auto begin = Clock::now();
        auto writes = writer();
        int file = -1;
        while ((file = ::open(path().c_str(), O_RDONLY)) < 0) std::this_thread::yield();
        std::unordered_map<std::string, long, Hash, std::equal_to<>> counts;
        std::vector<char> buffer(1 << 20);
        std::size_t used = 0;
        for (int seen = 0; seen < records_;) {
            const auto got = ::read(file, buffer.data() + used, buffer.size() - used);
            if (got <= 0) {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
                continue;
            }
            used += static_cast<std::size_t>(got);
            std::size_t at = 0;
            while (const auto* end =
                       static_cast<const char*>(std::memchr(buffer.data() + at, '\n', used - at))) {
                const std::string_view line(buffer.data() + at,
                                            static_cast<std::size_t>(end - buffer.data()) - at);
                if (const auto known = counts.find(line); known != counts.end()) ++known->second;
                else counts.emplace(line, 1);
                at += line.size() + 1;
                ++seen;
            }
            std::memmove(buffer.data(), buffer.data() + at, used - at);
            used -= at;
        }
        ::close(file);
        writes.join();
        return secondsSince(begin);
    }

    double engine() {
        const auto data = directory_ / "data";
        fs::remove_all(data);
        fs::remove(path());
        const auto begin = Clock::now();
        {
            StreamingOptions options;
            options.directory = data;
            options.interval = std::chrono::milliseconds(250);
            StreamingContext context(options);
            context.followTextFiles(path())
                .map([](std::string_view line) { return std::pair(line, 1L); })
                .reduceByKey(std::plus<>())
                .runningTotals("totals");
            context.start();
            auto writes = writer();
            while (context.status().sources.at(0).statistics.records <
                   static_cast<std::uint64_t>(records_))
                std::this_thread::sleep_for(std::chrono::milliseconds(2));
            writes.join();
            context.stop(true);
        }
        const double seconds = secondsSince(begin);
        fs::remove_all(data);
        return seconds;
    }

private:
    std::string path() const { return directory_ / "grows.log"; }

    const fs::path directory_;
    const int records_;
    std::string text_;
};

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 3);
    if (arguments.plain.size() != 1)
        die("usage: follow_files DIR [--records=N] [--runs=N] [--json]");
    core::setLogLevel(core::LogLevel::kWarning);
    const fs::path work =
        fs::path(arguments.plain[0]) / ("follow-files-" + std::to_string(::getpid()));
    fs::create_directories(work);
    const int records = arguments.number("--records", 5'000'000);
    Bench bench(work, records);
    std::vector<double> hand, engine, ratios;
    for (int run = 0; run < arguments.runs; ++run) {
        const double handSeconds = bench.hand();
        const double engineSeconds = bench.engine();
        hand.push_back(records / handSeconds / 1e6);
        engine.push_back(records / engineSeconds / 1e6);
        ratios.push_back(handSeconds / engineSeconds);
    }
    Figure{"files.follow", median(engine), "M lines/s", median(ratios), median(hand), {}, ratios}
        .print(arguments.json);
    fs::remove_all(work);
}
