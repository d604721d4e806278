// How cost grows with the work: million words/s of a durable word count (socket, log with fsync,
// running totals) by different words, workers, batch interval and connections, and seconds until a
// killed job is ready again, by log and by keys. One line of JSON a point; with --svg=FILE a
// picture of all of them.
//
// A point of words/s counts batches that end in 5 s or in three intervals, whichever is longer, and
// two at least, while senders send as fast as they are read. Options are the defaults. Recovery is
// measured by recovery_replay, which compares the counts.
//
// growth [--svg=FILE] [--runs=N]
#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <thread>

#include "bench/arguments.h"
#include "bench/forked.h"
#include "bench/loopback.h"
#include "bench/process.h"
#include "bench/report.h"
#include "bench/zipf_text.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"

namespace {

namespace fs = std::filesystem;
using namespace tidemill;
using namespace tidemill::bench;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kTextBytes = 128 << 20;

struct Load {
    std::size_t keys = 100'000;
    unsigned workers = 2;
    int intervalMillis = 250;
    std::size_t connections = 1;
};

// A way along which the work grows.
struct Axis {
    std::string name, xUnit, yUnit;
    std::vector<std::pair<double, double>> points;
};

[[noreturn]] void sendForever(const std::string& text, std::uint16_t port, std::size_t count) {
    std::vector<std::thread> senders;
    for (std::size_t i = 0; i < count; ++i)
        senders.emplace_back([&, peer = dial(port), i] {
            // Each begins at another line.
            auto at = text.find('\n', text.size() / count * i) + 1;
            for (;; at = 0) sendAll(peer, std::string_view(text).substr(at));
        });
    for (auto& sender : senders) sender.join();
    std::exit(1);
}

// Bytes per second of the batches that complete in the measured time.
double bytesPerSecond(const Load& load, const fs::path& directory, int reportPort) {
    core::setLogLevel(core::LogLevel::kError);
    StreamingOptions options;
    options.directory = directory;
    options.interval = Duration(load.intervalMillis);
    options.workers = load.workers;
    StreamingContext ssc(options);
    ssc.listenTextStream("127.0.0.1", 0)
        .flatMap(splitWords)
        .map([](std::string_view word) { return std::pair(word, std::int64_t{1}); })
        .runningTotals("totals")
        .forEachBatch([](auto&) {});
    ssc.start();
    const auto port = ssc.boundPorts().front();
    if (::write(reportPort, &port, sizeof port) != sizeof port) die("no port");

    const auto interval = std::chrono::milliseconds(load.intervalMillis);
    const auto warm = std::max<Clock::duration>(2s, interval + interval / 2);
    const auto measured = std::max<Clock::duration>(5s, 3 * interval + interval / 2);
    while (ssc.status().receivedBytes == 0) std::this_thread::sleep_for(1ms);
    const auto begun = Clock::now();
    std::uint64_t seen = 0, firstBytes = 0;
    Clock::time_point first{}, last{};
    while (Clock::now() - begun < warm + measured || first == last) {
        if (ssc.awaitTermination(1ms)) die("the job ended by itself");
        const auto bytes = ssc.status().batches.bytes;
        if (Clock::now() - begun < warm || std::exchange(seen, bytes) == bytes) continue;
        last = Clock::now();
        if (first == Clock::time_point{}) {
            first = last;
            firstBytes = bytes;
        }
    }
    return static_cast<double>(seen - firstBytes) /
           std::chrono::duration<double>(last - first).count();
}

double millionWordsPerSecond(const Load& load, const std::string& text, double bytesPerWord,
                             const fs::path& directory) {
    int port[2];
    if (::pipe(port) != 0) die("no pipe");
    Forked<double> job("the job", [&] { return bytesPerSecond(load, directory, port[1]); });
    Forked<char> sender("the sender", [&]() -> char {
        std::uint16_t number = 0;
        if (::read(port[0], &number, sizeof number) != sizeof number) die("no port");
        sendForever(text, number, load.connections);
    });
    const double bytes = job.await();
    sender.kill();
    ::close(port[0]);
    ::close(port[1]);
    fs::remove_all(directory);
    return bytes / bytesPerWord / 1e6;
}

class Growth {
public:
    Growth(fs::path work, fs::path binaries, int runs)
        : work_(std::move(work)), binaries_(std::move(binaries)), runs_(runs) {}

