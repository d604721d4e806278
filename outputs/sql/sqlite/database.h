// A table of SQLite as an output sees it: rows by a prepared insert.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "outputs/sql/claim.h"
#include "outputs/sql/database.h"
#include "outputs/sql/sqlite/connection.h"
#include "outputs/sql/sqlite/table.h"

namespace tidemill::outputs {

class SqliteDatabase final : public SqlDatabase {
public:
    // `maxBytes`: of the file; 0: no bound.
    SqliteDatabase(std::string path, std::uint64_t maxBytes, SqlTable table);

    const char* product() const override { return "SQLite"; }
    const std::string& place() const override { return place_; }
    SqlResult<> connect(const std::string& owner) override;
    SqlResult<SqlFindings> look(const std::string& owner) override;
    void disconnect() override;
    std::string refusal(SqlRow row) const override;
    SqlResult<std::optional<Progress>> progress() override;
    SqlResult<std::optional<Progress>> begin() override;
    SqlResult<> clear() override { return connection_->run("delete from " + tableName()); }
    SqlResult<> add(SqlRow row) override;
    SqlResult<> finish() override { return {}; }
    SqlResult<> keep(const Progress& progress) override;
    SqlResult<> commit() override { return connection_->run("commit"); }
    SqlResult<> rollback() override { return connection_->run("rollback"); }

private:
    std::string tableName() const { return sqliteName(table_.name); }
    bool hasFile() const;
    SqlResult<> open(const std::string& owner, bool create);
    SqlResult<> prepare();
    SqlResult<bool> has(const std::string& table);
    SqlResult<> claim();
    SqlResult<> bound();
    SqlResult<> prepareProgress();
    SqlResult<> prepareInsert();

    const std::string path_;
    const std::uint64_t maxBytes_;
    const SqlTable wanted_;
    const std::vector<std::size_t> keyPlaces_;
    const std::string place_;
    std::string owner_;
    std::unique_ptr<TableClaim> claim_;
    std::string claimed_;
    std::unique_ptr<SqliteConnection> connection_;
    std::unique_ptr<SqliteStatement> insert_;
    SqliteTable table_;
    std::vector<std::string> times_;
};

}  // namespace tidemill::outputs
