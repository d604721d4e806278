// rows.readers: records in memory to typed columns, reader by reader, on one core, next to a loop
// by hand that takes the same fields out with the same parsers; sums must be equal.
#include <re2/re2.h>
#include <simdjson.h>

#include <charconv>
#include <chrono>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bench/arguments.h"
#include "bench/report.h"
#include "core/arena.h"
#include "rows/readers/access_log_reader.h"
#include "rows/readers/csv_reader.h"
#include "rows/readers/json_reader.h"
#include "rows/readers/logfmt_reader.h"
#include "rows/readers/regex_reader.h"
#include "rows/readers/split_reader.h"
#include "rows/readers/syslog_reader.h"

namespace {

using namespace tidemill;
using Clock = std::chrono::steady_clock;

// What a run makes of a text, so that two runs can be compared.
struct Sums {
    std::uint64_t records = 0;
    std::uint64_t failed = 0;
    std::uint64_t textBytes = 0;
    double numbers = 0;
    bool operator==(const Sums&) const = default;
};

template <class Take>
void forEachLine(std::string_view text, Take&& take) {
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        const char* const stop =
            static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
        take(std::string_view(at, static_cast<std::size_t>(stop - at)));
        at = stop + 1;
    }
}

rows::FieldSpec field(std::string name, std::string place, rows::Type type = rows::Type::kText) {
    rows::FieldSpec spec;
    spec.name = std::move(name);
    spec.place = std::move(place);
    spec.type = type;
    return spec;
}

Sums byReader(const rows::Reader& reader, std::string_view text) {
    const auto rowReader = reader.makeRowReader();
    rowReader->beginBatch(fromMillis(1'718'409'600'000));
    core::Arena arena;
    rows::RowFailures failures;
    std::vector<std::string_view> records;
    records.reserve(rows::kChunkRows);
    Sums sums;
    const auto flush = [&] {
        const auto columns = rowReader->read(records, arena, failures);
        sums.records += records.size();
        for (std::size_t row = 0; row < records.size(); ++row) sums.failed += failures.failed(row);
        for (const auto& column : columns) {
            for (std::size_t row = 0; row < records.size(); ++row) {
                if (column.isNull(row) || failures.failed(row)) continue;
                if (column.type == rows::Type::kText)
                    sums.textBytes += column.as<rows::Type::kText>()[row].size();
                if (column.type == rows::Type::kFloat)
                    sums.numbers += column.as<rows::Type::kFloat>()[row];
                if (column.type == rows::Type::kInt)
                    sums.numbers += static_cast<double>(column.as<rows::Type::kInt>()[row]);
            }
        }
        failures.clear();
        arena.reset();
        records.clear();
    };
    forEachLine(text, [&](std::string_view line) {
        records.push_back(line);
        if (records.size() == rows::kChunkRows) flush();
    });
    if (!records.empty()) flush();
    return sums;
}

bool number(std::string_view text, double& value) {
    return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
}

void count(Sums& sums, std::string_view key, std::string_view path, double value) {
    sums.textBytes += key.size() + path.size();
    sums.numbers += value;
}

Sums splitByHand(std::string_view text, char separator) {
    Sums sums;
    forEachLine(text, [&](std::string_view line) {
        ++sums.records;
        std::string_view fields[10];
        int found = 0;
        const char* at = line.data();
        const char* const end = at + line.size();
        while (at < end && found < 10) {
            const void* const hit = std::memchr(at, separator, static_cast<std::size_t>(end - at));
            const char* const stop = hit == nullptr ? end : static_cast<const char*>(hit);
            fields[found++] = {at, static_cast<std::size_t>(stop - at)};
            at = stop + 1;
        }
        double value = 0;
        if (found == 10 && number(fields[9], value)) {
            count(sums, fields[8], fields[6], value);
        } else {
            ++sums.failed;
        }
    });
    return sums;
}

