// Records whose function threw, when the job goes on without them.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/format.h"
#include "core/workers.h"

namespace tidemill::core {

struct FailedRecord {
    std::string operation;  // "map"
    std::string record;     // as print would show it
    std::string error;      // what the function threw
    auto operator<=>(const FailedRecord&) const = default;
};

// Those of one batch. A stream may be computed several times in a batch: in a stage, and once for
// each output that reads it. A record counts as often as it failed in one such pass.
// Thread safety: thread-safe.
class FailedRecords {
public:
    // `node`: the number of the operator; `pass`: see TaskContext.
    void add(std::uint32_t node, std::uint32_t pass, FailedRecord record) {
        std::lock_guard lock(mutex_);
        ++records_[{node, std::move(record)}][pass];
    }

    // In an order that follows from the batch alone.
    std::vector<FailedRecord> all() const {
        std::lock_guard lock(mutex_);
        std::vector<FailedRecord> all;
        for (const auto& [place, passes] : records_) {
            std::uint64_t times = 0;
            for (const auto& [pass, count] : passes) times = std::max(times, count);
            all.insert(all.end(), times, place.second);
        }
        return all;
    }

private:
    mutable std::mutex mutex_;
    std::map<std::pair<std::uint32_t, FailedRecord>, std::map<std::uint32_t, std::uint64_t>>
        records_;
};

// What stands between an operator's loop and its user's function. Thread safety: worker-confined.
class RecordGuard {
public:
    // Without `failed`, what a function throws ends the batch, and this costs nothing.
    RecordGuard(FailedRecords* failed, std::uint32_t node, std::uint32_t pass,
                const std::string& operation)
        : failed_(failed), node_(node), pass_(pass), operation_(operation) {}

    // Calls apply(element) for each element of the chunk, which it may move from, and then
    // handOn(). When apply throws, undo() takes back what it had made so far and the element is
    // noted; what handOn throws is never an element's fault.
    template <class In, class Apply, class Undo, class HandOn>
    void forEach(std::span<In> chunk, Apply apply, Undo undo, HandOn handOn) {
        if (failed_ == nullptr) [[likely]] {
            for (In& element : chunk) {
                apply(element);
                handOn();
            }
            return;
        }
        for (In& element : chunk) {
            if (attempt(element, apply))
                handOn();
            else
                undo();
        }
    }

private:
    template <class In, class Apply>
    bool attempt(In& element, Apply& apply) {
        std::string error;
        try {
            if constexpr (std::is_copy_constructible_v<In>) {
                In copy(element);  // to be shown if it fails
                apply(copy);
            } else {
                apply(element);
            }
            return true;
        } catch (const TaskFailure&) {
            throw;
        } catch (const std::exception& thrown) {
            error = thrown.what();
        } catch (...) {
            error = "something that is no std::exception";
        }
        FailedRecord failed{operation_, {}, std::move(error)};
        if constexpr (Printable<In>)
            appendElement(failed.record, element);
        else
            failed.record = "(elements of this type cannot be shown)";
        failed_->add(node_, pass_, std::move(failed));
        return false;
    }

    FailedRecords* failed_;
    std::uint32_t node_;
    std::uint32_t pass_;
    const std::string& operation_;
};

}  // namespace tidemill::core
