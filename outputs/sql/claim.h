// That a table is written by one output of a process.
#pragma once

#include <memory>
#include <string>

namespace tidemill::outputs {

// Held until it is destroyed. Two outputs with one table would each take the other's progress for
// its own. Thread safety: thread-safe.
class TableClaim {
public:
    // `table`: the same for the same table, however it was named. Null: another has it.
    static std::unique_ptr<TableClaim> take(const std::string& table);
    ~TableClaim();
    TableClaim(const TableClaim&) = delete;
    TableClaim& operator=(const TableClaim&) = delete;

private:
    explicit TableClaim(std::string table) : table_(std::move(table)) {}
    const std::string table_;
};

}  // namespace tidemill::outputs
