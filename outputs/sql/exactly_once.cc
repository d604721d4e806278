#include "outputs/sql/exactly_once.h"

#include <charconv>

#include "core/failed_records.h"
#include "core/failpoint.h"
#include "core/logging.h"
#include "core/workers.h"

namespace tidemill::outputs {

using core::ErrorKind;
using core::Result;
using core::TaskFailure;
using core::Visibility;

namespace {

constexpr const char* kNoteBegin = "sql 1 ";

// A failure inside of a scan, on its way out.
struct Broken {
    std::optional<SqlFailure> failure;
    template <class T>
    T orLeave(SqlResult<T> result) {
        if (!result) {
            failure = std::move(result.error());
            throw TaskFailure(failure->error);
        }
        if constexpr (!std::is_void_v<T>) return std::move(*result);
    }
};

void point(const char* name) { core::orThrow(core::reachFailpoint(name)); }

}  // namespace

SqlOutput::SqlOutput(std::unique_ptr<SqlDatabase> database, SqlTable table, SqlRows rows)
    : database_(std::move(database)),
      table_(std::move(table)),
      rows_(std::move(rows)),
      description_(std::string(database_->product()) + " " + database_->place()),
      writer_(randomWriter()) {}

std::string SqlOutput::modeText() const {
    if (table_.mode == SqlMode::kAppend) return ", append";
    if (table_.mode == SqlMode::kReplace) return ", replace";
    std::string text = ", upsert by ";
    for (std::size_t i = 0; i < table_.key.size(); ++i)
        text += (i == 0 ? "" : ", ") + table_.key[i];
    return text;
}

Result<> SqlOutput::open(const core::OutputOpening& opening) {
    TM_TRY(table_.check());
    owner_ = opening.owner;
    last_ = opening.last;
    const auto connected = tryToConnect();
    if (connected) {
        const auto found = database_->progress();
        if (found) return compareWithOpening(*found);
        isConnected_ = false;
        database_->disconnect();
        if (found.error().trouble == Trouble::kPermanent) return core::fail(found.error().error);
        return {};
    }
    if (connected.error().trouble == Trouble::kPermanent)
        return core::fail(connected.error().error);
    core::logWarning(connected.error().error.message + "; the first batch waits for it");
    return {};
}

Result<> SqlOutput::close() {
    isConnected_ = false;
    database_->disconnect();
    return {};
}

core::PeerAnswer SqlOutput::askPeer(const core::PeerQuestion& question) {
    core::PeerAnswer answer;
    if (const auto right = table_.check(); !right) {
        answer.troubles.push_back(right.error().message);
        return answer;
    }
    const auto found = database_->look(question.owner.empty() ? "not made yet" : question.owner);
    database_->disconnect();
    if (!found) {
        answer.troubles.push_back(found.error().error.message);
        return answer;
    }
    const auto fact = [&](std::string text) { answer.facts.push_back(std::move(text)); };
    fact(found->server + " answers");
    fact("table \"" + table_.name + "\" " +
         (found->hasTable ? "is there, and its columns fit the rows"
                          : "does not exist, and would be made"));
    if (!found->hasProgressTable)
        fact("table \"" + table_.progressTable + "\" does not exist, and would be made");
    if (found->progress)
        fact("the table has the batches of this data directory up to " +
             std::to_string(found->progress->batch));
    return answer;
}

// A job that was changed may have other outputs in the places that notes name.
std::string SqlOutput::noteHead() const { return kNoteBegin + description_ + " "; }

std::string SqlOutput::note() {
    while (!previous_) {
        // The last recorded batch is complete, and so is what it sent: no question is open.
        connect();
        const auto found = database_->progress();
        if (found) {
            core::orThrow(compareWithOpening(*found));
            previous_ = *found ? (*found)->batch : 0;
            break;
        }
        isConnected_ = false;
        patience_.wait(found.error().trouble, found.error().error);
    }
    auto note = noteHead();
    note.resize(std::min(note.size(), core::kOutputNoteBytesMax - 20));
    return note + std::to_string(*previous_);
}

std::optional<std::uint64_t> SqlOutput::previousOf(const core::BatchRecord& record) const {
    auto head = noteHead();
    head.resize(std::min(head.size(), core::kOutputNoteBytesMax - 20));
    for (const auto& note : record.notes) {
        if (!note.bytes.starts_with(head)) continue;
        std::uint64_t batch = 0;
        const char* const end = note.bytes.data() + note.bytes.size();
        if (std::from_chars(note.bytes.data() + head.size(), end, batch).ptr == end) return batch;
    }
    return std::nullopt;
}

Visibility SqlOutput::run(core::BatchRun& run) {
    const auto& record = run.record();
    if (!rows_.isActive(run)) {
        if (!previous_) previous_ = previousOf(record);
        return Visibility::kNow;
    }
    const Sending sending{run.mark(), previousOf(record)};
    while (true) {
        auto done = attempt(run, sending);
        if (done) {
            patience_.over(description_);
            return *done;
        }
        // What is left of the transaction ends with the connection.
        isConnected_ = false;
        database_->disconnect();
        auto& failure = done.error();
        failure.error.message = "batch " + toString(record.batch) + ": " + failure.error.message;
        patience_.wait(failure.trouble, failure.error);
    }
}

void SqlOutput::connect() {
    while (true) {
        const auto connected = tryToConnect();
        if (connected) return;
        patience_.wait(connected.error().trouble, connected.error().error);
    }
}

SqlResult<> SqlOutput::tryToConnect() {
    if (isConnected_) return {};
    database_->disconnect();
    auto connected = database_->connect(owner_);
    if (!connected) {
        database_->disconnect();
        return connected;
    }
    isConnected_ = true;
    core::orThrow(core::reachFailpoint("sql.afterConnect"));
    return {};
}

core::Error SqlOutput::misfit(const std::string& why, std::uint64_t found,
                              const std::string& at) const {
    return {ErrorKind::kConflict, description_ + " and data directory " + owner_ +
                                      " do not fit: table " + table_.progressTable +
                                      " says batch " + std::to_string(found) +
                                      ", the directory is at batch " + at + ". " + why};
}

namespace {

constexpr const char* kOlderCopy =
    "Was the data directory restored from an older copy? Use the one that wrote the table, or a "
    "new one and another table";

}  // namespace

Result<> SqlOutput::compareWithOpening(const std::optional<Progress>& found) const {
    if (found && found->batch > last_.batch.value)
        return core::fail(misfit(kOlderCopy, found->batch, toString(last_.batch)));
    return {};
}

bool SqlOutput::holds(const std::optional<Progress>& found, const Sending& sending) const {
    const auto decision = standing(found, sending);
    if (decision != Standing::kSend && decision != Standing::kDone)
        refuse(decision, found, sending);
    if (decision == Standing::kDone && found->revision != sending.mark.revision)
        core::logWarning("batch " + toString(sending.mark.batch) + " is in " + description_ +
                         " as it was before it was recorded anew, and stays so");
    return decision == Standing::kDone;
}

void SqlOutput::refuse(Standing decision, const std::optional<Progress>& found,
                       const Sending& sending) const {
    const std::string batch = toString(sending.mark.batch);
    std::string at = batch;
    if (sending.previous) at += " behind batch " + std::to_string(*sending.previous);
    const std::string why =
        decision == Standing::kNewer ? kOlderCopy
        : decision == Standing::kMissing
            ? "What was sent before is not there any more: was the database restored from an "
              "older copy, or its progress deleted? Bring back the newer one; to go on with "
              "this one, without what it has lost, insert the row of batch " +
                  std::to_string(sending.previous.value_or(0)) + " into the progress table"
            : "Another copy of the data directory has sent a batch of its own (writer " +
                  std::to_string(found ? found->writer : 0) + "): a job may run in one place only";
    throw TaskFailure(misfit(why, found ? found->batch : 0, at));
}

SqlResult<Visibility> SqlOutput::attempt(core::BatchRun& run, const Sending& sending) {
    bool isReady = false, sends = false;
    std::uint64_t records = 0;
    std::optional<Progress> found;
    Broken broken;
    const auto ready = [&] {
        isReady = true;
        broken.orLeave(tryToConnect());
        found = broken.orLeave(database_->begin());
        point("sql.afterBegin");
        sends = !holds(found, sending);
        if (!sends) broken.orLeave(database_->rollback());
        else if (table_.mode == SqlMode::kReplace) broken.orLeave(database_->clear());
    };
    // No stream operator's number: what an output leaves out is counted by itself.
    const core::InputPlace input{~number(), run.newScan(), 0, 0};
    core::RecordGuard guard(run.failedRecords(), input, description_);
    try {
        if (table_.mode == SqlMode::kReplace) ready();
        rows_.scan(run, [&](SqlRow row) {
            if (!isReady) ready();
            auto reason = database_->refusal(row);
            if (!reason.empty())
                return guard.reject(textOf(table_.columns, row), core::RecordKind::kRow,
                                    std::move(reason), nullptr);
            if (!sends) return;
            broken.orLeave(database_->add(row));
            ++records;
        });
        if (!isReady) {
            // It sends nothing; what was sent before is known from its record.
            if (!previous_) previous_ = sending.previous;
            return Visibility::kNow;
        }
        if (sends) {
            broken.orLeave(database_->finish());
            point("sql.afterRows");
            broken.orLeave(
                database_->keep({sending.mark.batch.value, found ? found->batch : 0, records,
                                 sending.mark.digest, sending.mark.revision, writer_}));
            point("sql.beforeCommit");
            broken.orLeave(database_->commit());
            point("sql.afterCommit");
        }
    } catch (const TaskFailure&) {
        if (broken.failure) return tl::unexpected(std::move(*broken.failure));
        isConnected_ = false;
        database_->disconnect();
        throw;
    }
    previous_ = sending.mark.batch.value;
    return sends ? Visibility::kNow : Visibility::kBefore;
}

}  // namespace tidemill::outputs
