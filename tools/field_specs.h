// The `fields` step of a job file: how rows are read from text.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/csv_records.h"
#include "rows/reader.h"
#include "tools/toml_table.h"

namespace tidemill::tools {

struct FieldsSpec {
    // None when it has errors.
    std::shared_ptr<const rows::Reader> reader;
    // Of the columns whose type the file does not say; see rows::ColumnSpec::isLoose.
    std::vector<std::string> loose;
    // How records of CSV are read; none: they are others.
    std::optional<CsvRecords> csv;
};

// Reads `by`, `fields` and what belongs to that way of reading.
FieldsSpec readFields(TomlTable& table, JobFileErrors& errors);

}  // namespace tidemill::tools
