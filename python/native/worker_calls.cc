#include "python/native/worker_calls.h"

#include <utility>

#include "core/check.h"
#include "python/native/accumulators.h"
#include "python/native/value_codec.h"
#include "python/native/varint.h"
#include "python/native/worker_pool.h"

namespace tidemill::python {
namespace {

thread_local WorkerCalls* innermost = nullptr;

}  // namespace

WorkerCalls::WorkerCalls(const Function& function, std::vector<PyObject*> arguments)
    : function_(function),
      arguments_(std::move(arguments)),
      refused_(arguments_.size()),
      outer_(innermost) {
    std::string sent;
    std::string bytes;
    std::uint32_t count = 0;
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
        bytes.clear();
        try {
            appendValue(arguments_[i], bytes);
        } catch (const PythonError& error) {
            refused_[i] = error.what();
            continue;
        }
        appendVarint(sent, bytes.size());
        sent += bytes;
        ++count;
    }
    const AddScope* const scope = AddScope::current();
    const auto adds = scope == nullptr ? AddScope::Of::kElsewhere : scope->of();
    if (count != 0) all_ = function_.pool()->call(function_.numberInPool(), count, adds, sent);
    left_ = all_;
    innermost = this;
}

WorkerCalls::~WorkerCalls() { innermost = outer_; }

std::optional<Object> WorkerCalls::answerOf(const Function& function, PyObject* argument) {
    WorkerCalls* const calls = innermost;
    if (calls == nullptr || &calls->function_ != &function) return std::nullopt;
    while (calls->read_ < calls->arguments_.size()) {
        const std::size_t i = calls->read_++;
        const bool isAsked = calls->arguments_[i] == argument;
        if (!calls->refused_[i].empty()) {
            if (isAsked) throw PythonError(calls->refused_[i]);
            continue;
        }
        if (isAsked) return calls->next();
        calls->skip();
    }
    return std::nullopt;
}

std::string_view WorkerCalls::takeSized() {
    std::uint64_t size = 0;
    TM_CHECK(takeVarint(left_, size) && size <= left_.size(),
             "a worker process has written whole answers");
    const auto taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
}

// The answer to the next argument that was sent; its form is in worker_pool.h.
WorkerCalls::Answer WorkerCalls::take() {
    TM_CHECK(!left_.empty(), "a worker process answers every call");
    Answer answer;
    answer.raised = left_.front() != 0;
    left_.remove_prefix(1);
    answer.bytes = takeSized();
    if (answer.raised) return answer;
    std::uint64_t count = 0;
    TM_CHECK(takeVarint(left_, count), "a worker process has written whole answers");
    for (; count != 0; --count) {
        const auto name = takeSized();
        answer.added.emplace_back(name, takeSized());
    }
    return answer;
}

Object WorkerCalls::next() {
    const Answer answer = take();
    if (answer.raised) throw PythonError(std::string(answer.bytes));
    for (const auto& [name, term] : answer.added)
        function_.pool()->add(std::string(name), valueFrom(term).get());
    return valueFrom(answer.bytes);
}

}  // namespace tidemill::python
