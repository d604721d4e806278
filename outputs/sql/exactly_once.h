// Each batch once in a table: its rows and what says so are one transaction of the database.
// docs/guide/sql_output.md says why that suffices.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/batch_run.h"
#include "core/output.h"
#include "core/peer_check.h"
#include "core/peer_wait.h"
#include "outputs/sql/database.h"

namespace tidemill::outputs {

class SqlOutput final : public core::OutputOperation,
                        public core::WaitsForPeer,
                        public core::AsksPeer {
public:
    // `table`: as the database has it.
    SqlOutput(std::unique_ptr<SqlDatabase> database, SqlTable table, SqlRows rows);

    std::string describe() const override { return description_ + modeText(); }
    std::string place() const override { return description_; }
    // Rows go on as they come; of a batch with a key eight bytes a row stay.
    bool holdsRecords() const override { return false; }

    // A database that is away does not keep the job from starting: the first batch waits for it.
    core::Result<> open(const core::OutputOpening& opening) override;
    // Which batch sent something last. Asks the database once in a life, when no batch was run
    // before.
    std::string note() override;
    core::Visibility run(core::BatchRun& run) override;
    core::Result<> close() override;
    std::optional<core::PeerWait> peerWait() const override { return patience_.waits(); }
    void waitAtMost(std::chrono::nanoseconds grace) override { patience_.waitAtMost(grace); }
    core::PeerAnswer askPeer(const core::PeerQuestion& question) override;

private:
    // Until it succeeds.
    void connect();
    SqlResult<> tryToConnect();
    // What does not go with the directory, before anything is written. Errors: kConflict.
    core::Result<> compareWithOpening(const std::optional<Progress>& found) const;

    // Once. kBefore: the database holds the batch.
    SqlResult<core::Visibility> attempt(core::BatchRun& run, const Sending& sending);
    // True: the database holds the batch.
    bool holds(const std::optional<Progress>& found, const Sending& sending) const;
    [[noreturn]] void refuse(Standing standing, const std::optional<Progress>& found,
                             const Sending& sending) const;
    core::Error misfit(const std::string& why, std::uint64_t found, const std::string& at) const;

    std::string modeText() const;
    std::string noteHead() const;
    // What the note of the batch's record says.
    std::optional<std::uint64_t> previousOf(const core::BatchRecord& record) const;

    const std::unique_ptr<SqlDatabase> database_;
    const SqlTable table_;
    const SqlRows rows_;
    const std::string description_;
    const std::uint64_t writer_;
    std::string owner_;
    core::Boundary last_;
    bool isConnected_ = false;
    Patience patience_;

    std::optional<std::uint64_t> previous_;  // the last batch that sent something; 0: none
};

}  // namespace tidemill::outputs
