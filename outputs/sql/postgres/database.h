// A table of PostgreSQL as an output sees it: rows by COPY in the binary format, straight into the
// table, or by way of a temporary one where rows may replace others.
#pragma once

#include <memory>
#include <string>

#include "outputs/sql/claim.h"
#include "outputs/sql/database.h"
#include "outputs/sql/postgres/connection.h"
#include "outputs/sql/postgres/table.h"
#include "outputs/sql/row_keys.h"

namespace tidemill::outputs {

class PgDatabase final : public SqlDatabase {
public:
    PgDatabase(std::string connection, SqlTable table);

    const char* product() const override { return "PostgreSQL"; }
    const std::string& place() const override { return place_; }
    SqlResult<> connect(const std::string& owner) override;
    SqlResult<SqlFindings> look(const std::string& owner) override;
    void disconnect() override { connection_.reset(); }
    std::string refusal(SqlRow row) const override;
    SqlResult<std::optional<Progress>> progress() override { return readProgress("", ""); }
    SqlResult<std::optional<Progress>> begin() override;
    SqlResult<> clear() override;
    SqlResult<> add(SqlRow row) override;
    SqlResult<> finish() override;
    SqlResult<> keep(const Progress& progress) override;
    SqlResult<> commit() override { return run("commit"); }
    SqlResult<> rollback() override { return run("rollback"); }

private:
    SqlResult<> run(const std::string& sql);
    SqlResult<> open(const std::string& owner);
    SqlResult<> prepare();
    SqlResult<bool> has(const std::string& table) const;
    SqlResult<> prepareSession();
    SqlResult<> prepareProgress();
    SqlResult<> prepareRows();
    SqlResult<std::optional<Progress>> readProgress(const std::string& before,
                                                    const std::string& behind);
    std::string whoseProgress() const;
    std::string columnList() const;

    const std::string options_;
    const SqlTable wanted_;
    const std::vector<std::size_t> keyPlaces_;
    const std::string place_;
    std::string owner_;
    std::unique_ptr<TableClaim> claim_;
    std::string claimed_;
    std::unique_ptr<PgConnection> connection_;
    PgTable table_;
    std::string progressTable_;  // quoted

    std::optional<std::uint64_t> before_;  // the batch that the progress has; none: it has no row
    bool isCopying_ = false;
    std::string buffer_;
    RowKeys keys_;
    std::int64_t rows_ = 0;
};

}  // namespace tidemill::outputs
