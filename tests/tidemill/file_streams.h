// A job over a directory of files whose clock stands until it is told.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <set>

#include "sources/file_source.h"
#include "tests/support/batch_harness.h"

namespace tidemill::test {

namespace fs = std::filesystem;
using Seen = std::map<std::uint64_t, std::vector<std::string>>;
using Lines = std::vector<std::string>;

// Batches come every second, the first of a new directory at `kStart` + 1 s.
constexpr std::int64_t kStart = 1'000'000'000;

class FileStreams : public ::testing::Test {
protected:
    FileStreams() { fs::create_directory(incoming()); }

    fs::path incoming() const { return directory_ / "incoming"; }

    // Puts a complete file there, modified `millis` behind kStart.
    void put(const fs::path& name, std::string_view text, std::int64_t millis) const {
        const auto path = incoming() / name;
        std::ofstream(path, std::ios::binary) << text;
        const std::int64_t at = kStart + millis;
        const timespec times[2] = {{at / 1000, at % 1000 * 1'000'000},
                                   {at / 1000, at % 1000 * 1'000'000}};
        ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    }

    StreamingOptions durable(unsigned workers = 2) const {
        StreamingOptions options;
        options.directory = directory_ / "data";
        options.workers = workers;
        return options;
    }

    // A life that begins `millis` behind kStart; `between(i)` runs before its i-th batch.
    void live(StreamingOptions options, std::int64_t millis, std::size_t batches,
              bool graceful = true, const std::function<void(std::size_t)>& between = {}) {
        Life life(std::move(options), fromMillis(kStart + millis));
        life.collect(stream_(life.context()), seen_);
        life.start();
        for (std::size_t i = 0; i < batches; ++i) {
            if (between) between(i);
            life.run(1);
        }
        life.context().stop(graceful);
    }

    void append(const fs::path& name, std::string_view text) const {
        std::ofstream(incoming() / name, std::ios::binary | std::ios::app) << text;
    }

    // All that was seen, sorted.
    Lines all() const {
        Lines lines;
        for (const auto& [id, of] : seen_) lines.insert(lines.end(), of.begin(), of.end());
        std::sort(lines.begin(), lines.end());
        return lines;
    }

    // A stream with state, so that recorded batches are replayed.
    std::function<DStream<std::string_view>(StreamingContext&)> totals() {
        return [this](StreamingContext& context) {
            auto lines = context.textFileStream(incoming().string(), options_);
            lines.map([](std::string_view line) { return std::pair<std::string, int>(line, 1); })
                .runningTotals("totals");
            return lines;
        };
    }

    std::string failureOfLife(std::int64_t millis, std::size_t batches) {
        try {
            live(durable(), millis, batches);
        } catch (const StreamingError& error) {
            return error.what();
        }
        return "";
    }

    TemporaryDirectory directory_;
    Seen seen_;
    FileStreamOptions options_;
    std::function<DStream<std::string_view>(StreamingContext&)> stream_ =
        [this](StreamingContext& context) {
            return context.textFileStream(incoming().string(), options_);
        };
};

}  // namespace tidemill::test
