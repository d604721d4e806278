// http.ingest: POSTs over HTTP, each answered once its lines are durable, next to a plain server of
// the same HTTP library that counts the lines and keeps nothing, by turns: small requests of one
// line on many connections, and large bodies on few.
//
// http_ingest [--seconds=N] [--connections=N] [--runs=N] [--json]
#include <microhttpd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/arguments.h"
#include "bench/forked.h"
#include "bench/loopback.h"
#include "bench/report.h"
#include "bench/request_load.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"

namespace {

namespace fs = std::filesystem;
using namespace tidemill;
using namespace tidemill::bench;

constexpr std::size_t kLineBytes = 100;
constexpr std::size_t kLargeBytes = 1 << 20;
constexpr int kLargeConnections = 4;

[[noreturn]] void forEver() {
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

// Durable: a job that counts the lines.
int runEngine(std::uint16_t port, const fs::path& directory) {
    core::setLogLevel(core::LogLevel::kWarning);
    StreamingOptions options;
    options.directory = directory;
    options.interval = std::chrono::milliseconds(250);
    StreamingContext context(options);
    context.httpStream("127.0.0.1", port).count().forEachBatch([](const auto&) {});
    context.start();
    forEver();
}

// The library's own: counts, and answers at once.
struct Plain {
    std::uint64_t lines = 0;

    static MHD_Result request(void* self, MHD_Connection* connection, const char*, const char*,
                              const char*, const char* piece, std::size_t* bytes, void** state) {
        static int begun;
        if (*state == nullptr) {
            *state = &begun;
            return MHD_YES;
        }
        if (*bytes != 0) {
            static_cast<Plain*>(self)->lines +=
                static_cast<std::uint64_t>(std::count(piece, piece + *bytes, '\n'));
            *bytes = 0;
            return MHD_YES;
        }
        static char answer[] = "{\"taken\": 1}\n";
        MHD_Response* const made =
            MHD_create_response_from_buffer(sizeof answer - 1, answer, MHD_RESPMEM_PERSISTENT);
        const auto queued = MHD_queue_response(connection, 200, made);
        MHD_destroy_response(made);
        return queued;
    }
};

int runPlain(std::uint16_t port) {
    Plain plain;
    const auto address = loopback(port);
    const auto* daemon =
        MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD, 0, nullptr, nullptr, &Plain::request, &plain,
                         MHD_OPTION_SOCK_ADDR, reinterpret_cast<const sockaddr*>(&address),
                         MHD_OPTION_CONNECTION_LIMIT, 1000U, MHD_OPTION_END);
    if (daemon == nullptr) die("the plain server could not start");
    forEver();
}

std::string requestOf(std::size_t bodyBytes) {
    std::string body;
    while (body.size() < bodyBytes) body += std::string(kLineBytes - 1, 'x') + "\n";
    return "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

// Requests a second that were answered.
double rate(std::uint16_t port, int connections, const std::string& request, double seconds) {
    auto senders = dialSenders(port, connections);
    return answersPerSecond(senders, request, seconds, [](const std::string& answer) {
        // Every answer ends with "}\n" and has no other line end like it.
        if (!answer.ends_with("}\n")) return false;
        if (!answer.starts_with("HTTP/1.1 200 ")) die("the server answered: " + answer);
        return true;
    });
}

struct Measured {
    double small = 0;  // requests/s
    double large = 0;  // MB/s
};

template <class Serve>
Measured measured(const char* what, int connections, double seconds, Serve serve) {
    const auto port = freePort();
    const Forked<int> server(what, [&] { return serve(port); });
    Measured result;
    result.small = rate(port, connections, requestOf(kLineBytes), seconds);
    const auto large = requestOf(kLargeBytes);
    result.large =
        rate(port, kLargeConnections, large, seconds) * static_cast<double>(large.size()) / 1e6;
    server.kill();
    return result;
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 3);
    const double seconds = arguments.number("--seconds", 4);
    const int connections = arguments.number("--connections", 256);
    const fs::path work = fs::temp_directory_path() / ("http-ingest-" + std::to_string(::getpid()));
    std::vector<double> small, large, plainSmall, plainLarge, smallRatios, largeRatios;
    for (int run = 0; run < arguments.runs; ++run) {
        const auto plain = measured("the plain server", connections, seconds, runPlain);
        const auto engine = measured("the job", connections, seconds,
                                     [&](std::uint16_t port) { return runEngine(port, work); });
        fs::remove_all(work);
        small.push_back(engine.small);
        large.push_back(engine.large);
        plainSmall.push_back(plain.small);
        plainLarge.push_back(plain.large);
        smallRatios.push_back(engine.small / plain.small);
        largeRatios.push_back(engine.large / plain.large);
    }
    Figure{"http.ingest",
           median(small),
           "requests/s",
           median(smallRatios),
           median(plainSmall),
           {{"connections", connections},
            {"large_mb_per_s", median(large)},
            {"plain_large_mb_per_s", median(plainLarge)},
            {"large_ratio", median(largeRatios)}},
           smallRatios}
        .print(arguments.json);
}
