// The operations of windows.
#include <stdexcept>
#include <utility>

#include "python/native/combine.h"
#include "python/native/steps.h"
#include "python/native/stream.h"
#include "tidemill/windows.h"

namespace tidemill::python {
namespace {

using Key = std::string_view;

struct Reduce {
    Function function;
    core::FunctionIdentity identity() const { return function.identity(); }
    Entry operator()(const Entry& first, const Entry& second) const {
        const GilScope gil;
        return {first.key, function(first.value.get(), second.value.get())};
    }
};

// Function((key, value)); none keeps all.
struct Keep {
    std::optional<Function> function;
    core::FunctionIdentity identity() const {
        return function ? function->identity() : core::FunctionIdentity{"python:all", {}};
    }
    bool operator()(const Pair& pair) const {
        if (!function) return true;
        const GilScope gil;
        const auto argument = orThrow(PyTuple_Pack(2, keyOf(pair).get(), pair.second.value.get()));
        const int kept = PyObject_IsTrue((*function)(argument.get()).get());
        if (kept < 0) throwPythonError();
        return kept != 0;
    }
};

Function nativeFunction(const char* module, const char* name) {
    const auto from = orThrow(PyImport_ImportModule(module));
    return {orThrow(PyObject_GetAttrString(from.get(), name)), std::string(module) + "." + name};
}

state::WindowTimes timesOf(const Job& job, const char* operation, const core::Node& parent,
                           const Stream::WindowOptions& options) {
    return detail::windowTimes(job, operation, parent.slide(), Duration(options.lengthMillis),
                               Duration(options.slideMillis));
}

}  // namespace

Stream::Ptr Stream::window(const WindowOptions& options) {
    requireNotStarted(*job_, "window");
    const auto times = timesOf(*job_, "window", node(), options);
    const auto tables = detail::declareWindow(*job_, "window", options.name,
                                              "element=" + core::ValueCodec<Object>::signature(),
                                              times, node().slide());
    const auto place = job_->states.size() - 1;
    const auto made =
        add("window", std::make_shared<state::WindowNode<Object>>(objects(), tables, times));
    job_->states[place].node = made.get();
    return this->made(ObjectNode(made));
}

Stream::PairNode Stream::windowOf(const char* operation, PairNode pairs, const Function& function,
                                  const std::optional<Function>& inverse,
                                  const std::optional<Function>& filter,
                                  const WindowOptions& options) {
    requireNotStarted(*job_, operation);
    const auto times = timesOf(*job_, operation, *pairs, options);
    if (pairs->keyed() != core::Keyed::kRangedUnique)
        pairs = add(operation, makeCombine(operation, std::move(pairs), reducing(function)));
    const Reduce reduce{function};
    if (inverse) {
        const Keep keep{filter};
        using Window = state::InverseWindow<Key, Entry, Reduce, Reduce, Keep>;
        return detail::addKeyedWindow<Key, Entry>(
                   job_, operation, std::move(pairs), times, options.name,
                   Window{reduce, Reduce{*inverse}, keep}, Window::Value(), keep)
            .node();
    }
    if (times.panes == 1)
        return detail::addKeyedWindow<Key, Entry>(
                   job_, operation, std::move(pairs), times, options.name,
                   state::TumblingWindow<Entry, Reduce>{reduce}, state::StoredState<Entry>())
            .node();
    using Cut = state::CutWindow<Entry, Reduce>;
    return detail::addKeyedWindow<Key, Entry>(job_, operation, std::move(pairs), times,
                                              options.name, Cut{reduce}, Cut::Value{reduce})
        .node();
}

Stream::Ptr Stream::reduceByKeyAndWindow(Function function, std::optional<Function> inverse,
                                         std::optional<Function> filter,
                                         const WindowOptions& options) {
    const char* const kind = "reduceByKeyAndWindow";
    return made(windowOf(kind, pairs(kind), function, inverse, filter, options));
}

Stream::Ptr Stream::groupByKeyAndWindow(const WindowOptions& options) {
    const char* const kind = "groupByKeyAndWindow";
    return made(windowOf(kind, grouped(kind), nativeFunction("operator", "add"),
                         nativeFunction("tidemill._functions", "drop_first"),
                         nativeFunction("tidemill._functions", "has_value"), options));
}

Stream::Ptr Stream::countByValueAndWindow(const WindowOptions& options) {
    const char* const kind = "countByValueAndWindow";
    const auto keyed =
        add(kind, std::make_shared<StepNode<Object, Pair>>(kind, objects(), asKeys()));
    return made(windowOf(kind, keyed, nativeFunction("operator", "add"),
                         nativeFunction("operator", "sub"),
                         nativeFunction("tidemill._functions", "has_value"), options));
}

Stream::Ptr Stream::countByWindow(const WindowOptions& options) {
    const char* const kind = "countByWindow";
    const auto keyed =
        add(kind, std::make_shared<StepNode<Object, Pair>>(kind, objects(), asOnes()));
    const auto counted = windowOf(kind, keyed, nativeFunction("operator", "add"),
                                  nativeFunction("operator", "sub"), std::nullopt, options);
    return made(ObjectNode(
        add(kind, std::make_shared<StepNode<Pair, Object>>(kind, counted, withoutKey()))));
}

Stream::Ptr Stream::reduceByWindow(Function function, std::optional<Function> inverse,
                                   const WindowOptions& options) {
    const char* const kind = "reduceByWindow";
    const auto keyed =
        add(kind, std::make_shared<StepNode<Object, Pair>>(kind, objects(), underOneKey()));
    const auto reduced = windowOf(kind, keyed, function, inverse, std::nullopt, options);
    return made(ObjectNode(
        add(kind, std::make_shared<StepNode<Pair, Object>>(kind, reduced, withoutKey()))));
}

}  // namespace tidemill::python
