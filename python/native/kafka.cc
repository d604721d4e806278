#include "python/native/kafka.h"

#include <optional>
#include <string_view>

namespace tidemill::python {

template class StepNode<KafkaRecord, Object>;
template class StepNode<Object, KafkaMessage>;

namespace {

Object bytesOf(std::optional<std::string_view> bytes) {
    if (!bytes) return Object::borrowed(Py_None);
    return orThrow(
        PyBytes_FromStringAndSize(bytes->data(), static_cast<Py_ssize_t>(bytes->size())));
}

Object textFrom(std::string_view bytes) {
    return orThrow(PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()),
                                        "surrogateescape"));
}

struct KafkaTuple final : Step<KafkaRecord, Object> {
    void apply(KafkaRecord& record, std::vector<Object>& out, core::Arena&) const override {
        auto headers = orThrow(PyList_New(0));
        record.headers.forEach([&](const KafkaHeader& header) {
            const auto name = textFrom(header.name), value = bytesOf(header.value);
            const auto pair = orThrow(PyTuple_Pack(2, name.get(), value.get()));
            if (PyList_Append(headers.get(), pair.get()) != 0) throwPythonError();
        });
        const auto key = bytesOf(record.key), value = bytesOf(record.value),
                   topic = textFrom(record.topic);
        out.push_back(orThrow(
            Py_BuildValue("(OOOiLLO)", key.get(), value.get(), topic.get(),
                          static_cast<int>(record.partition), static_cast<long long>(record.offset),
                          static_cast<long long>(toMillis(record.timestamp)), headers.get())));
    }
};

struct MakeMessage final : Step<Object, KafkaMessage> {
    void apply(Object& element, std::vector<KafkaMessage>& out, core::Arena&) const override {
        PyObject* const pair = element.get();
        KafkaMessage message;
        if (PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2) {
            message.hasKey = fill(message.key, PyTuple_GET_ITEM(pair, 0), "key");
            message.hasValue = fill(message.value, PyTuple_GET_ITEM(pair, 1), "value");
        } else {
            message.hasValue = fill(message.value, pair, "value");
        }
        out.push_back(std::move(message));
    }

private:
    // False: there is none.
    static bool fill(std::string& into, PyObject* from, const char* what) {
        if (from == Py_None) return false;
        if (PyBytes_Check(from)) {
            into.assign(PyBytes_AS_STRING(from), static_cast<std::size_t>(PyBytes_GET_SIZE(from)));
            return true;
        }
        if (PyUnicode_Check(from)) {
            Py_ssize_t size = 0;
            const char* const text = PyUnicode_AsUTF8AndSize(from, &size);
            if (text == nullptr) throwPythonError();
            into.assign(text, static_cast<std::size_t>(size));
            return true;
        }
        PyErr_Format(PyExc_TypeError,
                     "toKafka sends bytes, str or None, or tuples (key, value) of these, and was "
                     "given the %s %R",
                     what, from);
        throwPythonError();
    }
};

}  // namespace

StepPtr<KafkaRecord, Object> kafkaTuple() { return std::make_shared<KafkaTuple>(); }

StepPtr<Object, KafkaMessage> kafkaMessage() { return std::make_shared<MakeMessage>(); }

}  // namespace tidemill::python