constexpr const char* kPattern =
    "\"(?P<method>[A-Z]+) (?P<path>\\S+)[^\"]*\" (?P<status>\\d{3}) (?P<bytes>\\d+)";

Sums regexByHand(std::string_view text) {
    const re2::RE2 pattern(kPattern, re2::RE2::Latin1);
    re2::StringPiece groups[5];
    Sums sums;
    forEachLine(text, [&](std::string_view line) {
        ++sums.records;
        const re2::StringPiece piece(line.data(), line.size());
        double value = 0;
        if (pattern.Match(piece, 0, line.size(), re2::RE2::UNANCHORED, groups, 5) &&
            number({groups[4].data(), groups[4].size()}, value)) {
            count(sums, {groups[3].data(), groups[3].size()}, {groups[2].data(), groups[2].size()},
                  value);
        } else {
            ++sums.failed;
        }
    });
    return sums;
}

// `text` has room for simdjson behind it.
Sums jsonByHand(std::string_view text) {
    simdjson::ondemand::parser parser;
    Sums sums;
    const char* const end = text.data() + text.size();
    forEachLine(text, [&](std::string_view line) {
        ++sums.records;
        simdjson::ondemand::document document;
        std::string_view type;
        std::string_view user;
        double value = 0;
        if (!parser
                 .iterate(line.data(), line.size(),
                          static_cast<std::size_t>(end - line.data()) + simdjson::SIMDJSON_PADDING)
                 .get(document) &&
            !document["event"]["type"].get(type) && !document["user"]["name"].get(user) &&
            !document["amount"].get(value)) {
            count(sums, type, user, value);
        } else {
            ++sums.failed;
        }
    });
    return sums;
}

struct Texts {
    std::string log, csv, json, logfmt, syslog;
};

