// Every reader with fields of every type, and records that it reads: what random bytes start from.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "rows/readers/access_log_reader.h"
#include "rows/readers/csv_reader.h"
#include "rows/readers/json_reader.h"
#include "rows/readers/key_value_reader.h"
#include "rows/readers/logfmt_reader.h"
#include "rows/readers/regex_reader.h"
#include "rows/readers/split_reader.h"
#include "rows/readers/syslog_reader.h"

namespace tidemill::rows {

inline FieldSpec field(std::string name, std::string place, Type type = Type::kText) {
    FieldSpec spec;
    spec.name = std::move(name);
    spec.place = std::move(place);
    spec.type = type;
    return spec;
}
inline FieldSpec optional(FieldSpec spec) {
    spec.optional = true;
    return spec;
}

using MadeReader = core::Result<std::shared_ptr<const Reader>>;

inline std::vector<FieldSpec> typed(const std::vector<std::string>& places) {
    constexpr Type kAll[] = {Type::kText, Type::kInt,  Type::kFloat,
                             Type::kBool, Type::kTime, Type::kJson};
    std::vector<FieldSpec> fields;
    for (std::size_t i = 0; i < places.size(); ++i) {
        fields.push_back(optional(field("f" + std::to_string(i), places[i], kAll[i % 6])));
        if (i % 2 == 1) fields.back().nullText = "-";
    }
    return fields;
}

struct ReaderCase {
    std::string name;
    std::function<MadeReader()> make;
    std::vector<std::string> seeds;  // records that are right
};

inline const std::vector<ReaderCase>& readerCases() {
    static const std::vector<ReaderCase> kCases = {
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

}  // namespace tidemill::rows
