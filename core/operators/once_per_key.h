// Pairs with one entry for each key, in their key ranges: what states and windows take. Where a
// stream is so already (Keyed::kRangedUnique), nothing is shuffled.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "core/graph.h"
#include "core/operators/group_by_key.h"
#include "core/operators/map.h"
#include "core/operators/reduce_by_key.h"

namespace tidemill::core {

// The values of each key reduced to one by `function`.
template <class K, class V, class F>
std::shared_ptr<StreamNode<std::pair<K, V>>> reducedOncePerKey(
    Graph& graph, std::shared_ptr<StreamNode<std::pair<K, V>>> pairs, F function) {
    if (pairs->keyed() == Keyed::kRangedUnique) return pairs;
    return graph.add(makeReduceByKey(std::move(pairs), std::move(function)));
}

// The values of each key, in their order.
template <class K, class V>
std::shared_ptr<StreamNode<std::pair<K, std::vector<V>>>> groupedOncePerKey(
    Graph& graph, std::shared_ptr<StreamNode<std::pair<K, V>>> pairs) {
    using Out = std::pair<K, std::vector<V>>;
    if (pairs->keyed() != Keyed::kRangedUnique) return graph.add(makeGroupByKey(std::move(pairs)));
    const auto alone = [](std::pair<K, V> pair) {
        Out group(std::move(pair.first), {});
        group.second.push_back(std::move(pair.second));
        return group;
    };
    return graph.add(std::make_shared<MapNode<std::pair<K, V>, Out, decltype(alone)>>(
        "groupByKey", std::move(pairs), alone, Keyed::kRangedUnique));
}

}  // namespace tidemill::core
