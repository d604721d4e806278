#include "python/native/stream.h"

#include <stdexcept>

#include "core/operators/count.h"
#include "core/operators/persist.h"
#include "core/operators/union_with.h"
#include "python/native/partitions.h"
#include "python/native/steps.h"

namespace tidemill::python {
namespace {

using ObjectStep = StepNode<Object, Object>;

}  // namespace

const core::Node& Stream::node() const {
    if (objects_) return *objects_;
    if (pairs_) return *pairs_;
    if (counts_) return *counts_;
    return texts_ ? *texts_ : *lines_;
}

std::int64_t Stream::slideMillis() const { return job_->slideOf(node()).count(); }

void Stream::requireSameSlide(const Stream& other, const char* operation) const {
    if (job_ != other.job_)
        throw std::invalid_argument(std::string(operation) +
                                    ": the two streams are of different StreamingContexts");
    if (slideMillis() != other.slideMillis())
        throw std::invalid_argument(std::string(operation) +
                                    ": the two streams slide differently (" +
                                    std::to_string(slideMillis()) + " ms and " +
                                    std::to_string(other.slideMillis()) + " ms)");
}

Stream::ObjectNode Stream::objects() {
    if (objects_) return objects_;
    if (pairs_)
        objects_ =
            add("pairs", std::make_shared<StepNode<Pair, Object>>("pairs", pairs_, joinPair()));
    else if (counts_)
        objects_ = add(
            "pairs", std::make_shared<StepNode<Count, Object>>("pairs", counts_, countAsObject()));
    else
        objects_ = add("text", std::make_shared<StepNode<std::string_view, Object>>(
                                   "text", texts_ ? texts_ : lines_, decodeText()));
    return objects_;
}

Stream::PairNode Stream::pairs(const char* operation) {
    if (pairs_) return pairs_;
    if (counts_)
        pairs_ = add(operation, std::make_shared<StepNode<Count, Pair>>(
                                    "keys", counts_, countAsPair(), counts_->keyed()));
    else
        pairs_ = add(operation, std::make_shared<StepNode<Object, Pair>>("keys", objects(),
                                                                         splitPair(operation)));
    return pairs_;
}

DStream<std::string_view> Stream::textLines(const char* operation) {
    if (!isText())
        return {job_, TextNode(add(operation, std::make_shared<StepNode<Object, std::string_view>>(
                                                  "lines", objects(), encodeText(operation))))};
    return {job_, lines_ ? lines_ : texts_};
}

Stream::Ptr Stream::map(Function function) {
    if (auto native = nativeMap(function)) return native;
    return made(add(
        "map", std::make_shared<ObjectStep>("map", objects(), python::map(std::move(function)))));
}

Stream::Ptr Stream::flatMap(Function function) {
    if (auto native = nativeFlatMap(function)) return native;
    return made(add("flatMap", std::make_shared<ObjectStep>("flatMap", objects(),
                                                            python::flatMap(std::move(function)))));
}

Stream::Ptr Stream::filter(Function predicate) {
    if (auto native = nativeFilter(predicate)) return native;
    return made(add("filter", std::make_shared<ObjectStep>("filter", objects(),
                                                           python::filter(std::move(predicate)))));
}

Stream::Ptr Stream::mapPartitions(Function function) {
    return made(add("mapPartitions", makePartitions(objects(), std::move(function))));
}

Stream::Ptr Stream::repartition(std::uint32_t partitions) {
    if (partitions == 0) throw std::invalid_argument("repartition: at least one partition");
    return made(ObjectNode(add("repartition", std::make_shared<core::PersistNode<Object>>(
                                                  "repartition", objects(), partitions))));
}

Stream::Ptr Stream::persist() {
    if (auto native = nativePersist()) return native;
    return made(ObjectNode(add("persist", std::make_shared<core::PersistNode<Object>>(
                                              "persist", objects(), std::nullopt))));
}

Stream::Ptr Stream::unionWith(Stream& other) {
    requireSameSlide(other, "union");
    if (auto native = nativeUnion(other)) return native;
    return made(ObjectNode(
        add("union", std::make_shared<core::UnionNode<Object>>(objects(), other.objects()))));
}

Stream::Ptr Stream::count() {
    if (auto native = nativeCount()) return native;
    const auto counted = add("count", std::make_shared<core::CountNode<Object>>(objects()));
    return made(ObjectNode(add(
        "count", std::make_shared<StepNode<std::int64_t, Object>>("count", counted, makeInt()))));
}

}  // namespace tidemill::python
