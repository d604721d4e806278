// groupByKey: for every key, all its values of the batch in the order in which they came.
#pragma once

#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "core/operators/combine_by_key.h"

namespace tidemill::core {

template <class V>
struct GroupCombiner {
    std::vector<V> create(V&& value) const {
        std::vector<V> values;
        values.push_back(std::move(value));
        return values;
    }
    void add(std::vector<V>& values, V&& value) const { values.push_back(std::move(value)); }
    void merge(std::vector<V>& values, std::vector<V>&& others) const {
        values.insert(values.end(), std::make_move_iterator(others.begin()),
                      std::make_move_iterator(others.end()));
    }
};

template <class K, class V>
std::shared_ptr<StreamNode<std::pair<K, std::vector<V>>>> makeGroupByKey(
    std::shared_ptr<StreamNode<std::pair<K, V>>> parent) {
    return std::make_shared<CombineByKeyNode<K, V, std::vector<V>, GroupCombiner<V>>>(
        "groupByKey", std::move(parent), GroupCombiner<V>{});
}

}  // namespace tidemill::core
