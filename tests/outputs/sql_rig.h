// The rig of the tests of outputs to databases: rows of values as batches of a job in this process,
// and jobs as a user runs them, whose rows are counted.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "rows/row_stream.h"
#include "tests/rows/table_rows.h"
#include "tests/support/batch_harness.h"
#include "tests/support/child_process.h"

namespace tidemill::test {

// Runs a statement and answers its rows, columns parted by "|", a line each.
using Query = std::function<std::string(const std::string&)>;

// Rows that batches of a job are made of: batch n has those of batches[n - 1].
struct RowBatches {
    std::vector<rows::ColumnSpec> columns;
    std::vector<std::vector<rows::test::Cells>> batches;
};

// A job over these batches in one life; `add` says where the rows go. Answers what ended it; empty:
// all batches have run.
std::string runRows(const RowBatches& given,
                    const std::function<core::Result<>(const rows::RowStream&)>& add,
                    const std::filesystem::path& directory = {},
                    ErrorPolicy policy = ErrorPolicy::kStop);

// A job file over files of lines "ID,KEY", run by the program: `lines` gets each line, and `totals`
// the number of lines of each key. Thread safety: externally synchronized.
class SqlJobRig {
public:
    // `output(table)`: the keys of an [[output]] to that table.
    explicit SqlJobRig(const std::function<std::string(const std::string&)>& output);

    // A file of so many new lines, which appears whole.
    void feed(std::size_t lines);

    std::unique_ptr<ChildProcess> start(const std::string& failpoint = {},
                                        const std::string& data = "data") const;
    // Until `lines` has all that were fed; false when it takes longer.
    bool await(const Query& query, std::chrono::seconds longest = std::chrono::seconds(60)) const;
    // SIGTERM, and the exit code.
    int stop(ChildProcess& job) const;

    // What is wrong with the tables; empty: each line is there once, and the totals are right.
    std::string problems(const Query& query) const;
    // A life without a fault that takes in all that is left, and what is wrong then.
    std::string finish(const Query& query);
    std::string words() const { return tailOf(directory_ / "log", 12); }
    std::string allWords() const;
    const TemporaryDirectory& directory() const { return directory_; }
    std::size_t fed() const { return lines_; }

private:
    TemporaryDirectory directory_;
    std::size_t lines_ = 0, files_ = 0;
    std::map<std::string, std::int64_t> keys_;
};

}  // namespace tidemill::test
