// How operators become part of the job that is built.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "tidemill/job.h"

namespace tidemill {

template <class T>
class DStream;

namespace detail {

// The stream of a node that is new in the job.
template <class N>
DStream<typename N::Element> added(const std::shared_ptr<Job>& job, std::shared_ptr<N> node,
                                   const char* operation) {
    requireNotStarted(*job, operation);
    job->graph.add(node);
    return {job, std::move(node)};
}

template <class T, class U>
void requireSameSlide(const DStream<T>& one, const DStream<U>& other, const char* operation) {
    const Duration here = one.job()->slideOf(*one.node());
    const Duration there = one.job()->slideOf(*other.node());
    if (here != there)
        throw std::invalid_argument(
            std::string(operation) + ": the two streams slide differently (" +
            std::to_string(here.count()) + " ms and " + std::to_string(there.count()) + " ms)");
}

}  // namespace detail
}  // namespace tidemill