    void words(const std::string& name, const std::string& unit, const std::vector<double>& steps,
               const std::function<void(Load&, double)>& set) {
        Axis axis{name, unit, "million words/s", {}};
        for (const double step : steps) {
            Load load;
            set(load, step);
            useText(load.keys);
            std::vector<double> rates;
            for (int run = 0; run < runs_; ++run)
                rates.push_back(millionWordsPerSecond(load, text_, bytesPerWord_, work_ / "data"));
            add(axis, step, median(rates));
        }
        axes.push_back(std::move(axis));
    }

    void recovery(const std::string& name, const std::string& unit,
                  const std::vector<double>& steps, const std::string& option) {
        Axis axis{name, unit, "seconds", {}};
        for (const double step : steps) {
            const auto output = (work_ / "recovery.json").string();
            const auto value = std::to_string(static_cast<long>(step));
            awaitChild(
                startProgram({(binaries_ / "recovery_replay").string(), "--" + option + "=" + value,
                              "--json", "--runs=" + std::to_string(runs_)},
                             output),
                "recovery_replay");
            add(axis, step, jsonNumber(contentsOf(output), "first_output_seconds"));
        }
        axes.push_back(std::move(axis));
    }

    std::vector<Axis> axes;

private:
    void useText(std::size_t keys) {
        if (std::exchange(textKeys_, keys) == keys) return;
        text_ = zipfText(kTextBytes, keys, 1.0, 7);
        const auto ends =
            std::count_if(text_.begin(), text_.end(), [](char c) { return c == ' ' || c == '\n'; });
        bytesPerWord_ = static_cast<double>(text_.size()) / static_cast<double>(ends);
    }

    static void add(Axis& axis, double x, double y) {
        axis.points.emplace_back(x, y);
        std::printf("{\"growth\": \"%s\", \"%s\": %.6g, \"%s\": %.4g}\n", axis.name.c_str(),
                    axis.xUnit.c_str(), x, axis.yUnit.c_str(), y);
        std::fflush(stdout);
    }

