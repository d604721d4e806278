// The operations of pairs.
#include <utility>

#include "core/operators/cogroup.h"
#include "python/native/combine.h"
#include "python/native/steps.h"
#include "python/native/stream.h"

namespace tidemill::python {
namespace {

using PairStep = StepNode<Pair, Pair>;

Function operatorFunction(const char* name) {
    const auto module = orThrow(PyImport_ImportModule("operator"));
    return {orThrow(PyObject_GetAttrString(module.get(), name)), std::string("operator.") + name};
}

}  // namespace

Stream::Ptr Stream::mapValues(Function function) {
    const auto from = pairs("mapValues");
    return made(
        PairNode(add("mapValues", std::make_shared<PairStep>("mapValues", from,
                                                             python::mapValues(std::move(function)),
                                                             from->keyed()))));
}

Stream::Ptr Stream::flatMapValues(Function function) {
    const auto from = pairs("flatMapValues");
    const auto keyed = from->keyed() == core::Keyed::kNo ? core::Keyed::kNo : core::Keyed::kRanged;
    return made(
        PairNode(add("flatMapValues", std::make_shared<PairStep>(
                                          "flatMapValues", from,
                                          python::flatMapValues(std::move(function)), keyed))));
}

Stream::Ptr Stream::reduce(Function function) {
    const auto keyed =
        add("reduce", std::make_shared<StepNode<Object, Pair>>("reduce", objects(), underOneKey()));
    const auto reduced = add("reduce", makeCombine("reduce", keyed, reducing(std::move(function))));
    return made(ObjectNode(
        add("reduce", std::make_shared<StepNode<Pair, Object>>("reduce", reduced, withoutKey()))));
}

Stream::Ptr Stream::countByValue() {
    if (auto native = nativeCountByValue()) return native;
    const auto keyed = add("countByValue", std::make_shared<StepNode<Object, Pair>>(
                                               "countByValue", objects(), asKeys()));
    return made(
        add("countByValue", makeCombine("countByValue", keyed, reducing(operatorFunction("add")))));
}

Stream::Ptr Stream::reduceByKey(Function function) {
    if (auto native = nativeReduceByKey(function)) return native;
    return made(add("reduceByKey", makeCombine("reduceByKey", pairs("reduceByKey"),
                                               reducing(std::move(function)))));
}

Stream::PairNode Stream::grouped(const char* operation) {
    const auto from = pairs(operation);
    if (from->keyed() == core::Keyed::kRangedUnique)
        return add(operation, std::make_shared<PairStep>("groupByKey", from, listOfValue(),
                                                         core::Keyed::kRangedUnique));
    return add(operation, makeCombine("groupByKey", from, grouping()));
}

Stream::Ptr Stream::groupByKey() { return made(grouped("groupByKey")); }

Stream::Ptr Stream::combineByKey(Function create, Function mergeValue, Function mergeCombiners) {
    return made(add("combineByKey", makeCombine("combineByKey", pairs("combineByKey"),
                                                combining(std::move(create), std::move(mergeValue),
                                                          std::move(mergeCombiners)))));
}

namespace {

using Cogroup = core::CogroupNode<std::string_view, Entry, Entry>;

std::shared_ptr<StepNode<Pair, Grouped>> groupsOf(Stream::PairNode lists) {
    return std::make_shared<StepNode<Pair, Grouped>>("groups", std::move(lists), asGroup(),
                                                     core::Keyed::kRangedUnique);
}

}  // namespace

Stream::Ptr Stream::cogroup(Stream& other) {
    requireSameSlide(other, "cogroup");
    const auto here = add("cogroup", groupsOf(grouped("cogroup")));
    const auto there = add("cogroup", groupsOf(other.grouped("cogroup")));
    const auto both = add("cogroup", std::make_shared<Cogroup>(here, there));
    return made(ObjectNode(add(
        "cogroup", std::make_shared<StepNode<Cogrouped, Object>>("cogroup", both, cogrouped()))));
}

Stream::Ptr Stream::join(Stream& other, const char* operation, bool left, bool right) {
    requireSameSlide(other, operation);
    const auto here = add(operation, groupsOf(grouped(operation)));
    const auto there = add(operation, groupsOf(other.grouped(operation)));
    const auto both = add(operation, std::make_shared<Cogroup>(here, there));
    return made(ObjectNode(add(operation, std::make_shared<StepNode<Cogrouped, Object>>(
                                              operation, both, joined(left, right)))));
}

}  // namespace tidemill::python
