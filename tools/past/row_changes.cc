#include "tools/past/row_changes.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "state/delta.h"
#include "state/state_store.h"
#include "tidemill/batch_failure.h"

namespace tidemill::tools {

using core::BatchRecord;
using core::RecordPlace;
using core::Result;

namespace {

Result<std::optional<std::string>> valueIn(state::StateStore& store, const RowPlace& row) {
    auto& table = store.table(row.table.operatorId, row.table.number, row.table.kind);
    const std::string_view key(row.key);
    state::Lookup found;
    TM_TRY(table.rangeOf(key).get({reinterpret_cast<const char*>(&key)}, 1, found));
    if (!found.found(0)) return std::optional<std::string>();
    return std::optional<std::string>(found.bytes(0));
}

// Whether anything was written to the row since the store was opened. Takes the changes: nothing
// more may run on it.
bool wasWritten(state::StateStore& store, const RowPlace& row) {
    const auto frozen = store.freeze({});
    return std::any_of(frozen.parts.begin(), frozen.parts.end(), [&](const auto& part) {
        const auto& table = part.range->table();
        return table.operatorId() == row.table.operatorId && table.number() == row.table.number &&
               part.delta->find(row.key) != nullptr;
    });
}

// Runs one batch with parts of its records.
class Search {
public:
    Search(const PastDirectory& directory, const JobFile& job, const RowPlace& row,
           core::BatchId batch, std::uint64_t most,
           const std::function<void(std::uint64_t)>& progress)
        : directory_(directory),
          job_(job),
          row_(row),
          batch_(batch),
          most_(most),
          progress_(progress) {}

    Result<TouchingRecords> run() {
        TM_ASSIGN(found_.withoutRecords, touches(0, 0));  // finds out which records there are
        found_.ofRecords = places_.size();
        if (found_.withoutRecords) return std::move(found_);
        TM_ASSIGN(const bool any, touches(0, places_.size()));
        if (any) TM_TRY(look(0, places_.size(), true));
        TM_TRY(describeFound());
        return std::move(found_);
    }

private:
    // Whether the batch writes the row with the records [from, to) only.
    Result<bool> touches(std::size_t from, std::size_t to) {
        auto how = std::make_shared<ReplayOptions>();
        how->to = batch_;
        // What was left out is numbered among all records: here it fails again by itself.
        how->otherJob = true;
        how->keeps = false;
        how->before = [&](BatchRecord& record, std::span<const core::BlockPtr> blocks) {
            if (record.batch == batch_) leaveOut(record, blocks, from, to);
            return Result<>();
        };
        bool written = false;
        how->after = [&](const BatchRecord& record, state::StateStore& store) {
            if (record.batch == batch_) written = wasWritten(store, row_);
            return Result<>();
        };
        TM_TRY(directory_.run(job_, {how, {}, {}}));
        progress_(++found_.runs);
        return written;
    }

    void leaveOut(BatchRecord& record, std::span<const core::BlockPtr> blocks, std::size_t from,
                  std::size_t to) {
        if (found_.runs == 0) {
            found_.hasFiles = !record.ranges.empty();
            for (const auto& block : blocks)
                for (std::uint32_t line = 1; line <= block->origin().lines; ++line)
                    places_.push_back({block->lsn(), line});
        }
        auto& out = record.skippedByOption;
        const auto begin = places_.begin();
        const auto middle = out.size();
        out.insert(out.end(), begin, begin + static_cast<std::ptrdiff_t>(from));
        out.insert(out.end(), begin + static_cast<std::ptrdiff_t>(to), places_.end());
        std::inplace_merge(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(middle),
                           out.end());
        out.erase(std::unique(out.begin(), out.end()), out.end());
    }

    // Finds what touches the row among the records [from, to), and says whether anything does.
    // `isKnown`: they do, all of them together at least; else what was beside them does not.
    Result<bool> look(std::size_t from, std::size_t to, bool isKnown) {
        if (to - from == 1) {
            if (!isKnown) {
                TM_ASSIGN(isKnown, touches(from, to));
            }
            if (isKnown) add(found_.records, {places_[from], {}});
            return isKnown;
        }
        const auto middle = from + (to - from) / 2;
        TM_ASSIGN(const bool inFirst, touches(from, middle));
        bool found = false;
        if (inFirst) {
            TM_ASSIGN(found, look(from, middle, true));
        }
        if (found_.more) return true;
        bool mayBeInSecond = true;
        if (inFirst) {
            TM_ASSIGN(mayBeInSecond, touches(middle, to));
        }
        if (mayBeInSecond) {
            TM_ASSIGN(const bool inSecond, look(middle, to, inFirst));
            found |= inSecond;
        }
        if (!found && isKnown) add(found_.together, {{places_[from], {}}, {places_[to - 1], {}}});
        return found || isKnown;
    }

    template <class T>
    void add(std::vector<T>& list, T one) {
        if (list.size() == most_) found_.more = true;
        else list.push_back(std::move(one));
    }

    // Once more, since what is known of a record is only at hand while its batch runs.
    Result<> describeFound() {
        if (found_.records.empty() && found_.together.empty()) return {};
        const Job* declared = nullptr;
        auto how = std::make_shared<ReplayOptions>();
        how->to = batch_;
        how->otherJob = true;
        how->keeps = false;
        how->before = [&](BatchRecord& record, std::span<const core::BlockPtr> blocks) {
            if (record.batch != batch_) return Result<>();
            const auto describe = [&](TouchingRecords::Record& one) {
                one.described = describeRecord(*declared, blocks, one.place);
            };
            for (auto& one : found_.records) describe(one);
            for (auto& [first, last] : found_.together) {
                describe(first);
                describe(last);
            }
            return Result<>();
        };
        return directory_.run(job_, {how, {}, [&](const Job& planned) { declared = &planned; }});
    }

    const PastDirectory& directory_;
    const JobFile& job_;
    const RowPlace& row_;
    const core::BatchId batch_;
    const std::uint64_t most_;
    const std::function<void(std::uint64_t)>& progress_;
    std::vector<RecordPlace> places_;  // of all records of the batch, ascending
    TouchingRecords found_;
};

}  // namespace

Result<> findChanges(const PastDirectory& directory, const JobFile& job, const RowPlace& row,
                     std::optional<std::string> before,
                     const std::function<void(RowChange)>& changed) {
    auto how = std::make_shared<ReplayOptions>();
    how->keeps = false;
    how->after = [&](const BatchRecord& record, state::StateStore& store) -> Result<> {
        TM_ASSIGN(auto after, valueIn(store, row));
        if (after == before) return {};
        changed({record.batch, record.time, std::exchange(before, after), after});
        return {};
    };
    return directory.run(job, {how, {}, {}});
}

Result<TouchingRecords> findRecords(const PastDirectory& directory, const JobFile& job,
                                    const RowPlace& row, core::BatchId batch, std::uint64_t most,
                                    const std::function<void(std::uint64_t)>& progress) {
    return Search(directory, job, row, batch, most, progress).run();
}

}  // namespace tidemill::tools
