// One batch of a stream in the hands of a Python function.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "core/batch.h"
#include "python/native/function.h"

namespace tidemill::python {

// Of use inside the call it is given to; then its functions throw std::logic_error. Thread safety:
// for the thread of that call, which holds Python's lock; it is let go while elements are made.
class BatchHandle {
public:
    explicit BatchHandle(const Batch<Object>& batch) : batch_(&batch) {}
    void close() { batch_ = nullptr; }

    std::uint64_t id() const { return open().id(); }
    std::int64_t timeMillis() const { return toMillis(open().time()); }
    std::uint32_t partitions() const { return open().partitions(); }
    std::uint64_t count() const;
    // A list of the first ones.
    Object take(std::size_t count) const;
    // A list of a list for each partition.
    Object collect() const;

    // What failed while elements were made for it, if the program let that pass through.
    const std::optional<core::Error>& failure() const { return failure_; }

private:
    const Batch<Object>& open() const;
    // Calls make(batch) without Python's lock.
    template <class Make>
    void outside(Make make) const;

    const Batch<Object>* batch_;
    mutable std::optional<core::Error> failure_;
};

// The handle as a Python object. Requires the lock.
Object wrapped(std::shared_ptr<BatchHandle> handle);

// Function(time in milliseconds, handle...), called with Python's lock. Throws PythonError, or the
// failure of a handle as core::TaskFailure.
Object callWithBatch(const Function& function, BatchTime time, const Batch<Object>& batch);
Object callWithBatches(const Function& function, BatchTime time, const Batch<Object>& batch,
                       const Batch<Object>& other);

}  // namespace tidemill::python
