// Rows in the extension module.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "python/native/module.h"
#include "python/native/row_columns.h"
#include "python/native/rows.h"

namespace py = pybind11;

namespace tidemill::python {
namespace {

using Entered = py::call_guard<GilScope>;
using ColumnPtr = std::shared_ptr<const RowColumn>;

// pybind holds objects that may be changed; these are not.
struct Held {
    ColumnPtr column;
};
// Numbers, which others may look at where they are.
struct HeldNumbers : Held {};

// Bytes of a column, which lives as long as somebody looks at them.
struct Part {
    ColumnPtr column;
    std::string_view bytes;
};

py::buffer_info viewOf(std::string_view bytes, std::size_t element, const char* format) {
    return {const_cast<char*>(bytes.data()),
            static_cast<py::ssize_t>(element),
            format,
            1,
            {static_cast<py::ssize_t>(bytes.size() / element)},
            {static_cast<py::ssize_t>(element)},
            true};
}

// Must not throw: pybind catches nothing here.
py::buffer_info bufferOf(const HeldNumbers& held) {
    const auto& column = *held.column;
    if (column.type == rows::Type::kFloat) return viewOf(column.values, 8, "d");
    if (column.type == rows::Type::kBool) return viewOf(column.values, 1, "?");
    return viewOf(column.values, 8, "q");
}

void bindColumn(py::module_& module) {
    py::class_<Part>(module, "ColumnPart", py::buffer_protocol()).def_buffer([](Part& part) {
        return viewOf(part.bytes, 1, "B");
    });
    py::class_<Held>(module, "Column")
        .def_property_readonly(
            "name", [](const Held& held) { return held.column->name; }, "The column's name.")
        .def_property_readonly(
            "type", [](const Held& held) { return std::string(rows::toString(held.column->type)); },
            "\"int\", \"float\", \"bool\", \"text\", \"time\" or \"json\".")
        .def_property_readonly(
            "null_count", [](const Held& held) { return held.column->nullCount; },
            "How many values are null.")
        .def("__len__", [](const Held& held) { return held.column->size; })
        .def(
            "tolist",
            [](const Held& held) {
                const GilScope gil;
                return py::reinterpret_steal<py::object>(listOf(*held.column).release());
            },
            "The values as a list, None for null.")
        .def("_values",
             [](const Held& held) {
                 return Part{held.column, held.column->values};
             })
        .def("_text",
             [](const Held& held) {
                 return Part{held.column, held.column->text};
             })
        .def("_present", [](const Held& held) {
            return Part{held.column, held.column->present};
        });
    py::class_<HeldNumbers, Held>(module, "NumberColumn", py::buffer_protocol())
        .def_buffer([](HeldNumbers& held) { return bufferOf(held); });
}

Rows::Field fieldOf(const py::dict& from) {
    Rows::Field field;
    const auto text = [&](const char* key, std::string& into) {
        if (from.contains(key)) into = from[key].cast<std::string>();
    };
    const auto optional = [&](const char* key, std::optional<std::string>& into) {
        if (from.contains(key)) into = from[key].cast<std::string>();
    };
    text("name", field.spec.name);
    text("at", field.spec.place);
    text("type", field.type);
    text("format", field.spec.format);
    optional("null", field.spec.nullText);
    optional("default", field.spec.defaultText);
    if (from.contains("optional")) field.spec.optional = from["optional"].cast<bool>();
    return field;
}

rows::ReaderSpec waysOf(const py::dict& from) {
    rows::ReaderSpec how;
    const auto text = [&](const char* key, std::string& into) {
        if (from.contains(key)) into = from[key].cast<std::string>();
    };
    text("separator", how.separator);
    text("pattern", how.pattern);
    text("pairSeparator", how.pairSeparator);
    text("valueSeparator", how.valueSeparator);
    if (!how.separator.empty()) how.csv.separator = how.separator.front();
    if (from.contains("trim")) how.csv.trim = from["trim"].cast<bool>();
    if (from.contains("header")) how.csv.header = from["header"].cast<std::vector<std::string>>();
    return how;
}

}  // namespace

Object wrapped(std::shared_ptr<const RowColumn> column) {
    Held held{std::move(column)};
    const auto object = rows::isTextual(held.column->type) ? py::cast(std::move(held))
                                                           : py::cast(HeldNumbers{std::move(held)});
    return Object::borrowed(object.ptr());
}

void bindRows(py::module_& module) {
    bindColumn(module);
    py::class_<Rows, std::shared_ptr<Rows>>(module, "Rows")
        .def_static(
            "read",
            [](Stream& lines, const std::string& by, const std::vector<py::dict>& fields,
               const py::dict& how) {
                std::vector<Rows::Field> all;
                for (const auto& field : fields) all.push_back(fieldOf(field));
                return Rows::read(lines, by, std::move(all), waysOf(how));
            },
            Entered())
        .def("columns", &Rows::columns)
        .def("where", &Rows::where, Entered())
        .def("compute", &Rows::compute, Entered())
        .def("select", &Rows::select, Entered())
        .def("drop", &Rows::drop, Entered())
        .def("rename", &Rows::rename, Entered())
        .def("distinct", &Rows::distinct, Entered())
        .def("union", &Rows::unite, Entered())
        .def("explode", &Rows::explode, Entered())
        .def("top", &Rows::top, Entered())
        .def("join", &Rows::join, Entered())
        .def(
            "aggregate",
            [](const Rows& from, const Rows::Texts& key, const Rows::NamedTexts& compute,
               std::int64_t window, std::int64_t slide, bool running, std::int64_t ttl,
               const std::string& name) {
                rows::Aggregation how;
                how.key = key;
                how.compute = compute;
                how.window = Duration(window);
                how.slide = Duration(slide);
                how.running = running;
                how.ttl = Duration(ttl);
                how.name = name;
                return from.aggregate(how);
            },
            Entered())
        .def_static("sql", &Rows::sql, Entered())
        .def("dicts", &Rows::dicts, Entered())
        .def(
            "forEachBatch",
            [](const Rows& rows, const std::string& description, const py::tuple& f,
               std::size_t most) { rows.forEachBatch(description, functionOf(f), most); },
            Entered())
        .def("saveAsTextFiles", &Rows::saveAsTextFiles, Entered())
        .def("save", &Rows::save, Entered())
        .def(
            "toPostgres",
            [](const Rows& rows, const std::string& connection, const std::string& table,
               const std::string& mode, const Rows::Texts& key, bool create, bool shared) {
                PostgresOutputOptions options;
                options.connection = connection;
                options.table = table;
                options.key = key;
                options.create = create;
                options.shared = shared;
                rows.toPostgres(std::move(options), mode);
            },
            Entered())
        .def(
            "toSqlite",
            [](const Rows& rows, const std::string& path, const std::string& table,
               const std::string& mode, const Rows::Texts& key, bool create, bool shared) {
                SqliteOutputOptions options;
                options.path = path;
                options.table = table;
                options.key = key;
                options.create = create;
                options.shared = shared;
                rows.toSqlite(std::move(options), mode);
            },
            Entered())
        .def(
            "toKafka",
            [](const Rows& rows, const std::string& brokers, const std::string& topic,
               const Rows::Texts& key, const std::string& value, bool exactlyOnce, bool create,
               const std::map<std::string, std::string>& properties) {
                ::tidemill::rows::RowKafka kafka;
                kafka.options.brokers = brokers;
                kafka.options.topic = topic;
                kafka.options.exactlyOnce = exactlyOnce;
                kafka.options.create = create;
                kafka.options.properties = properties;
                kafka.key = key;
                kafka.value = value;
                rows.toKafka(std::move(kafka));
            },
            Entered());
}

}  // namespace tidemill::python