Texts makeTexts(std::size_t records) {
    std::mt19937_64 random(1);
    Texts texts;
    const char* const kMethods[] = {"GET", "GET", "GET", "POST", "HEAD"};
    const char* const kStatus[] = {"200", "200", "200", "304", "404", "500"};
    const char* const kTypes[] = {"view", "click", "buy", "return"};
    for (std::size_t i = 0; i < records; ++i) {
        const auto pick = [&](std::size_t n) { return random() % n; };
        const std::string host = std::to_string(pick(256)) + "." + std::to_string(pick(256)) + "." +
                                 std::to_string(pick(256)) + "." + std::to_string(pick(256));
        const std::string path =
            "/section" + std::to_string(pick(20)) + "/page" + std::to_string(pick(2000)) + ".html";
        const std::string status = kStatus[pick(6)];
        const std::string bytes = std::to_string(pick(100'000));
        char clock[16];
        std::snprintf(clock, sizeof clock, "%02zu:%02zu:%02zu", i / 360'000 % 24, i / 6000 % 60,
                      i / 100 % 60);
        const std::string user = "user" + std::to_string(pick(10'000));
        const char* const method = kMethods[pick(5)];
        texts.log += host + " - - [10/Oct/2024:" + clock + " +0200] \"" + method + " " + path +
                     " HTTP/1.1\" " + status + " " + bytes +
                     " \"https://example.org/start\" \"Mozilla/5.0 (X11; Linux x86_64)\"\n";
        texts.csv += std::to_string(i) + "," + host + "," + user + ",2024-10-10 " + clock + "," +
                     method + ",en," + path + ",HTTP/1.1," + status + "," + bytes + "\n";
        texts.json += "{\"id\":" + std::to_string(i) + ",\"event\":{\"type\":\"" + kTypes[pick(4)] +
                      "\",\"v\":2},\"user\":{\"name\":\"" + user +
                      "\",\"country\":\"DE\"},\"amount\":" + bytes + ".5}\n";
        texts.logfmt += std::string("time=2024-10-10T") + clock +
                        "Z level=info msg=\"request done\" method=" + method + " path=" + path +
                        " status=" + status + " bytes=" + bytes + "\n";
        texts.syslog += std::string("<34>Oct 10 ") + clock + " " + host + " app[" +
                        std::to_string(pick(10'000)) + "]: request for " + path + " done\n";
    }
    for (std::string* text : {&texts.log, &texts.csv, &texts.json, &texts.logfmt, &texts.syslog})
        text->reserve(text->size() + simdjson::SIMDJSON_PADDING);
    return texts;
}

struct Case {
    std::string name;
    core::Result<std::shared_ptr<const rows::Reader>> reader;
    const std::string* text;
    std::function<Sums(std::string_view)> byHand;  // empty: none
};

double secondsOf(const std::function<Sums()>& run, Sums& sums) {
    const auto begin = Clock::now();
    sums = run();
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

int main(int argc, char** argv) {
    const bench::Arguments arguments(argc, argv, 5);
    const Texts texts = makeTexts(200'000);
    using rows::Type;
    const auto keyed = [](const char* key, const char* path, const char* bytes) {
        return std::vector{field("status", key), field("path", path),
                           field("bytes", bytes, Type::kFloat)};
    };
    std::vector<Case> cases;
    cases.push_back({"split.blanks", rows::makeSplitReader(keyed("9", "7", "10")), &texts.log,
                     [](std::string_view text) { return splitByHand(text, ' '); }});
    cases.push_back({"split.byte", rows::makeSplitReader(keyed("9", "7", "10"), {" "}), &texts.log,
                     [](std::string_view text) { return splitByHand(text, ' '); }});
    cases.push_back({"csv", rows::makeCsvReader(keyed("9", "7", "10")), &texts.csv,
                     [](std::string_view text) { return splitByHand(text, ','); }});
    cases.push_back({"regex", rows::makeRegexReader(keyed("status", "path", "bytes"), {kPattern}),
                     &texts.log, regexByHand});
    cases.push_back(
        {"json",
         rows::makeJsonReader({field("type", "/event/type"), field("user", "/user/name"),
                               field("amount", "/amount", Type::kFloat)}),
         &texts.json, jsonByHand});
    cases.push_back(
        {"logfmt", rows::makeLogfmtReader(keyed("status", "path", "bytes")), &texts.logfmt, {}});
    cases.push_back({"combined",
                     rows::makeAccessLogReader(rows::AccessLog::kCombined,
                                               rows::accessLogFields(rows::AccessLog::kCombined)),
                     &texts.log,
                     {}});
    cases.push_back({"syslog", rows::makeSyslogReader(rows::syslogFields()), &texts.syslog, {}});
    for (const Case& tried : cases) {
        if (!tried.reader) {
            std::fprintf(stderr, "%s: %s\n", tried.name.c_str(),
                         tried.reader.error().message.c_str());
            return 1;
        }
        if (!arguments.plain.empty() && arguments.plain[0] != tried.name) continue;
        std::vector<double> ours;
        std::vector<double> theirs;
        for (int run = 0; run < arguments.runs; ++run) {
            Sums byHand;
            Sums read;
            if (tried.byHand)
                theirs.push_back(secondsOf([&] { return tried.byHand(*tried.text); }, byHand));
            ours.push_back(secondsOf([&] { return byReader(**tried.reader, *tried.text); }, read));
            if (read.failed != 0 || (tried.byHand && !(byHand == read))) {
                std::fprintf(stderr, "%s: the sums differ\n", tried.name.c_str());
                return 1;
            }
        }
        constexpr double kMillions = 0.2;
        bench::Figure figure;
        figure.name = tried.name;
        figure.unit = "million records/s";
        figure.value = kMillions / bench::median(ours);
        if (tried.byHand) {
            figure.reference = kMillions / bench::median(theirs);
            figure.ratio = figure.value / figure.reference;
        }
        figure.print(arguments.json);
    }
}
