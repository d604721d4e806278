// Batches as records of Kafka topics. What it takes is set by KafkaOutputOptions.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/batch.h"
#include "core/format.h"
#include "core/graph.h"
#include "outputs/kafka/options.h"

namespace tidemill::outputs {

// Calls the function for each record that the batch has for the topic, in the same order each time
// that it is called with one batch. The function may throw, which must come out again.
using KafkaRecords =
    std::function<void(core::BatchRun&, const std::function<void(const KafkaMessage&)>&)>;

// What is wrong with librdkafka's settings because the output makes them itself; none: nothing.
std::optional<std::string> refusedKafkaProperty(
    const std::map<std::string, std::string>& properties);

// Outputs of one graph to the same brokers share their transactions.
void addKafkaOutput(core::Graph& graph, KafkaOutputOptions options, KafkaRecords records);

// Bytes as they are; other types as print shows them.
template <class T>
void appendKafkaText(std::string& out, const T& element) {
    if constexpr (std::is_convertible_v<const T&, std::string_view>)
        out += std::string_view(element);
    else core::appendElement(out, element);
}

// (key, value) for a pair; else the value.
struct KafkaText {
    template <class T>
    void operator()(const T& element, KafkaMessage& message) const {
        appendKafkaText(message.value, element);
    }
    template <class K, class V>
    void operator()(const std::pair<K, V>& pair, KafkaMessage& message) const {
        message.hasKey = true;
        appendKafkaText(message.key, pair.first);
        appendKafkaText(message.value, pair.second);
    }
};

// format(element, message) fills the message, which is clear.
template <class T, class Format>
KafkaRecords kafkaRecords(std::shared_ptr<core::StreamNode<T>> node, Format format) {
    node->require();
    return [node = std::move(node), format = std::move(format)](
               core::BatchRun& run, const std::function<void(const KafkaMessage&)>& send) {
        if (!run.isActive(node->slide())) return;
        KafkaMessage message;
        Batch<T>(*node, run).forEach([&](const T& element) {
            message.clear();
            format(element, message);
            send(message);
        });
    };
}

}  // namespace tidemill::outputs
