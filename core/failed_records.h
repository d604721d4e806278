// Records whose function threw, when the job goes on without them.
#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <tuple>
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
    bool operator==(const FailedRecord&) const = default;
};

// Those of one batch. Thread safety: thread-safe.
class FailedRecords {
public:
    // The record at `position` (from 0) of a partition of what the operator numbered `node` reads.
    // A stream that two outputs read is computed twice: the record counts once.
    void add(std::uint32_t node, std::uint32_t partition, std::uint64_t position,
             FailedRecord record) {
        std::lock_guard lock(mutex_);
        records_.try_emplace({node, partition, position}, std::move(record));
    }

    // In an order that follows from the batch alone.
    std::vector<FailedRecord> all() const {
        std::lock_guard lock(mutex_);
        std::vector<FailedRecord> all;
        for (const auto& [place, record] : records_) all.push_back(record);
        return all;
    }

private:
    mutable std::mutex mutex_;
    std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>, FailedRecord> records_;
};

// What stands between an operator's loop and its user's function. Thread safety: worker-confined.
class RecordGuard {
public:
    // Without `failed`, what a function throws ends the batch, and this costs nothing.
    RecordGuard(FailedRecords* failed, std::uint32_t node, std::uint32_t partition,
                const std::string& operation)
        : failed_(failed), node_(node), partition_(partition), operation_(operation) {}

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
            ++position_;
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
        failed_->add(node_, partition_, position_, std::move(failed));
        return false;
    }

    FailedRecords* failed_;
    std::uint32_t node_;
    std::uint32_t partition_;
    const std::string& operation_;
    std::uint64_t position_ = 0;
};

}  // namespace tidemill::core
