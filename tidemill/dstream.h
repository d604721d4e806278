// DStream<T>: a stream of T, cut into batches. A handle: copies name the same stream.
#pragma once

#include <concepts>
#include <cstddef>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/emit.h"
#include "core/operators/count.h"
#include "core/operators/filter.h"
#include "core/operators/flat_map.h"
#include "core/operators/for_each_batch.h"
#include "core/operators/map.h"
#include "core/operators/map_partitions.h"
#include "core/operators/persist.h"
#include "core/operators/print.h"
#include "core/operators/save_as_text_files.h"
#include "core/operators/transform.h"
#include "core/operators/union_with.h"
#include "core/view_rules.h"
#include "outputs/kafka/output.h"
#include "outputs/sql/output.h"
#include "tidemill/element_types.h"
#include "tidemill/functions.h"
#include "tidemill/job.h"
#include "tidemill/pair_operations.h"
#include "tidemill/state_operations.h"
#include "tidemill/stream_job.h"
#include "tidemill/window_operations.h"

namespace tidemill {

// Functions given to a stream must be deterministic: after a crash, the batches since the last
// checkpoint run again and must come to the same results. Thread safety: for the thread that
// builds the job.
template <class T>
class DStream : public PairOperations<T>, public StateOperations<T>, public WindowOperations<T> {
    static_assert(!std::is_same_v<T, bool>,
                  "there are no streams of bool, because std::vector<bool> is no vector of bool: "
                  "use int or an enum");

public:
    using Element = T;

    DStream(std::shared_ptr<Job> job, std::shared_ptr<core::StreamNode<T>> node)
        : job_(std::move(job)), node_(std::move(node)) {}

    // f(x) -> y.
    template <class F>
    requires detail::GivesValue<F, T>
    auto map(F f) const {
        using Result = std::invoke_result_t<F&, T>;
        using Out = std::decay_t<Result>;
        core::requireLastingViews<Result, F, T>();
        return detail::added(
            job_, std::make_shared<core::MapNode<T, Out, F>>("map", node_, std::move(f)), "map");
    }

    template <class F>
    requires(!detail::GivesValue<F, T>) TIDEMILL_REFUSED(
        "map takes f(x), of an element of the stream, that returns the new element")
    void map(F) const {}

    // Elements for which f(x) is true.
    template <std::predicate<const T&> F>
    DStream<T> filter(F f) const {
        return detail::added(job_, std::make_shared<core::FilterNode<T, F>>(node_, std::move(f)),
                             "filter");
    }

    template <class F>
    requires(!std::predicate<F, const T&>)
        TIDEMILL_REFUSED("filter takes f(x), of an element of the stream, that returns a bool")
    void filter(F) const {}

    // f(x, emit), which calls emit(y) for each result and allocates nothing, or f(x) that returns a
    // range (convenient; costs that range's allocation per element). For f(x, emit) the result's
    // type is T; name another one as in flatMap<Out>(f).
    template <class F>
    requires detail::FlatMaps<F, T>
    auto flatMap(F f) const {
        return flatMap<typename detail::FlatMapElement<T, F>::type>(std::move(f));
    }
    template <class Out, class F>
    requires(std::invocable<F&, T, Emit<Out>&> || std::invocable<F&, T>) DStream<Out> flatMap(F f)
    const {
        if constexpr (std::invocable<F&, T, Emit<Out>&>)
            core::requireLastingViews<Out, F, T, Emit<Out>&>();
        else core::requireLastingViews<std::invoke_result_t<F&, T>, F, T>();
        return detail::added(
            job_, std::make_shared<core::FlatMapNode<T, Out, F>>("flatMap", node_, std::move(f)),
            "flatMap");
    }

    template <class F>
    requires(!detail::FlatMaps<F, T>) TIDEMILL_REFUSED(
        "flatMap takes f(x), of an element of the stream, that returns a range, or "
        "f(x, emit) that calls emit(y); when y has another type than x: flatMap<Y>(f)")
    void flatMap(F) const {}

