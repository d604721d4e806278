// Lines for the benchmarks over rows: an access log, CSV, JSON events. The same for the same
// numbers.
#pragma once

#include <cstddef>
#include <random>
#include <string>

namespace tidemill::bench {

enum class RowsBy { kSplit, kCsv, kRegex, kJson };

inline std::string rowLine(RowsBy by, std::mt19937& random) {
    static const char* const kStatus[] = {"200", "200", "200", "200", "304", "404", "500"};
    const std::string path =
        "/articles/" + std::to_string(random() % 100 * (random() % 100)) + ".html";
    const std::string status = kStatus[random() % 7];
    const std::string bytes = std::to_string(random() % 60'000);
    const std::string host =
        "10.0." + std::to_string(random() % 256) + "." + std::to_string(random() % 256);
    switch (by) {
        case RowsBy::kCsv:
            return host + ",GET," + (random() % 10 == 0 ? "\"" + path + "\"" : path) + "," +
                   status + "," + bytes + ",\"Mozilla/5.0 (X11; Linux x86_64)\"\n";
        case RowsBy::kJson:
            return "{\"id\": " + std::to_string(random()) + ", \"event\": {\"type\": \"" +
                   (random() % 3 != 0 ? "view" : "purchase") +
                   "\", \"at\": \"2024-03-01T12:00:00Z\"}, \"user\": {\"name\": \"user-" +
                   std::to_string(random() % 5000) +
                   "\", \"country\": \"DE\"}, \"amount\": " + std::to_string(random() % 500) + "." +
                   std::to_string(random() % 90 + 10) + "}\n";
        case RowsBy::kSplit:
        case RowsBy::kRegex: break;
    }
    return host + " - - [01/Mar/2024:12:00:00 +0000] \"GET " + path + " HTTP/1.1\" " + status +
           " " + bytes + "\n";
}

inline std::string rowText(RowsBy by, std::size_t lines) {
    std::mt19937 random(7);
    std::string text;
    while (lines-- != 0) text += rowLine(by, random);
    return text;
}

}  // namespace tidemill::bench
