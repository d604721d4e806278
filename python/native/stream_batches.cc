// The operations of whole batches, and the outputs.
#include <stdexcept>
#include <utility>

#include "core/operators/for_each_batch.h"
#include "core/operators/save_as_text_files.h"
#include "core/operators/transform.h"
#include "python/native/accumulators.h"
#include "python/native/batch_handle.h"
#include "python/native/kafka.h"
#include "python/native/steps.h"
#include "python/native/stream.h"
#include "state/operators/remember.h"

namespace tidemill::python {
namespace {

std::vector<Object> elementsOf(const Object& iterable) {
    std::vector<Object> elements;
    forEachIn(iterable.get(), [&](Object element) { elements.push_back(std::move(element)); });
    return elements;
}

struct OneBatch {
    Function function;
    std::uint32_t place;  // of what it adds to accumulators

    core::FunctionIdentity identity() const { return function.identity(); }
    std::vector<Object> operator()(Batch<Object>& batch, BatchTime time) const {
        const GilScope gil;
        const AddScope adds(AddScope::Of::kBatch, place);
        return elementsOf(callWithBatch(function, time, batch));
    }
};

struct TwoBatches {
    Function function;
    std::uint32_t place;

    core::FunctionIdentity identity() const { return function.identity(); }
    std::vector<Object> operator()(Batch<Object>& batch, Batch<Object>& other,
                                   BatchTime time) const {
        const GilScope gil;
        const AddScope adds(AddScope::Of::kBatch, place);
        return elementsOf(callWithBatches(function, time, batch, other));
    }
};

struct Look {
    Function function;
    std::uint32_t place;

    void operator()(Batch<Object>& batch, BatchTime time) const {
        const GilScope gil;
        const AddScope adds(AddScope::Of::kBatch, place);
        callWithBatch(function, time, batch);
    }
};

}  // namespace

Stream::Ptr Stream::transform(Function function) {
    return made(ObjectNode(
        add("transform", std::make_shared<core::TransformNode<Object, OneBatch, Object>>(
                             "transform", OneBatch{std::move(function), place()}, objects()))));
}

Stream::Ptr Stream::transformWith(Stream& other, Function function) {
    requireSameSlide(other, "transformWith");
    using Node = core::TransformNode<Object, TwoBatches, Object, Object>;
    return made(ObjectNode(
        add("transformWith",
            std::make_shared<Node>("transformWith", TwoBatches{std::move(function), place()},
                                   objects(), other.objects()))));
}

void Stream::forEachBatch(std::string description, Function function) {
    requireNotStarted(*job_, description.c_str());
    job_->graph.addOutput(std::make_unique<core::ForEachBatch<Object, Look>>(
        std::move(description), objects(), Look{std::move(function), place()}));
}

void Stream::saveAsTextFiles(std::string prefix, std::string suffix) {
    const auto lines = add("saveAsTextFiles", std::make_shared<StepNode<Object, std::string>>(
                                                  "lines", objects(), formatLine()));
    job_->graph.addOutput(std::make_unique<core::SaveAsTextFiles<std::string>>(
        lines, *job_->files, std::move(prefix), std::move(suffix),
        [](std::string& out, const std::string& line) { out += line; }));
}

void Stream::toKafka(KafkaOutputOptions options) {
    const auto messages = add("toKafka", std::make_shared<StepNode<Object, KafkaMessage>>(
                                             "message", objects(), kafkaMessage()));
    DStream<KafkaMessage>(job_, messages)
        .toKafka(std::move(options),
                 [](const KafkaMessage& message, KafkaMessage& into) { into = message; });
}

void Stream::remember(std::int64_t millis) {
    if (millis <= 0) throw std::invalid_argument("remember: the time must be longer than nothing");
    job_->remembers = true;
    remembered_ = add("remember", std::make_shared<state::RememberNode<Object>>(
                                      objects(), Duration(millis), job_->slideOf(node()),
                                      job_->rememberedBytesMax));
}

Object Stream::slice(std::int64_t fromMillis, std::int64_t toMillis) const {
    if (!remembered_ || !job_->started)
        throw std::logic_error(
            "slice: nothing is remembered of this stream; call remember(seconds) on it, or on the "
            "context, before start(), and slice() after");
    const auto batches =
        remembered_->slice(tidemill::fromMillis(fromMillis), tidemill::fromMillis(toMillis));
    auto list = orThrow(PyList_New(0));
    for (const auto& batch : batches) {
        auto elements = orThrow(PyList_New(0));
        for (const auto& element : batch.elements)
            if (PyList_Append(elements.get(), element.get()) != 0) throwPythonError();
        const auto pair = orThrow(Py_BuildValue(
            "(LO)", static_cast<long long>(tidemill::toMillis(batch.time)), elements.get()));
        if (PyList_Append(list.get(), pair.get()) != 0) throwPythonError();
    }
    return list;
}

}  // namespace tidemill::python
