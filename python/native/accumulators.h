// Accumulators: values that functions of a job add to, exact as the state is.
//
// What a batch's functions add becomes part of the values when its outputs have run, in an order
// that follows from the batch's record alone. What the values were before a batch is kept in that
// batch's record, so that one that is run again begins with them and a replayed one, whose outputs
// do not run, leaves them alone. They are rows of the state too, for a start that runs none again.
// Formats: docs/formats/python_values.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "python/native/errors.h"
#include "tidemill/job.h"

namespace tidemill::python {

class Accumulators;

// Thread safety: calls need Python's lock.
class Accumulator : public std::enable_shared_from_this<Accumulator> {
public:
    // `param`: its methods zero(value) and addInPlace(a, b) say how values are added up; None: `+`,
    // beginning with `zero`.
    Accumulator(std::string name, Object value, Object zero, Object param)
        : name_(std::move(name)),
          initial_(value),
          zero_(std::move(zero)),
          param_(std::move(param)),
          value_(std::move(value)) {}

    const std::string& name() const { return name_; }
    // Throws std::runtime_error in a function that may be called more or less often than once for
    // each element of a batch, and outside of a batch.
    void add(PyObject* term);
    // What is known after the last batch; in a function of a whole batch with what it has added so
    // far. Throws std::runtime_error in a function of elements, where that is not known.
    Object value() const;

private:
    friend class Accumulators;
    friend class AddScope;
    Object zero() const;
    Object sum(const Object& into, const Object& term) const;

    const std::string name_;
    const Object initial_;
    const Object zero_;
    const Object param_;
    Object value_;
    std::weak_ptr<Accumulators> job_;
};

// Where what this thread adds goes while the scope lasts. Scopes nest. Requires the lock.
class AddScope {
public:
    enum class Of {
        kElements,  // a function that is called once for each element, in a stage
        kScan,      // one that an output's reading calls, perhaps again or not for all
        kBatch,     // one that is called once for each batch
        kElsewhere,
    };
    // What scopes of one batch add is put into the order (source, order).
    explicit AddScope(Of of, std::uint32_t source = 0, std::uint64_t order = 0)
        : of_(of), source_(source), order_(order), outer_(current()) {
        current() = this;
    }
    ~AddScope() { current() = outer_; }
    AddScope(const AddScope&) = delete;
    AddScope& operator=(const AddScope&) = delete;

    // The element that was worked on is done, or left out: what it added counts, or does not.
    void keep() {
        if (!pending_.empty()) keepPending();
    }
    void undo() { pending_.clear(); }
    // What the element's functions have added, for a process that does not count it itself.
    std::vector<std::pair<std::shared_ptr<Accumulator>, Object>> takePending() {
        return std::exchange(pending_, {});
    }
    Of of() const { return of_; }

    static AddScope*& current();

private:
    friend class Accumulator;
    void keepPending();

    const Of of_;
    const std::uint32_t source_;
    const std::uint64_t order_;
    AddScope* const outer_;
    std::vector<std::pair<std::shared_ptr<Accumulator>, Object>> pending_;
};

// Of the functions that a task of a narrow operator calls.
inline AddScope::Of addsOf(const core::TaskContext& task) {
    return task.scanNumber == 0 ? AddScope::Of::kElements : AddScope::Of::kScan;
}

// Those of one job. Thread safety: calls need Python's lock, unless they say otherwise.
class Accumulators : public std::enable_shared_from_this<Accumulators> {
public:
    // Their state, and what follows the job's outputs. Call before the job starts, once.
    static std::shared_ptr<Accumulators> declare(Job& job);

    // One of the job's, by its name; null: there is none.
    std::shared_ptr<Accumulator> find(const std::string& name) const;
    // One that is part of the job from now on; it takes the value that is stored under its name.
    void add(const std::shared_ptr<Accumulator>& accumulator);

private:
    friend class Accumulator;
    friend class AddScope;
    class BeginNode;
    class EndOutput;
    using Place = std::pair<std::uint32_t, std::uint64_t>;

    // Called by the thread that starts the job, and then by that which runs its batches, without
    // the lock.
    void bind(state::StateTable& table);
    void begin(const core::BatchRecord& record);
    void end();
    std::string note();

    void note(const std::shared_ptr<Accumulator>& accumulator, Place place, const Object& term);
    Object current(const Accumulator& accumulator) const;
    Object stored(const Accumulator& accumulator) const;
    void showAll();

    state::StateTable* table_ = nullptr;
    std::map<std::string, std::shared_ptr<Accumulator>> all_;
    std::map<std::string, std::string> stored_;  // by name, as appendValue has them
    // What the rows hold: after a crash they are as old as the checkpoint, and notes are not.
    std::map<std::string, std::string> inRows_;
    std::string noted_;                                     // the note that stored_ agrees with
    std::map<std::string, std::map<Place, Object>> added_;  // by name, in this batch
};

}  // namespace tidemill::python