    // f(std::span<T> elements of a partition) -> range.
    template <class F>
    requires(!detail::GivesRange<F, std::span<T>>) TIDEMILL_REFUSED(
        "mapPartitions takes f(std::span<T>), of a partition's elements, that returns "
        "a range")
    void mapPartitions(F) const {}
    template <class F>
    requires detail::GivesRange<F, std::span<T>>
    auto mapPartitions(F f) const {
        using Out = detail::RangeElement<F, std::span<T>>;
        core::requireLastingViews<std::invoke_result_t<F&, std::span<T>>, F, std::span<T>>();
        return detail::added(job_,
                             std::make_shared<core::MapPartitionsNode<T, Out, F>>(
                                 "mapPartitions", node_, std::move(f)),
                             "mapPartitions");
    }

    // Each partition as one std::vector<T>.
    DStream<std::vector<T>> glom() const {
        const auto whole = [](std::span<T> elements) {
            return std::vector<std::vector<T>>{{elements.begin(), elements.end()}};
        };
        return detail::added(
            job_,
            std::make_shared<core::MapPartitionsNode<T, std::vector<T>, decltype(whole)>>(
                "glom", node_, whole),
            "glom");
    }

    // The same elements in `partitions` partitions of equal size, in their order.
    DStream<T> repartition(std::uint32_t partitions) const {
        if (partitions == 0) throw std::invalid_argument("repartition: at least one partition");
        return detail::added(
            job_, std::make_shared<core::PersistNode<T>>("repartition", node_, partitions),
            "repartition");
    }

    // The same elements, computed once per batch however many read them, and held in memory for
    // as long as the batch runs.
    DStream<T> persist() const {
        return detail::added(job_,
                             std::make_shared<core::PersistNode<T>>("persist", node_, std::nullopt),
                             "persist");
    }
    DStream<T> cache() const { return persist(); }

    // The elements of both streams, which must have one slide.
    DStream<T> unionWith(const DStream<T>& other) const {
        detail::requireSameSlide(*this, other, "unionWith");
        return detail::added(job_, std::make_shared<core::UnionNode<T>>(node_, other.node()),
                             "unionWith");
    }

    // All elements of a batch reduced to one by the associative function f; none for an empty one.
    template <class F>
    requires(!detail::Reduces<F, T>)
        TIDEMILL_REFUSED("reduce takes f(a, b), of two elements, that returns one of the same type")
    void reduce(F) const {}
    template <class F>
    requires detail::Reduces<F, T> DStream<T> reduce(F f)
    const {
        return map([](T&& element) { return std::pair<std::uint8_t, T>(0, std::move(element)); })
            .reduceByKey(std::move(f))
            .map([](std::pair<std::uint8_t, T>&& all) { return T(std::move(all.second)); });
    }

    // The number of elements: one element per batch, 0 for an empty one.
    DStream<std::int64_t> count() const {
        return detail::added(job_, std::make_shared<core::CountNode<T>>(node_), "count");
    }

    // f(Batch<T>& batch) or f(batch, time) -> std::vector<U>: any function of a whole batch.
    template <class F>
    requires(!detail::Transforms<F, Batch<T>>) TIDEMILL_REFUSED(
        "transform takes f(Batch<T>& batch) or f(batch, BatchTime) that returns a "
        "std::vector")
    void transform(F) const {}
    template <class F>
    requires detail::Transforms<F, Batch<T>>
    auto transform(F f) const {
        using Out = typename detail::TransformElement<F, Batch<T>>::type;
        core::requireOwnBytes<Out, T>();
        return detail::added(
            job_,
            std::make_shared<core::TransformNode<Out, F, T>>("transform", std::move(f), node_),
            "transform");
    }

    // f(Batch<T>& batch, Batch<U>& other) or f(batch, other, time) -> std::vector<X>.
    template <class U, class F>
    requires(!detail::Transforms<F, Batch<T>, Batch<U>>) TIDEMILL_REFUSED(
        "transformWith takes f(Batch<T>& batch, Batch<U>& other), or the same with a "
        "BatchTime behind, that returns a std::vector")
    void transformWith(const DStream<U>&, F) const {}
    template <class U, class F>
    requires detail::Transforms<F, Batch<T>, Batch<U>>
    auto transformWith(const DStream<U>& other, F f) const {
        detail::requireSameSlide(*this, other, "transformWith");
        using Out = typename detail::TransformElement<F, Batch<T>, Batch<U>>::type;
        core::requireOwnBytes<Out, std::pair<T, U>>();
        return detail::added(job_,
                             std::make_shared<core::TransformNode<Out, F, T, U>>(
                                 "transformWith", std::move(f), node_, other.node()),
                             "transformWith");
    }