    const fs::path work_, binaries_;
    const int runs_;
    std::string text_;
    std::size_t textKeys_ = 0;
    double bytesPerWord_ = 1;
};

std::string shortNumber(double number) {
    std::ostringstream text;
    if (number >= 1e6) text << number / 1e6 << " M";
    else if (number >= 1e3) text << number / 1e3 << " k";
    else text << std::setprecision(3) << number;
    return text.str();
}

// One panel an axis: the steps side by side, the values from 0 on.
void draw(const std::vector<Axis>& axes, const std::string& path) {
    constexpr double kWidth = 330, kHeight = 230, kLeft = 45, kTop = 45, kPlotWidth = 265,
                     kPlotHeight = 125;
    constexpr std::size_t kColumns = 2;
    const std::size_t rows = (axes.size() + kColumns - 1) / kColumns;
    std::ofstream svg(path);
    svg << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << kWidth * kColumns << ' '
        << kHeight * static_cast<double>(rows)
        << "\" font-family=\"sans-serif\" font-size=\"11\" fill=\"#333\">\n"
           "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
    for (std::size_t i = 0; i < axes.size(); ++i) {
        const Axis& axis = axes[i];
        const double x0 = kWidth * static_cast<double>(i % kColumns) + kLeft;
        const double y0 = kHeight * static_cast<double>(i / kColumns) + kTop;
        double most = 0;
        for (const auto& [x, y] : axis.points) most = std::max(most, y);
        const double unit = std::pow(10, std::floor(std::log10(most)));
        const double top = std::ceil(most / unit * 2) / 2 * unit;
        svg << "<text x=\"" << x0 << "\" y=\"" << y0 - 22 << "\" font-weight=\"bold\">" << axis.name
            << "</text>\n<text x=\"" << x0 + kPlotWidth << "\" y=\"" << y0 - 22
            << "\" text-anchor=\"end\" fill=\"#777\">" << axis.yUnit << "</text>\n";
        for (int line = 0; line <= 2; ++line) {
            const double y = y0 + kPlotHeight * line / 2;
            svg << "<line x1=\"" << x0 << "\" x2=\"" << x0 + kPlotWidth << "\" y1=\"" << y
                << "\" y2=\"" << y << "\" stroke=\"#ddd\"/>\n<text x=\"" << x0 - 5 << "\" y=\""
                << y + 4 << "\" text-anchor=\"end\" fill=\"#777\">"
                << shortNumber(top * (2 - line) / 2) << "</text>\n";
        }
        std::ostringstream points, marks;
        for (std::size_t p = 0; p < axis.points.size(); ++p) {
            const auto& [value, height] = axis.points[p];
            const double x = x0 + kPlotWidth * (static_cast<double>(p) + 0.5) /
                                      static_cast<double>(axis.points.size());
            const double y = y0 + kPlotHeight * (1 - height / top);
            points << x << ',' << y << ' ';
            marks << "<circle cx=\"" << x << "\" cy=\"" << y << "\" r=\"3\" fill=\"#1f6fb2\"/>"
                  << "<text x=\"" << x << "\" y=\"" << y - 7 << "\" text-anchor=\"middle\">"
                  << shortNumber(height) << "</text>"
                  << "<text x=\"" << x << "\" y=\"" << y0 + kPlotHeight + 16
                  << "\" text-anchor=\"middle\">" << shortNumber(value) << "</text>\n";
        }
        svg << "<polyline points=\"" << points.str()
            << "\" fill=\"none\" stroke=\"#1f6fb2\" stroke-width=\"1.5\"/>\n"
            << marks.str() << "<text x=\"" << x0 + kPlotWidth / 2 << "\" y=\""
            << y0 + kPlotHeight + 34 << "\" text-anchor=\"middle\" fill=\"#777\">" << axis.xUnit
            << "</text>\n";
    }
    svg << "</svg>\n";
    if (!svg.flush()) die("the picture cannot be written: " + path);
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 3);
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    const fs::path work =
        fs::temp_directory_path() / ("tidemill-growth-" + std::to_string(::getpid()));
    fs::create_directories(work);
    Growth growth(work, fs::path(argv[0]).parent_path(), arguments.runs);
    growth.words("Different words", "words", {1e3, 1e4, 1e5, 1e6, 1e7},
                 [](Load& load, double keys) { load.keys = static_cast<std::size_t>(keys); });
    growth.words("Batch interval", "milliseconds", {10, 30, 100, 300, 1000, 3000, 10000},
                 [](Load& load, double millis) { load.intervalMillis = static_cast<int>(millis); });
    growth.words("Connections", "connections", {1, 10, 100, 1000}, [](Load& load, double count) {
        load.connections = static_cast<std::size_t>(count);
    });
    std::vector<double> workers;
    for (unsigned count = 1; count <= std::thread::hardware_concurrency(); count *= 2)
        workers.push_back(count);
    growth.words("Workers", "workers", workers,
                 [](Load& load, double count) { load.workers = static_cast<unsigned>(count); });
    growth.recovery("First output after a kill, by log", "MB of log", {1, 10, 100, 1000},
                    "megabytes");
    growth.recovery("First output after a kill, by keys", "keys", {1e4, 1e5, 1e6, 3e6}, "keys");
    fs::remove_all(work);
    if (const auto picture = arguments.text("--svg"); !picture.empty()) draw(growth.axes, picture);
    return 0;
}
