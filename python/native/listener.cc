#include "python/native/listener.h"

#include <utility>

namespace tidemill::python {
namespace {

void set(const Object& dict, const char* name, Object value) {
    if (PyDict_SetItemString(dict.get(), name, value.get()) != 0) throwPythonError();
}

Object text(const std::string& value) {
    return orThrow(
        PyUnicode_DecodeUTF8(value.data(), static_cast<Py_ssize_t>(value.size()), "replace"));
}
Object number(std::uint64_t value) { return orThrow(PyLong_FromUnsignedLongLong(value)); }
// In milliseconds; None: not known yet.
Object delay(const std::optional<std::chrono::nanoseconds>& span) {
    if (!span) return Object::borrowed(Py_None);
    return orThrow(
        PyLong_FromLongLong(std::chrono::duration_cast<std::chrono::milliseconds>(*span).count()));
}

class Listener final : public StreamingListener {
public:
    explicit Listener(Function function) : function_(std::move(function)) {}

    void onStarted() override {
        report("onStreamingStarted", [](const Object&) {});
    }
    void onReceiverStarted(const ReceiverInfo& info) override {
        receiver("onReceiverStarted", info);
    }
    void onReceiverError(const ReceiverInfo& info) override { receiver("onReceiverError", info); }
    void onReceiverStopped(const ReceiverInfo& info) override {
        receiver("onReceiverStopped", info);
    }
    void onBatchSubmitted(const BatchInfo& info) override { batch("onBatchSubmitted", info); }
    void onBatchStarted(const BatchInfo& info) override { batch("onBatchStarted", info); }
    void onBatchCompleted(const BatchInfo& info) override { batch("onBatchCompleted", info); }
    void onOutputOperationStarted(const OutputInfo& info) override {
        output("onOutputOperationStarted", info);
    }
    void onOutputOperationCompleted(const OutputInfo& info) override {
        output("onOutputOperationCompleted", info);
    }

private:
    template <class Fill>
    void report(const char* event, Fill fill) {
        const GilScope gil;
        const auto dict = orThrow(PyDict_New());
        fill(dict);
        function_(text(event).get(), dict.get());
    }

    void receiver(const char* event, const ReceiverInfo& info) {
        report(event, [&](const Object& dict) {
            set(dict, "source", number(info.source));
            set(dict, "description", text(info.description));
            set(dict, "message", text(info.message));
        });
    }

    void batch(const char* event, const BatchInfo& info) {
        report(event, [&](const Object& dict) {
            set(dict, "id", number(info.id));
            set(dict, "time", orThrow(PyLong_FromLongLong(toMillis(info.time))));
            set(dict, "replayed", Object::borrowed(info.replayed ? Py_True : Py_False));
            set(dict, "records", number(info.records()));
            set(dict, "schedulingDelay", delay(info.schedulingDelay));
            set(dict, "processingDelay", delay(info.processingDelay));
            set(dict, "totalDelay", delay(info.totalDelay));
        });
    }

    void output(const char* event, const OutputInfo& info) {
        report(event, [&](const Object& dict) {
            set(dict, "batch", number(info.batch));
            set(dict, "time", orThrow(PyLong_FromLongLong(toMillis(info.time))));
            set(dict, "output", number(info.output));
            set(dict, "description", text(info.description));
            set(dict, "duration", delay(info.duration));
            set(dict, "error", info.error ? text(*info.error) : Object::borrowed(Py_None));
        });
    }

    const Function function_;
};

}  // namespace

std::shared_ptr<StreamingListener> makeListener(Function function) {
    return std::make_shared<Listener>(std::move(function));
}

}  // namespace tidemill::python