    // (value, how often it occurs), per batch.
    auto countByValue() const {
        return map([](T&& element) { return std::pair<T, std::int64_t>(std::move(element), 1); })
            .reduceByKey(std::plus<>());
    }

    // The first `num` elements of each batch on standard output, in Spark's format. `skipEmpty`:
    // nothing of batches without elements.
    void print(std::size_t num = 10) const { print(num, std::cout); }
    void print(std::size_t num, std::ostream& out, bool skipEmpty = false) const {
        addOutput("print", [num, &out, skipEmpty](Batch<T>& batch) {
            core::printBatch(out, batch, num, skipEmpty);
        });
    }

    // Calls f(batch) or f(batch, time) once per batch. After a crash the last recorded batch may
    // come once more, under the same id.
    template <class F>
    requires(!detail::LooksAt<F, Batch<T>>)
        TIDEMILL_REFUSED("forEachBatch takes f(Batch<T>& batch) or f(batch, BatchTime)")
    void forEachBatch(F) const {}
    template <class F>
    requires detail::LooksAt<F, Batch<T>>
    void forEachBatch(F f) const { addOutput("forEachBatch", std::move(f)); }

    // Each batch as a directory PREFIX-TIMEMS[.SUFFIX] of text files; see docs/outputs.md.
    // `skipEmpty`: none for batches without elements. `compression`: of its files part-NNNNN, which
    // then end in ".gz" or ".zst".
    void saveAsTextFiles(std::string prefix, std::string suffix = "", bool skipEmpty = false,
                         Compression compression = Compression::kNone) const {
        requireNotStarted(*job_, "saveAsTextFiles");
        job_->graph.addOutput(std::make_unique<core::SaveAsTextFiles<T>>(
            node_, *job_->files, std::move(prefix), std::move(suffix),
            [](std::string& out, const T& element) {
                core::appendElement(out, element);
                out += '\n';
            },
            skipEmpty, compression));
    }

    // Each batch as records of a Kafka topic, for read_committed readers once; see
    // docs/guide/kafka_output.md. Pairs are sent as key and value, other elements as values; or
    // f(element, KafkaMessage&) fills the message.
    void toKafka(KafkaOutputOptions options) const requires core::Printable<T> {
        toKafka(std::move(options), outputs::KafkaText());
    }
    template <class F>
    requires std::invocable<const F&, const T&, KafkaMessage&>
    void toKafka(KafkaOutputOptions options, F f) const {
        requireNotStarted(*job_, "toKafka");
        outputs::addKafkaOutput(job_->graph, std::move(options),
                                outputs::kafkaRecords<T>(node_, std::move(f)));
    }

    // Each batch as rows of a table, once; see docs/guide/sql_output.md. The parts of a pair or
    // tuple are columns, which the options name.
    void toPostgres(const PostgresOutputOptions& options) const requires outputs::SqlRowLike<T> {
        requireNotStarted(*job_, "toPostgres");
        outputs::addPostgresOutput(job_->graph, options,
                                   outputs::sqlRows<T>(node_, options.columns));
    }

    void toSqlite(const SqliteOutputOptions& options) const requires outputs::SqlRowLike<T> {
        requireNotStarted(*job_, "toSqlite");
        outputs::addSqliteOutput(job_->graph, options, outputs::sqlRows<T>(node_, options.columns));
    }

    const std::shared_ptr<core::StreamNode<T>>& node() const { return node_; }
    const std::shared_ptr<Job>& job() const { return job_; }

private:
    template <class F>
    void addOutput(const char* description, F f) const {
        requireNotStarted(*job_, description);
        job_->graph.addOutput(
            std::make_unique<core::ForEachBatch<T, F>>(description, node_, std::move(f)));
    }

    std::shared_ptr<Job> job_;
    std::shared_ptr<core::StreamNode<T>> node_;
};

}  // namespace tidemill
