// What makes a batch visible: print, forEachBatch, files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/boundary.h"
#include "core/error.h"

namespace tidemill::core {

class BatchRun;

// What an output begins its life with.
struct OutputOpening {
    std::string owner;  // identity of the data directory
    // Of the last recorded batch, the only one that may be run again; before the first batch in a
    // new data directory.
    Boundary last;
};

// What became of a batch that an output was given.
enum class Visibility {
    kNow,
    kBefore,  // by an earlier run of the same batch: nothing was done
};

// Of one output, in a batch's record; see OutputOperation::note.
inline constexpr std::size_t kOutputNoteBytesMax = 4096;

// An output has one life: open(), then note() and run() for each batch, then close(). Thread
// safety: called by one thread at a time, while it starts, runs and stops.
class OutputOperation {
public:
    virtual ~OutputOperation() = default;
    // "print", "saveAsTextFiles prefix=counts"
    virtual std::string describe() const = 0;
    // Where its results lie, when no other output may write there; else empty.
    virtual std::string place() const { return {}; }
    // Whether it may hold all records of a batch in memory; see Node::holdsElements.
    virtual bool holdsRecords() const { return true; }

    // Refuses (kConflict) results in its place that are not of this data directory, or newer than
    // `last`; in a new directory any results: they would be taken for this directory's.
    virtual Result<> open(const OutputOpening&) { return {}; }

    // What the output must know when the next batch is run again: it is kept among the notes of
    // that batch's record, where run() looks for it. At most kOutputNoteBytesMax. Called before the
    // batch is recorded; the batch before is complete. A job that was changed may have another
    // output in this place: the bytes should say whose they are.
    virtual std::string note() { return {}; }

    // Returns when the batch's output is as durable as the output can make it. May throw.
    virtual Visibility run(BatchRun& run) = 0;

    // No batch is run any more. Called once after open() has succeeded, also when a batch has
    // failed.
    virtual Result<> close() { return {}; }

    // The place in which the program declared it, from 0.
    std::uint32_t number() const { return number_; }
    void setNumber(std::uint32_t number) { number_ = number; }

private:
    std::uint32_t number_ = 0;
};

}  // namespace tidemill::core
