// Which batches changed the row of a key, and which of their records did.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/batch_record.h"
#include "core/error.h"
#include "state/state_reader.h"
#include "tools/job_file.h"
#include "tools/past/past_batch.h"

namespace tidemill::tools {

// A row of a job's table; its bytes as they are stored.
struct RowPlace {
    state::TableSummary table;
    std::string key;
};

struct RowChange {
    core::BatchId batch;
    BatchTime time{};
    std::optional<std::string> before, after;  // the stored value; none: no such row
};

// Runs what the directory can run again, and calls changed(change) behind each batch after which
// the row is not what it was before. Errors: those of the batches.
core::Result<> findChanges(const PastDirectory& directory, const JobFile& job, const RowPlace& row,
                           std::optional<std::string> before,
                           const std::function<void(RowChange)>& changed);

// The records of one batch that touch a row: with such a record alone the batch writes it, whatever
// value that gives. Of records of files nothing is said.
struct TouchingRecords {
    struct Record {
        core::RecordPlace place;
        std::string described;  // where it came from, and its beginning
    };
    std::vector<Record> records;  // in the order of the log
    bool more = false;            // than were asked for
    // The first to the last of records that touch it only together.
    std::vector<std::pair<Record, Record>> together;
    // The row is written without any record of the log, too: by time, or for records of files.
    bool withoutRecords = false;
    bool hasFiles = false;
    std::uint64_t ofRecords = 0;  // in the batch
    std::uint64_t runs = 0;       // of the batch, to find out
};

// `directory` stands behind the batch before. Finds at most `most`. Runs the batch with parts of its
// records: the logarithm of their number for each that is found, or twice. `progress` is called
// with how often it ran, each time.
core::Result<TouchingRecords> findRecords(const PastDirectory& directory, const JobFile& job,
                                          const RowPlace& row, core::BatchId batch,
                                          std::uint64_t most,
                                          const std::function<void(std::uint64_t)>& progress);

}  // namespace tidemill::tools
