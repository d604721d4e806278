// Stream: a stream of Python objects, what Python's DStream stands for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/stream_node.h"
#include "python/native/entry.h"
#include "python/native/function.h"
#include "python/native/text_forms.h"
#include "tidemill/dstream.h"
#include "tidemill/job.h"

namespace tidemill::state {
template <class T>
class RememberNode;
}

namespace tidemill::python {

// A handle on a stream in several forms: objects; pairs with the bytes of their keys; and, while
// all that was done is known to the engine, text and pairs of text and number, which stand for str
// and (str, int). One is made of another when an operator asks for it. What the operations mean is
// said in python/tidemill/streaming/dstream.py. Their errors: std::invalid_argument,
// std::logic_error after the start. Thread safety: for the thread that builds the job, which holds
// Python's lock.
class Stream : public std::enable_shared_from_this<Stream> {
public:
    using Ptr = std::shared_ptr<Stream>;
    using ObjectNode = std::shared_ptr<core::StreamNode<Object>>;
    using PairNode = std::shared_ptr<core::StreamNode<Pair>>;

    Stream(std::shared_ptr<Job> job, ObjectNode objects)
        : job_(std::move(job)), objects_(std::move(objects)) {}
    Stream(std::shared_ptr<Job> job, PairNode pairs)
        : job_(std::move(job)), pairs_(std::move(pairs)) {}

    // The lines of a source, of any bytes.
    Stream(std::shared_ptr<Job> job, TextNode lines)
        : job_(std::move(job)), lines_(std::move(lines)) {}

    // How far its batches lie apart.
    std::int64_t slideMillis() const;

    // Of elements (stream.cc).
    Ptr map(Function function);
    Ptr flatMap(Function function);
    Ptr filter(Function predicate);
    // Function(number of the partition, iterator) -> iterable.
    Ptr mapPartitions(Function function);
    Ptr repartition(std::uint32_t partitions);
    Ptr persist();
    Ptr unionWith(Stream& other);
    Ptr count();

    // Of pairs (stream_keyed.cc).
    Ptr mapValues(Function function);
    Ptr flatMapValues(Function function);
    Ptr reduce(Function function);
    Ptr countByValue();
    Ptr reduceByKey(Function function);
    Ptr groupByKey();
    Ptr combineByKey(Function create, Function mergeValue, Function mergeCombiners);
    Ptr cogroup(Stream& other);
    // `operation`: "join", "leftOuterJoin" …; which sides need no partner.
    Ptr join(Stream& other, const char* operation, bool left, bool right);

    // Of windows (stream_windows.cc). Times in milliseconds, a slide of 0 is the stream's own; an
    // empty name is derived.
    struct WindowOptions {
        std::int64_t lengthMillis = 0;
        std::int64_t slideMillis = 0;
        std::string name;
    };
    Ptr window(const WindowOptions& options);
    Ptr countByWindow(const WindowOptions& options);
    Ptr countByValueAndWindow(const WindowOptions& options);
    Ptr reduceByWindow(Function function, std::optional<Function> inverse,
                       const WindowOptions& options);
    Ptr reduceByKeyAndWindow(Function function, std::optional<Function> inverse,
                             std::optional<Function> filter, const WindowOptions& options);
    Ptr groupByKeyAndWindow(const WindowOptions& options);

    // Of state (stream_state.cc).
    using Initial = std::vector<std::pair<Object, Object>>;
    // Function(list of new values, state or None) -> state or None.
    Ptr updateStateByKey(Function function, const std::string& name, const Initial& initial);
    // Function(key, list of values or None, state or None, whether there is one) -> (list of
    // elements, whether the state changed, whether there is one now, state). The first stream is
    // of what it made, the second of all states.
    std::pair<Ptr, Ptr> mapWithState(Function function, const std::string& name,
                                     const Initial& initial, std::int64_t timeoutMillis);

    // Of whole batches (stream_batches.cc). Functions as in callWithBatch; those of transform give
    // an iterable.
    Ptr transform(Function function);
    Ptr transformWith(Stream& other, Function function);
    void forEachBatch(std::string description, Function function);
    void saveAsTextFiles(std::string prefix, std::string suffix);
    void toKafka(KafkaOutputOptions options);
    void remember(std::int64_t millis);
    bool isRemembered() const { return remembered_ != nullptr; }
    // A list of (time in milliseconds, list of elements), both ends inclusive.
    Object slice(std::int64_t fromMillis, std::int64_t toMillis) const;

    const std::shared_ptr<Job>& job() const { return job_; }
    // Of lines: those of a source as they are, or of str.
    DStream<std::string_view> textLines(const char* operation);
    ObjectNode objects();
    PairNode pairs(const char* operation);

private:
    template <class Node>
    std::shared_ptr<Node> add(const char* operation, std::shared_ptr<Node> node) {
        requireNotStarted(*job_, operation);
        return job_->graph.add(std::move(node));
    }
    Ptr made(ObjectNode node) { return std::make_shared<Stream>(job_, std::move(node)); }
    Ptr made(PairNode node) { return std::make_shared<Stream>(job_, std::move(node)); }
    void requireSameSlide(const Stream& other, const char* operation) const;
    // Of a function that is declared now, among those of the job.
    std::uint32_t place() const { return static_cast<std::uint32_t>(job_->graph.nodes().size()); }
    const core::Node& node() const;

    // What the engine does itself (stream_native.cc); null: it does not.
    Ptr nativeMap(const Function& function);
    Ptr nativeFlatMap(const Function& function);
    Ptr nativeFilter(const Function& predicate);
    Ptr nativeUnion(Stream& other);
    Ptr nativePersist();
    Ptr nativeCount();
    Ptr nativeCountByValue();
    Ptr nativeReduceByKey(const Function& function);
    bool isText() const { return lines_ || texts_; }
    TextNode texts();
    Ptr ofTexts(const char* operation, TextNode texts);
    Ptr ofCounts(const char* operation, CountNode counts, bool summed);

    // A list of the values of every key, each once.
    PairNode grouped(const char* operation);
    // Keyed windows of pairs, each key once.
    PairNode windowOf(const char* operation, PairNode pairs, const Function& function,
                      const std::optional<Function>& inverse, const std::optional<Function>& filter,
                      const WindowOptions& options);

    std::shared_ptr<Job> job_;
    ObjectNode objects_;
    PairNode pairs_;
    TextNode lines_;  // of any bytes
    TextNode texts_;  // of UTF-8
    CountNode counts_;
    bool summed_ = false;  // the numbers of counts_ are sums
    std::shared_ptr<state::RememberNode<Object>> remembered_;
};

}  // namespace tidemill::python
