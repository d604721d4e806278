#include "python/native/stored_state.h"

#include <stdexcept>
#include <string_view>

#include "python/native/errors.h"
#include "state/state_reader.h"

namespace tidemill::python {
namespace {

template <class T>
T valueOf(core::Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(*result);
}

Object rowOf(const state::TableSummary& table, std::string_view key, std::string_view value) {
    return orThrow(Py_BuildValue(
        "sIy#y#", table.operatorName.c_str(), static_cast<unsigned>(table.number), key.data(),
        static_cast<Py_ssize_t>(key.size()), value.data(), static_cast<Py_ssize_t>(value.size())));
}

}  // namespace

Object storedRows(const std::string& generation) {
    const auto reader = valueOf(state::StateReader::open(generation));
    const auto rows = orThrow(PyList_New(0));
    for (const auto& table : valueOf(reader->tables(false))) {
        if (table.operatorName.empty()) continue;  // the engine's own
        const auto scanned = reader->scan(
            table.operatorId, table.number, {}, [&](std::string_view key, std::string_view value) {
                if (PyList_Append(rows.get(), rowOf(table, key, value).get()) != 0)
                    throwPythonError();
                return true;
            });
        if (!scanned) throw std::runtime_error(scanned.error().message);
    }
    return rows;
}

}  // namespace tidemill::python
