#include "python/native/batch_handle.h"

#include <initializer_list>
#include <stdexcept>
#include <vector>

#include "python/native/accumulators.h"

namespace tidemill::python {
namespace {

Object listOf(std::vector<Object>& elements) {
    auto list = orThrow(PyList_New(static_cast<Py_ssize_t>(elements.size())));
    for (std::size_t i = 0; i < elements.size(); ++i)
        PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), elements[i].release());
    return list;
}

}  // namespace

const Batch<Object>& BatchHandle::open() const {
    if (batch_ == nullptr)
        throw std::logic_error(
            "this batch is over: its elements can be looked at inside the function it was given "
            "to; keep what collect() gives");
    return *batch_;
}

template <class Make>
void BatchHandle::outside(Make make) const {
    const auto& batch = open();
    const AddScope adds(AddScope::Of::kElsewhere);
    const WithoutGil others;
    try {
        make(batch);
    } catch (const core::TaskFailure& failure) {
        failure_ = failure.error();
        throw;
    }
}

std::uint64_t BatchHandle::count() const {
    std::uint64_t count = 0;
    outside([&](const Batch<Object>& batch) { count = batch.count(); });
    return count;
}

Object BatchHandle::take(std::size_t count) const {
    std::vector<Object> elements;
    outside([&](const Batch<Object>& batch) { elements = batch.take(count); });
    return listOf(elements);
}

Object BatchHandle::collect() const {
    std::vector<std::vector<Object>> parts(open().partitions());
    outside([&](const Batch<Object>& batch) {
        batch.scanInParallel([&](std::uint32_t partition) {
            return std::make_unique<core::AppendSink<Object>>(parts[partition]);
        });
    });
    std::vector<Object> lists;
    for (auto& part : parts) lists.push_back(listOf(part));
    return listOf(lists);
}

namespace {

// `call` of handles on `batches`, which are closed behind it.
template <class Call>
Object withHandles(std::initializer_list<const Batch<Object>*> batches, Call call) {
    std::vector<std::shared_ptr<BatchHandle>> handles;
    for (const auto* batch : batches) handles.push_back(std::make_shared<BatchHandle>(*batch));
    const auto close = [&] {
        for (const auto& handle : handles) handle->close();
    };
    try {
        Object made = call(handles);
        close();
        return made;
    } catch (const PythonError&) {
        close();
        for (const auto& handle : handles)
            if (handle->failure()) throw core::TaskFailure(*handle->failure());
        throw;
    }
}

}  // namespace

Object callWithBatch(const Function& function, BatchTime time, const Batch<Object>& batch) {
    const auto millis = orThrow(PyLong_FromLongLong(toMillis(time)));
    return withHandles({&batch}, [&](const auto& handles) {
        return function(millis.get(), wrapped(handles[0]).get());
    });
}

Object callWithBatches(const Function& function, BatchTime time, const Batch<Object>& batch,
                       const Batch<Object>& other) {
    const auto millis = orThrow(PyLong_FromLongLong(toMillis(time)));
    return withHandles({&batch, &other}, [&](const auto& handles) {
        return function(millis.get(), wrapped(handles[0]).get(), wrapped(handles[1]).get());
    });
}

}  // namespace tidemill::python
