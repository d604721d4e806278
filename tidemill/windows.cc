#include "tidemill/windows.h"

#include <stdexcept>

#include "state/state_store.h"

namespace tidemill::detail {
namespace {

std::string milliseconds(Duration duration) { return std::to_string(duration.count()) + " ms"; }

}  // namespace

void requireLength(const char* operation, const char* what, Duration length) {
    if (length > Duration(0) && length <= kDurationMax) return;
    throw std::invalid_argument(std::string(operation) + ": " + what + " (" + milliseconds(length) +
                                ") must be at least 1 ms and at most " +
                                milliseconds(kDurationMax));
}

state::WindowTimes windowTimes(const Job& job, const char* operation, Duration parent,
                               Duration window, Duration slide) {
    if (parent == Duration(0)) parent = job.interval;
    requireLength(operation, "a window's length", window);
    if (slide == Duration(0)) slide = parent;
    requireLength(operation, "a window's slide", slide);
    if (window < parent || slide < parent || window % parent != Duration(0) ||
        slide % parent != Duration(0))
        throw std::invalid_argument(std::string(operation) + ": a window's length (" +
                                    milliseconds(window) + ") and slide (" + milliseconds(slide) +
                                    ") must be multiples of the slide of the stream it is over (" +
                                    milliseconds(parent) + ")");
    return state::WindowTimes::of(window, slide);
}

std::shared_ptr<state::WindowTables> declareWindow(Job& job, const char* operation,
                                                   std::string name, const std::string& types,
                                                   const state::WindowTimes& times, Duration parent,
                                                   state::ValueKind kind) {
    auto tables = std::make_shared<state::WindowTables>();
    tables->slide = times.slide;
    const bool isNamed = !name.empty();
    job.states.push_back(
        {name.empty() ? job.stableName(operation) : std::move(name),
         std::string(operation) + " " + types + " window_ms=" +
             std::to_string(times.pane.count() * static_cast<std::int64_t>(times.panes)) +
             " slide_ms=" + std::to_string(times.slide.count()) +
             (parent == Duration(0) ? "" : " of_slide_ms=" + std::to_string(parent.count())),
         [tables, kind](state::StateStore& store, core::OperatorId id,
                        const state::OperatorStart&) {
             tables->table = &store.table(id, state::kVisibleTable, kind);
             tables->panes = &store.table(id, state::kPanesTable, state::ValueKind::kBytes);
             tables->open = &store.table(id, state::kOpenTable, state::ValueKind::kBytes);
         }});
    job.states.back().isNamed = isNamed;
    return tables;
}

}  // namespace tidemill::detail
