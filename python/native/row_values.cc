#include "python/native/row_values.h"

// Python's own header of dates keeps a pointer to its functions for each file that includes it.
#include <datetime.h>

#include <algorithm>
#include <chrono>

#include "python/native/errors.h"

namespace tidemill::python {
namespace {

using rows::Type;

Object jsonLoads() {
    static PyObject* const loads = [] {
        const auto module = orThrow(PyImport_ImportModule("json"));
        return orThrow(PyObject_GetAttrString(module.get(), "loads")).release();
    }();
    return Object::borrowed(loads);
}

// A JSON string in which nothing stands for anything else.
bool isPlainString(std::string_view text) {
    return text.size() >= 2 && text.front() == '"' && text.find('\\') == text.npos;
}

}  // namespace

Object rowInt(std::int64_t value) { return orThrow(PyLong_FromLongLong(value)); }
Object rowFloat(double value) { return orThrow(PyFloat_FromDouble(value)); }
Object rowBool(bool value) { return Object::borrowed(value ? Py_True : Py_False); }

Object rowText(std::string_view text) {
    return orThrow(
        PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

Object rowTime(std::int64_t micros) {
    using std::chrono::days, std::chrono::microseconds, std::chrono::floor;
    if (PyDateTimeAPI == nullptr) {
        PyDateTime_IMPORT;
        if (PyDateTimeAPI == nullptr) throwPythonError();
    }
    const std::chrono::sys_time<microseconds> time{microseconds(micros)};
    const auto day = floor<days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss<microseconds> clock(time - day);
    const auto part = [](auto duration) { return static_cast<int>(duration.count()); };
    return orThrow(PyDateTimeAPI->DateTime_FromDateAndTime(
        static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
        static_cast<int>(static_cast<unsigned>(date.day())), part(clock.hours()),
        part(clock.minutes()), part(clock.seconds()), part(clock.subseconds()),
        PyDateTime_TimeZone_UTC, PyDateTimeAPI->DateTimeType));
}

Object rowJson(std::string_view text) {
    if (isPlainString(text)) return rowText(text.substr(1, text.size() - 2));
    const auto argument = rowText(text);
    return orThrow(PyObject_CallOneArg(jsonLoads().get(), argument.get()));
}

Object rowValue(const rows::Column& column, std::size_t row) {
    if (column.isNull(row)) return Object::borrowed(Py_None);
    switch (column.type) {
        case Type::kInt: return rowInt(column.as<Type::kInt>()[row]);
        case Type::kFloat: return rowFloat(column.as<Type::kFloat>()[row]);
        case Type::kBool: return rowBool(column.as<Type::kBool>()[row] != 0);
        case Type::kText: return rowText(column.as<Type::kText>()[row]);
        case Type::kTime: return rowTime(column.as<Type::kTime>()[row]);
        case Type::kJson: return rowJson(column.as<Type::kJson>()[row]);
    }
    return Object::borrowed(Py_None);
}

}  // namespace tidemill::python
