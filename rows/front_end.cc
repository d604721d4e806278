#include "rows/front_end.h"

#include <algorithm>

#include "rows/readers/access_log_reader.h"
#include "rows/readers/json_reader.h"
#include "rows/readers/key_value_reader.h"
#include "rows/readers/logfmt_reader.h"
#include "rows/readers/regex_reader.h"
#include "rows/readers/split_reader.h"
#include "rows/readers/syslog_reader.h"

namespace tidemill::rows {

using core::ErrorKind;
using core::fail;
using core::Result;

const std::vector<std::string>& readByNames() {
    static const std::vector<std::string> kNames{
        "split", "regex", "csv", "json", "logfmt", "key_value", "clf", "combined", "syslog"};
    return kNames;
}

std::vector<FieldSpec> readyFields(ReadBy by) {
    switch (by) {
        case ReadBy::kClf: return accessLogFields(AccessLog::kCommon);
        case ReadBy::kCombined: return accessLogFields(AccessLog::kCombined);
        case ReadBy::kSyslog: return syslogFields();
        default: return {};
    }
}

bool completeType(ReadBy by, FieldSpec& field) {
    const auto ready = readyFields(by);
    const auto known = std::find_if(ready.begin(), ready.end(), [&](const auto& candidate) {
        return candidate.place == field.place || candidate.name == field.place;
    });
    if (known != ready.end()) {
        field.type = known->type;
        return false;
    }
    if (by == ReadBy::kJson) field.type = Type::kJson;
    return true;
}

Result<std::shared_ptr<const Reader>> makeReader(ReaderSpec spec) {
    auto fields = spec.fields.empty() ? readyFields(spec.by) : std::move(spec.fields);
    switch (spec.by) {
        case ReadBy::kSplit: return makeSplitReader(std::move(fields), {spec.separator});
        case ReadBy::kRegex: return makeRegexReader(std::move(fields), {spec.pattern});
        case ReadBy::kCsv:
            if (spec.csv.header.size() == 1) {
                TM_ASSIGN(spec.csv.header, csvFields(spec.csv.header.front(), spec.csv));
            }
            return makeCsvReader(std::move(fields), std::move(spec.csv));
        case ReadBy::kJson: return makeJsonReader(std::move(fields));
        case ReadBy::kLogfmt: return makeLogfmtReader(std::move(fields));
        case ReadBy::kKeyValue:
            return makeKeyValueReader(std::move(fields), {spec.pairSeparator, spec.valueSeparator});
        case ReadBy::kClf: return makeAccessLogReader(AccessLog::kCommon, std::move(fields));
        case ReadBy::kCombined: return makeAccessLogReader(AccessLog::kCombined, std::move(fields));
        case ReadBy::kSyslog: break;
    }
    return makeSyslogReader(std::move(fields));
}

RowStream readRows(const DStream<std::string_view>& lines, std::shared_ptr<const Reader> reader,
                   const std::vector<std::string>& loose) {
    RowStream stream = readRows(lines, std::move(reader));
    auto columns = stream.schema.columns();
    for (auto& column : columns)
        column.isLoose = std::find(loose.begin(), loose.end(), column.name) != loose.end();
    stream.schema = core::orThrow(Schema::of(std::move(columns)));
    return stream;
}

Result<std::shared_ptr<const Expression>> parseCondition(const std::string& sql,
                                                         const Schema& schema) {
    auto expression = parseExpression(sql, schema);
    if (expression && (*expression)->type() != Type::kBool)
        return fail(ErrorKind::kInvalid, "a condition is true or false, but this is of type " +
                                             std::string(toString((*expression)->type())));
    return expression;
}

}  // namespace tidemill::rows
