// The keyed reductions of Python's streams: reduceByKey, groupByKey, combineByKey.
#pragma once

#include <memory>
#include <string>

#include "python/native/entry.h"
#include "python/native/function.h"

namespace tidemill::python {

// How the values of a key become one. Thread safety: called by several threads, each with Python's
// lock. All may throw PythonError.
class Combiner {
public:
    virtual ~Combiner() = default;
    virtual Object create(Object value) const = 0;
    virtual void add(Object& combined, Object value) const = 0;
    virtual void merge(Object& combined, Object other) const = 0;
    virtual core::FunctionIdentity identity() const = 0;
};

std::shared_ptr<const Combiner> reducing(Function function);
// Lists of all values, in the order in which they came.
std::shared_ptr<const Combiner> grouping();
std::shared_ptr<const Combiner> combining(Function create, Function mergeValue,
                                          Function mergeCombiners);

// Every key once, in its range; see core/operators/keyed_shuffle.h.
std::shared_ptr<core::StreamNode<Pair>> makeCombine(std::string kind,
                                                    std::shared_ptr<core::StreamNode<Pair>> pairs,
                                                    std::shared_ptr<const Combiner> combiner);

}  // namespace tidemill::python
