// reduceByKey: for every key, all its values of the batch reduced to one by an associative
// function.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "core/lossless.h"
#include "core/operators/combine_by_key.h"
#include "core/view_rules.h"

namespace tidemill::core {

template <class V, class F>
struct ReduceCombiner {
    F function;

    FunctionIdentity identity() const { return identityOf(function); }

    V create(V&& value) const { return std::move(value); }
    void add(V& total, V&& value) const {
        total = std::invoke(function, std::as_const(total), std::as_const(value));
    }
    void merge(V& total, V&& other) const { add(total, std::move(other)); }
};

template <class K, class V, class F>
std::shared_ptr<StreamNode<std::pair<K, V>>> makeReduceByKey(
    std::shared_ptr<StreamNode<std::pair<K, V>>> parent, F function) {
    requireLossless<std::invoke_result_t<const F&, const V&, const V&>, V>();
    requireReducible<V>();
    using Combiner = ReduceCombiner<V, F>;
    return std::make_shared<CombineByKeyNode<K, V, V, Combiner>>("reduceByKey", std::move(parent),
                                                                 Combiner{std::move(function)});
}

}  // namespace tidemill::core
