// What the front ends of rows share, job files and Python: readers and conditions as people write
// them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "rows/expression.h"
#include "rows/reader.h"
#include "rows/readers/csv_reader.h"
#include "rows/row_stream.h"

namespace tidemill::rows {

// How fields are taken out of a record.
enum class ReadBy { kSplit, kRegex, kCsv, kJson, kLogfmt, kKeyValue, kClf, kCombined, kSyslog };
// Their names, in that order: "split", "regex" …
const std::vector<std::string>& readByNames();

// The fields that a ready-made way has; none: fields must be given.
std::vector<FieldSpec> readyFields(ReadBy by);

// Gives a field whose type nobody has said that of the ready field in its place, or else that of
// its way. True: it is loose, see ColumnSpec::isLoose.
bool completeType(ReadBy by, FieldSpec& field);

struct ReaderSpec {
    ReadBy by = ReadBy::kSplit;
    std::vector<FieldSpec> fields;  // none: the ready ones
    std::string separator;          // split; empty: white space
    std::string pattern;            // regex
    std::string pairSeparator = " ";
    std::string valueSeparator = "=";
    CsvOptions csv;  // a header of one text is the header line as it stands in the file
};
// Errors: kInvalid, as of the reader that is meant.
core::Result<std::shared_ptr<const Reader>> makeReader(ReaderSpec spec);

// As readRows, with these columns loose.
RowStream readRows(const DStream<std::string_view>& lines, std::shared_ptr<const Reader> reader,
                   const std::vector<std::string>& loose);

// As parseExpression. Errors (kInvalid): also an expression that is not of type bool.
core::Result<std::shared_ptr<const Expression>> parseCondition(const std::string& sql,
                                                               const Schema& schema);

}  // namespace tidemill::rows
