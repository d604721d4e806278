// Comma-separated values as RFC 4180 has them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "rows/reader.h"

namespace tidemill::rows {

struct CsvOptions {
    char separator = ',';
    // Blanks and tabs around fields, also around their quotes, are no part of them.
    bool trim = false;
    // The names in the header line, when there is one: places may be names then, and a record that
    // has just these fields is left out, wherever it comes.
    std::vector<std::string> header;
};

// Places are numbers from 1 or names of the header. A field may be in quotes, with a quote in it
// doubled, separators and line ends as they are; the null text in quotes is a text. A quote
// anywhere else, or one that is not closed, fails the record. Errors: kInvalid.
core::Result<std::shared_ptr<const Reader>> makeCsvReader(std::vector<FieldSpec> fields,
                                                          CsvOptions options = {});

// The fields of one record: the names, if it is a header line. Errors: kInvalid.
core::Result<std::vector<std::string>> csvFields(std::string_view record,
                                                 const CsvOptions& options = {});

}  // namespace tidemill::rows
