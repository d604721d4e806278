// Any bytes through every reader: a row or a message, never a read outside of the record (under the
// address sanitizer) and never a JSON column that is none.
#include <chrono>
#include <functional>
#include <random>

#include "rows/parse_value.h"
#include "rows/readers/access_log_reader.h"
#include "rows/readers/csv_reader.h"
#include "rows/readers/json_reader.h"
#include "rows/readers/key_value_reader.h"
#include "rows/readers/logfmt_reader.h"
#include "rows/readers/regex_reader.h"
#include "rows/readers/split_reader.h"
#include "rows/readers/syslog_reader.h"
#include "tests/rows/reader_fixture.h"

namespace tidemill::rows {
namespace {

std::vector<FieldSpec> typed(const std::vector<std::string>& places) {
    constexpr Type kAll[] = {Type::kText, Type::kInt,  Type::kFloat,
                             Type::kBool, Type::kTime, Type::kJson};
    std::vector<FieldSpec> fields;
    for (std::size_t i = 0; i < places.size(); ++i) {
        fields.push_back(optional(field("f" + std::to_string(i), places[i], kAll[i % 6])));
        if (i % 2 == 1) fields.back().nullText = "-";
    }
    return fields;
}

struct Case {
    std::string name;
    std::function<MadeReader()> make;
    std::vector<std::string> seeds;  // records that are right
};

const std::vector<Case>& cases() {
    static const std::vector<Case> kCases = {
        {"split",
         [] {
             return makeSplitReader(typed({"1", "2", "3", "4", "5", "6"}));
         },
         {"a 1 2.5 true 2024-02-29 {}", "  x\t-  - "}},
        {"separator",
         [] {
             return makeSplitReader(typed({"1", "2", "9"}), {","});
         },
         {"a,1,,,,,,,2.5,x"}},
        {"csv",
         [] {
             CsvOptions options;
             options.trim = true;
             options.header = {"a", "b"};
             return makeCsvReader(typed({"1", "2", "3", "4", "5", "6"}), options);
         },
         {R"(a,"1",2.5,true,2024-02-29,"{""a"":1}")", "a,b"}},
        {"regex",
         [] {
             return makeRegexReader(typed({"1", "2", "3", "4", "5", "6"}),
                                    {R"((\w+) (\d+)?;(\S*);(\w*);([^;]*);?(.*)?)"});
         },
         {"abc 12;2.5;true;2024-02-29;{}"}},
        {"json",
         [] {
             return makeJsonReader(typed({"/a", "/b/1", "/c", "/d", "/e", "/f"}));
         },
         {R"({"a":"x\u00e9\n","b":[1.5,-2],"c":0.5,"d":true,"e":"2024-02-29","f":{"g":[null]}})"}},
        {"logfmt",
         [] {
             return makeLogfmtReader(typed({"a", "b", "c", "d", "e", "f"}));
         },
         {R"(a="x \"y\" \u00e9" b=12 c=2.5 d e=2024-02-29 f="{\"a\":1}")"}},
        {"key_value",
         [] {
             return makeKeyValueReader(typed({"a", "b", "c"}), {";", "="});
         },
         {"a=1; b = 2 ;;c=3"}},
        {"combined",
         [] {
             auto fields = accessLogFields(AccessLog::kCombined);
             fields.push_back(field("r", "request"));
             return makeAccessLogReader(AccessLog::kCombined, fields);
         },
         {R"(::1 - a b [10/Oct/2000:13:55:36 -0700] "GET /\"a\x41 HTTP/1.0" 200 - "-" "M [en]" x)"}},
        {"syslog",
         [] { return makeSyslogReader(syslogFields()); },
         {"<34>Oct 11 22:14:15 mymachine su[7]: failed",
          R"(<165>1 2003-10-11T22:14:15.003Z h app - ID47 [a@1 x="\"3" y="4"][b] message)"}},
    };
    return kCases;
}

class RandomBytes : public testing::TestWithParam<std::size_t> {};

TEST_P(RandomBytes, AreReadOrRefused) {
    const Case& tried = cases()[GetParam()];
    const auto reader = tried.make();
    ASSERT_TRUE(reader) << reader.error().message;
    const auto rowReader = (*reader)->makeRowReader();
    rowReader->beginBatch(fromMillis(1'718'409'600'000));
    const std::uint64_t seed = 41 + GetParam();
    std::mt19937_64 random(seed);
    std::string alphabet;
    for (const auto& text : tried.seeds) alphabet += text;
    const auto mutated = [&] {
        std::string text = tried.seeds[random() % tried.seeds.size()];
        if (random() % 16 == 0) {
            text.resize(random() % 40);
            for (char& c : text) c = static_cast<char>(random());
        }
        for (std::size_t n = random() % 4; n > 0 && !text.empty(); --n) {
            const std::size_t at = random() % text.size();
            switch (random() % 4) {
                case 0:
                    text.erase(at, 1 + random() % 8);
                    break;
                case 1:
                    text.insert(at, text.substr(random() % text.size(), random() % 16));
                    break;
                case 2:
                    text[at] = alphabet[random() % alphabet.size()];
                    break;
                default:
                    text[at] = static_cast<char>(random());
            }
        }
        return text;
    };
    std::size_t read = 0;
    std::size_t refused = 0;
    // A chunk of one block as a source has them, so that readers see what follows a record.
    for (int chunk = 0; chunk < 25; ++chunk) {
        std::vector<std::string> texts(1 + random() % kChunkRows);
        std::size_t bytes = 0;
        for (auto& text : texts) {
            text = mutated();
            bytes += text.size() + 1;
        }
        const auto block = std::make_unique<char[]>(bytes - 1);  // nothing behind the last
        std::vector<std::string_view> records;
        std::size_t at = 0;
        for (const auto& text : texts) {
            if (!records.empty()) block[at++] = '\n';
            std::copy(text.begin(), text.end(), block.get() + at);
            records.emplace_back(block.get() + at, text.size());
            at += text.size();
        }
        core::Arena arena;
        RowFailures failures;
        const auto columns = rowReader->read(records, arena, failures);
        ASSERT_EQ(columns.size(), (*reader)->schema().size());
        for (const auto& [row, message] : failures.all()) {
            ASSERT_FALSE(message.empty());
            ASSERT_LT(message.size(), 600u) << message;
        }
        std::string json;
        for (std::size_t row = 0; row < records.size(); ++row) {
            if (failures.failed(row)) {
                ++refused;
                continue;
            }
            ++read;
            for (const Column& column : columns) {
                json.clear();
                appendJson(json, column, row);
                ASSERT_TRUE(isJson(json)) << json << "\nof " << records[row] << "\nseed " << seed;
            }
        }
    }
    EXPECT_GT(read, 100u);
    // Split at a separator and pairs take nearly anything.
    EXPECT_GT(refused, 20u);
}

INSTANTIATE_TEST_SUITE_P(Readers, RandomBytes, testing::Range<std::size_t>(0, 9),
                         [](const auto& tried) { return cases()[tried.param].name; });

}  // namespace
}  // namespace tidemill::rows
