// The extension module tidemill._native. This file and module_rows.cc are all that knows pybind11;
// what they bind is wrapped again in Python, where it is documented.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "core/arena.h"
#include "python/native/accumulators.h"
#include "python/native/batch_handle.h"
#include "python/native/context.h"
#include "python/native/key_codec.h"
#include "python/native/module.h"
#include "python/native/stored_state.h"
#include "python/native/value_codec.h"

namespace py = pybind11;

namespace tidemill::python {

Function functionOf(const py::tuple& parts) {
    if (parts.size() == 2)
        return {Object::borrowed(py::object(parts[0]).ptr()), parts[1].cast<std::string>()};
    return {Object::borrowed(py::object(parts[0]).ptr()), parts[1].cast<std::string>(),
            parts[2].cast<std::string>(), textOf(py::object(parts[3]).ptr()),
            parts[4].cast<std::int64_t>()};
}

namespace {

// Threads of Python come in here with the lock: scopes behind it need not ask for it again.
using Entered = py::call_guard<GilScope>;

std::optional<Function> optionalFunctionOf(const py::object& pair) {
    if (pair.is_none()) return std::nullopt;
    return functionOf(pair.cast<py::tuple>());
}

py::object toPython(Object object) { return py::reinterpret_steal<py::object>(object.release()); }

std::vector<Object> elementsOf(const py::handle& iterable) {
    std::vector<Object> elements;
    forEachIn(iterable.ptr(), [&](Object element) { elements.push_back(std::move(element)); });
    return elements;
}

Stream::Initial initialOf(const py::list& pairs) {
    Stream::Initial initial;
    for (const auto& pair : pairs) {
        const auto both = pair.cast<py::tuple>();
        initial.emplace_back(Object::borrowed(py::object(both[0]).ptr()),
                             Object::borrowed(py::object(both[1]).ptr()));
    }
    return initial;
}

void bindBatch(py::module_& module) {
    py::class_<BatchHandle, std::shared_ptr<BatchHandle>>(module, "Batch")
        .def("id", &BatchHandle::id, Entered())
        .def("time", &BatchHandle::timeMillis, Entered())
        .def("partitions", &BatchHandle::partitions, Entered())
        .def("count", &BatchHandle::count, Entered())
        .def("take",
             [](const BatchHandle& batch, std::size_t count) {
                 const GilScope gil;
                 return toPython(batch.take(count));
             })
        .def("collect", [](const BatchHandle& batch) {
            const GilScope gil;
            return toPython(batch.collect());
        });
}

void bindStream(py::module_& module) {
    using Options = Stream::WindowOptions;
    py::class_<Stream, std::shared_ptr<Stream>>(module, "Stream")
        .def("slide", &Stream::slideMillis, Entered())
        .def(
            "map", [](Stream& stream, const py::tuple& f) { return stream.map(functionOf(f)); },
            Entered())
        .def(
            "flatMap",
            [](Stream& stream, const py::tuple& f) { return stream.flatMap(functionOf(f)); },
            Entered())
        .def(
            "filter",
            [](Stream& stream, const py::tuple& f) { return stream.filter(functionOf(f)); },
            Entered())
        .def(
            "mapPartitions",
            [](Stream& stream, const py::tuple& f) { return stream.mapPartitions(functionOf(f)); },
            Entered())
        .def("repartition", &Stream::repartition, Entered())
        .def("persist", &Stream::persist, Entered())
        .def("union", &Stream::unionWith, Entered())
        .def("count", &Stream::count, Entered())
        .def(
            "mapValues",
            [](Stream& stream, const py::tuple& f) { return stream.mapValues(functionOf(f)); },
            Entered())
        .def(
            "flatMapValues",
            [](Stream& stream, const py::tuple& f) { return stream.flatMapValues(functionOf(f)); },
            Entered())
        .def(
            "reduce",
            [](Stream& stream, const py::tuple& f) { return stream.reduce(functionOf(f)); },
            Entered())
        .def("countByValue", &Stream::countByValue, Entered())
        .def(
            "reduceByKey",
            [](Stream& stream, const py::tuple& f) { return stream.reduceByKey(functionOf(f)); },
            Entered())
        .def("groupByKey", &Stream::groupByKey, Entered())
        .def(
            "combineByKey",
            [](Stream& stream, const py::tuple& create, const py::tuple& mergeValue,
               const py::tuple& mergeCombiners) {
                return stream.combineByKey(functionOf(create), functionOf(mergeValue),
                                           functionOf(mergeCombiners));
            },
            Entered())
        .def("cogroup", &Stream::cogroup, Entered())
        .def(
            "join",
            [](Stream& stream, Stream& other, const std::string& operation, bool left, bool right) {
                return stream.join(other, operation.c_str(), left, right);
            },
            Entered())
        .def(
            "window",
            [](Stream& stream, std::int64_t length, std::int64_t slide, const std::string& name) {
                return stream.window(Options{length, slide, name});
            },
            Entered())
        .def(
            "countByWindow",
            [](Stream& stream, std::int64_t length, std::int64_t slide, const std::string& name) {
                return stream.countByWindow(Options{length, slide, name});
            },
            Entered())
        .def(
            "countByValueAndWindow",
            [](Stream& stream, std::int64_t length, std::int64_t slide, const std::string& name) {
                return stream.countByValueAndWindow(Options{length, slide, name});
            },
            Entered())
        .def(
            "groupByKeyAndWindow",
            [](Stream& stream, std::int64_t length, std::int64_t slide, const std::string& name) {
                return stream.groupByKeyAndWindow(Options{length, slide, name});
            },
            Entered())
        .def(
            "reduceByWindow",
            [](Stream& stream, const py::tuple& f, const py::object& inverse, std::int64_t length,
               std::int64_t slide, const std::string& name) {
                return stream.reduceByWindow(functionOf(f), optionalFunctionOf(inverse),
                                             Options{length, slide, name});
            },
            Entered())
        .def(
            "reduceByKeyAndWindow",
            [](Stream& stream, const py::tuple& f, const py::object& inverse,
               const py::object& filter, std::int64_t length, std::int64_t slide,
               const std::string& name) {
                return stream.reduceByKeyAndWindow(functionOf(f), optionalFunctionOf(inverse),
                                                   optionalFunctionOf(filter),
                                                   Options{length, slide, name});
            },
            Entered())
        .def(
            "updateStateByKey",
            [](Stream& stream, const py::tuple& f, const std::string& name,
               const py::list& initial) {
                return stream.updateStateByKey(functionOf(f), name, initialOf(initial));
            },
            Entered())
        .def(
            "mapWithState",
            [](Stream& stream, const py::tuple& f, const std::string& name, const py::list& initial,
               std::int64_t timeout) {
                return stream.mapWithState(functionOf(f), name, initialOf(initial), timeout);
            },
            Entered())
        .def(
            "transform",
            [](Stream& stream, const py::tuple& f) { return stream.transform(functionOf(f)); },
            Entered())
        .def(
            "transformWith",
            [](Stream& stream, Stream& other, const py::tuple& f) {
                return stream.transformWith(other, functionOf(f));
            },
            Entered())
        .def(
            "forEachBatch",
            [](Stream& stream, const std::string& description, const py::tuple& f) {
                stream.forEachBatch(description, functionOf(f));
            },
            Entered())
        .def("saveAsTextFiles", &Stream::saveAsTextFiles, Entered())
        .def(
            "toKafka",
            [](Stream& stream, const std::string& brokers, const std::string& topic,
               bool exactlyOnce, bool create, std::int64_t transactionMillis,
               const std::map<std::string, std::string>& properties) {
                KafkaOutputOptions options;
                options.brokers = brokers;
                options.topic = topic;
                options.exactlyOnce = exactlyOnce;
                options.create = create;
                options.transactionTimeout = std::chrono::milliseconds(transactionMillis);
                options.properties = properties;
                stream.toKafka(std::move(options));
            },
            Entered())
        .def("remember", &Stream::remember, Entered())
        .def("isRemembered", &Stream::isRemembered)
        .def("slice", [](const Stream& stream, std::int64_t from, std::int64_t to) {
            const GilScope gil;
            return toPython(stream.slice(from, to));
        });
}

void bindAccumulator(py::module_& module) {
    py::class_<Accumulator, std::shared_ptr<Accumulator>>(module, "Accumulator")
        .def(py::init([](const std::string& name, const py::object& value, const py::object& zero,
                         const py::object& param) {
            return std::make_shared<Accumulator>(name, Object::borrowed(value.ptr()),
                                                 Object::borrowed(zero.ptr()),
                                                 Object::borrowed(param.ptr()));
        }))
        .def("name", &Accumulator::name)
        .def(
            "add", [](Accumulator& to, const py::object& term) { to.add(term.ptr()); }, Entered())
        .def("value", [](const Accumulator& of) {
            const GilScope gil;
            return toPython(of.value());
        });
}

void bindContext(py::module_& module) {
    py::class_<Context>(module, "Context")
        .def(py::init([](std::int64_t interval, unsigned workers, const std::string& directory,
                         const std::string& errorPolicy, const std::string& version,
                         const std::string& name, unsigned processes) {
            return std::make_unique<Context>(Context::Options{
                interval, workers, directory, errorPolicy, version, name, processes});
        }))
        .def("setDirectory", &Context::setDirectory)
        .def("socketTextStream", &Context::socketTextStream, Entered())
        .def("listenTextStream", &Context::listenTextStream, Entered())
        .def(
            "httpStream",
            [](Context& context, const std::string& host, std::uint16_t port,
               const std::string& path, std::size_t requestBytesMax, const std::string& tokenFile,
               bool insecure, const std::string& certFile, const std::string& keyFile) {
                HttpOptions options;
                options.certFile = certFile;
                options.keyFile = keyFile;
                options.path = path;
                options.requestBytesMax = requestBytesMax;
                options.tokenFile = tokenFile;
                options.insecure = insecure;
                return context.httpStream(host, port, std::move(options));
            },
            Entered())
        .def("textFileStream", &Context::textFileStream, Entered())
        .def(
            "kafkaStream",
            [](Context& context, const std::string& brokers, const std::vector<std::string>& topics,
               const std::string& pattern, const std::string& group, const py::object& start,
               bool skipsLostData, const std::map<std::string, std::string>& properties) {
                KafkaOptions options;
                options.brokers = brokers;
                options.topics = topics;
                options.pattern = pattern;
                options.group = group;
                if (py::isinstance<py::int_>(start)) {
                    options.start.from = KafkaStart::From::kTime;
                    options.start.time = fromMillis(start.cast<std::int64_t>());
                } else if (start.cast<std::string>() == "latest") {
                    options.start.from = KafkaStart::From::kLatest;
                }
                if (skipsLostData) options.onLostData = LostData::kSkip;
                options.properties = properties;
                return context.kafkaStream(std::move(options));
            },
            Entered())
        .def("binaryRecordsStream", &Context::binaryRecordsStream, Entered())
        .def(
            "queueStream",
            [](Context& context, const py::list& queue, bool oneAtATime,
               const py::object& byDefault) {
                std::vector<std::vector<Object>> batches;
                for (const auto& elements : queue) batches.push_back(elementsOf(elements));
                std::optional<std::vector<Object>> standing;
                if (!byDefault.is_none()) standing = elementsOf(byDefault);
                return context.queueStream(batches, oneAtATime, std::move(standing));
            },
            Entered())
        .def("keepAccumulators", &Context::keepAccumulators, Entered())
        .def("addAccumulator", &Context::addAccumulator, Entered())
        .def("addListener",
             [](Context& context, const py::tuple& f) { context.addListener(functionOf(f)); })
        .def("start", &Context::start)
        .def("stop", &Context::stop)
        .def("wait", &Context::await)
        .def("waitForBatch", &Context::awaitBatch)
        .def("state", &Context::state)
        .def("boundPorts", &Context::boundPorts)
        .def("describe", &Context::describe)
        .def("forget", &Context::forget);
}

// For tests: the two encodings, and what is stored.
void bindCodecs(py::module_& module) {
    module.def("storedRows", [](const std::string& generation) {
        const GilScope gil;
        return toPython(storedRows(generation));
    });
    module.def("encodeKey", [](const py::object& key) {
        const GilScope gil;
        core::Arena arena;
        return py::bytes(std::string(keyBytes(key.ptr(), arena)));
    });
    module.def("decodeKey", [](const std::string& bytes) {
        const GilScope gil;
        return toPython(keyFrom(bytes));
    });
    module.def("isPlainKey", [](const py::object& key) {
        const GilScope gil;
        return isPlainKey(key.ptr());
    });
    module.def("encodeValue", [](const py::object& value) {
        const GilScope gil;
        std::string bytes;
        appendValue(value.ptr(), bytes);
        return py::bytes(bytes);
    });
    module.def("decodeValue", [](const std::string& bytes) {
        const GilScope gil;
        return toPython(valueFrom(bytes));
    });
}

}  // namespace

Object wrapped(std::shared_ptr<BatchHandle> handle) {
    return Object::owned(py::cast(std::move(handle)).release().ptr());
}

PYBIND11_MODULE(_native, module) {
    module.doc() = "The engine under tidemill.streaming; programs use that.";
    py::register_exception<StreamingError>(module, "StreamingError", PyExc_RuntimeError);
    bindAccumulator(module);
    bindBatch(module);
    bindStream(module);
    bindRows(module);
    bindContext(module);
    bindCodecs(module);
    module.def("setLogLevel", &setLogLevel);
}

}  // namespace tidemill::python
