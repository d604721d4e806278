"""Rows: streams of named, typed columns, worked on without Python.

    requests = lines.fields(by="json", fields={"path": str, "status": int, "bytes": int})
    slow = requests.where("status >= 500 and path not like '/health%'")
    slow.aggregate("path", {"n": "count()", "total": "sum(bytes)"}, window=60, slide=10).pprint()

Conditions and expressions are SQL's. Each operation is that of a job file's step of the same name
(docs/job_file.md), and docs/guide/python_rows.md has the whole.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterable

from tidemill import _functions, _native, accumulators
from tidemill._functions import native

TYPE_CHECKING = False  # what checkers of types take for true
if TYPE_CHECKING:
    from tidemill.streaming import DStream, StreamingContext

_TYPES = {int: "int", float: "float", bool: "bool", str: "text", datetime.datetime: "time"}


def _names(names, operation):
    """One name, or an iterable of them."""
    names = [names] if isinstance(names, str) else list(names or [])
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"{operation}: columns have names, and {name!r} is none")
    return names


def _text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def _type_name(of, name):
    if isinstance(of, str):
        return of
    if of not in _TYPES:
        raise TypeError(f"fields: the type of {name} is {of!r}: it is int, float, bool, str, "
                        "datetime.datetime, or the name 'json' or another of docs/fields.md")
    return _TYPES[of]


def _field(name, how):
    """A field as the extension takes it."""
    if isinstance(how, type):
        return {"name": name, "type": _type_name(how, name)}
    if isinstance(how, (str, int)) and not isinstance(how, bool):
        return {"name": name, "at": str(how)}
    if not isinstance(how, dict):
        raise TypeError(f"fields: {name} is {how!r}: it is a place such as 3 or '/user/id', a type "
                        "such as int, or a dict such as {'at': 3, 'type': int, 'null': '-'}")
    unknown = set(how) - {"at", "type", "null", "default", "optional", "format"}
    if unknown:
        raise ValueError(f"fields: {name} has {sorted(unknown)}: a field has at, type, null, "
                         "default, optional and format")
    made = {"name": name, **how}
    for key in ("at", "null", "default"):
        if key in made:
            made[key] = _text(made[key])
    if "type" in made:
        made["type"] = _type_name(made["type"], name)
    return made


def of_lines(stream, ssc, by, fields, **how):
    """DStream.fields."""
    chosen = {key: value for key, value in how.items() if value is not None}
    if by == "csv" and len(chosen.get("separator", ",")) != 1:
        raise ValueError("fields: the separator of csv must be one byte")
    if "header" in chosen:
        chosen["header"] = _names(chosen["header"], "fields")
    given = [_field(name, place) for name, place in (fields or {}).items()]
    return Rows(_native.Rows.read(stream, by, given, chosen), ssc)


class Rows:
    """A stream of rows. Its operations make new streams; nothing runs before the start."""

    def __init__(self, rows, ssc):
        self._rows = rows
        self._ssc = ssc

    def _made(self, rows):
        return Rows(rows, self._ssc)

    @property
    def columns(self) -> dict[str, str]:
        """The columns' names and types, as a dict: {"path": "text", "n": "int"}."""
        return dict(self._rows.columns())

    def context(self) -> StreamingContext:
        """The StreamingContext."""
        return self._ssc

    # Row by row.

    def where(self, condition: str) -> Rows:
        """The rows for which an SQL condition is true: "status >= 500 and path is not null"."""
        return self._made(self._rows.where(condition))

    def compute(self, columns: dict[str, str] | None = None, **more: str) -> Rows:
        """The rows with columns of SQL expressions, such as kb="bytes / 1024.0": new ones, or in
        the place of those that have the name."""
        return self._made(self._rows.compute(list({**(columns or {}), **more}.items())))

    def select(self, *names: str) -> Rows:
        """These columns only, in this order."""
        return self._made(self._rows.select(_names(names, "select")))

    def drop(self, *names: str) -> Rows:
        """The others."""
        return self._made(self._rows.drop(_names(names, "drop")))

    def rename(self, names: dict[str, str] | None = None, **more: str) -> Rows:
        """The columns under other names, old="new"."""
        return self._made(self._rows.rename(list({**(names or {}), **more}.items())))

    def explode(self, name: str, separator: str = "") -> Rows:
        """A row for each part of a column: of a text between separators, of a JSON array."""
        return self._made(self._rows.explode(name, separator))

    def union(self, other: Rows) -> Rows:
        """The rows of both, which have the same columns."""
        return self._made(self._rows.union(other._rows))

    # Of each batch, of windows, for ever.

    def distinct(self, by: str | Iterable[str] = ()) -> Rows:
        """The first row of each different combination of these columns, or of all, in a batch."""
        return self._made(self._rows.distinct(_names(by, "distinct")))

    def top(self, by: str | Iterable[str], n: int = 10) -> Rows:
        """The first `n` rows of each batch by these columns, the largest first; "path asc": the
        smallest."""
        order = []
        for text in _names(by, "top"):
            name, _, word = text.rpartition(" ")
            order.append((name, word == "desc") if name and word in ("asc", "desc")
                         else (text, True))
        return self._made(self._rows.top(order, n))

    def join(self, other: Rows, on: str | Iterable[str], how: str = "inner") -> Rows:
        """The rows of both with equal columns `on`, in each batch. how: "inner", "left", "right"
        or "full"."""
        return self._made(self._rows.join(other._rows, _names(on, "join"), how))

    def aggregate(self, key: str | Iterable[str], compute: dict[str, str],
                  window: float | None = None, slide: float | None = None, running: bool = False,
                  ttl: float | None = None, where: str = "", having: str = "",
                  name: str = "") -> Rows:
        """A row for each group of equal columns `key`: those, and what `compute` says of the
        group's rows: {"n": "count()", "total": "sum(bytes)", "p99": "approx_percentile(ms, 0.99)"}.

        Of each batch; or of the last `window` seconds, every `slide`; or running, of all rows since
        the beginning, for the groups that the batch touched. ttl: a running group without rows for
        so many seconds is forgotten. where: only such rows; having: only such groups. name: under
        which a window or running groups are found again after a restart; running needs one."""
        from tidemill.streaming.dstream import _seconds
        if running and window is not None:
            raise ValueError("aggregate: groups are either of a window or running")
        if slide is not None and window is None:
            raise ValueError("aggregate: slide says how often a window moves, but there is none")
        if ttl is not None and not running:
            raise ValueError("aggregate: ttl says how long a running group may be idle, but "
                             "running is not True")
        if running and not name:
            raise ValueError("aggregate: running groups need a name, under which they are found "
                             "again")
        rows = self.where(where) if where else self
        made = self._made(rows._rows.aggregate(
            _names(key, "aggregate"), list(compute.items()),
            _seconds("aggregate", "window", window), _seconds("aggregate", "slide", slide),
            running, _seconds("aggregate", "ttl", ttl), name))
        return made.where(having) if having else made

    def sql(self, query: str, name: str = "", **others: Rows) -> Rows:
        """The rows of a query over this stream, called `stream`, and others by their names:
        rows.sql("select path, count(*) as n from stream group by path, tumble('1 minute')").
        name: as of aggregate."""
        streams = {"stream": self._rows, **{called: rows._rows for called, rows in others.items()}}
        return self._made(_native.Rows.sql(streams, query, name))

    # What leads out.

    def toDStream(self) -> DStream:
        """A DStream of a dict for each row, for functions of Python."""
        from tidemill.streaming.dstream import DStream
        return DStream(self._rows.dicts(), self._ssc)

    def foreachBatch(self, func: Callable) -> None:
        """Calls func(batch) or func(time, batch) for each batch, a RowBatch: a dict of columns.
        After a crash the last recorded batch may come once more; batch.id is the same then."""
        self._output("foreachBatch", func, 0)

    def foreachRDD(self, func: Callable) -> None:
        """foreachBatch."""
        self._output("foreachRDD", func, 0)

    def _output(self, description, func, most):
        native(func, description)
        accumulators.used_by(func)
        wants_time = _functions.argument_count(func) != 1

        def call(millis, id, columns):
            time = _functions.to_datetime(millis)
            batch = RowBatch(columns, id, time)
            func(time, batch) if wants_time else func(batch)

        self._rows.forEachBatch(description, (call, _functions.code_of(func)), most)

    def pprint(self, num: int = 10) -> None:
        """Prints the first `num` rows of each batch, each as a dict."""

        def show(time, batch):
            print("-------------------------------------------")
            print(f"Time: {time}")
            print("-------------------------------------------")
            rows = batch.rows()
            for row in rows[:num]:
                print(row)
            if len(rows) > num:
                print("...")
            print("", flush=True)

        self._output(f"pprint {num}", show, num + 1)

    def saveAsTextFiles(self, prefix: str, suffix: str | None = None) -> None:
        """Each batch as a directory prefix-TIMEMS[.suffix] of text files, a tuple a row. It
        appears whole and once, whatever crashes."""
        self._rows.saveAsTextFiles(prefix, suffix or "")

    def saveAsJsonLines(self, directory: str | os.PathLike, emptyBatches: bool = False) -> None:
        """Each batch as a file of JSON lines in `directory`, whole and once. emptyBatches: also of
        batches without rows."""
        self._rows.save("json_lines", directory, emptyBatches)

    def saveAsCsv(self, directory: str | os.PathLike, emptyBatches: bool = False) -> None:
        """The same as CSV with a header line."""
        self._rows.save("csv", directory, emptyBatches)

    def toPostgres(self, connection: str, table: str, mode: str = "append",
                   key: str | Iterable[str] = (), create: bool = False,
                   shared: bool = False) -> None:
        """Each batch once into a table of PostgreSQL: "append" its rows, "upsert" them by the
        columns `key`, or "replace" all others. connection: as libpq takes it. create: makes the
        table when it is missing. shared: other data directories write there too."""
        self._rows.toPostgres(connection, table, mode, _names(key, "toPostgres"), create, shared)

    def toSqlite(self, path: str, table: str, mode: str = "append", key: str | Iterable[str] = (),
                 create: bool = False, shared: bool = False) -> None:
        """The same into a table of a SQLite database; create: makes the file too."""
        self._rows.toSqlite(os.fspath(path), table, mode, _names(key, "toSqlite"), create, shared)

    def toKafka(self, brokers: str, topic: str, key: str | Iterable[str] = (), value: str = "",
                exactlyOnce: bool = True, create: bool = False,
                properties: dict | None = None) -> None:
        """Each batch as records of a Kafka topic, a row as JSON, or the column `value`; key: a
        column, or several as JSON. exactlyOnce, create and properties: as DStream.toKafka."""
        self._rows.toKafka(brokers, topic, _names(key, "toKafka"), value, exactlyOnce, create,
                           {str(name): str(of) for name, of in (properties or {}).items()})

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"Rows.{name} is not there; what is: docs/guide/python_rows.md, and "
                             "toDStream() for functions of Python")


class RowBatch(dict):
    """The rows of a batch as a dict of columns by name; `id` and `time` are the batch's. Columns
    may be kept; they are Column objects."""

    def __init__(self, columns, id, time):
        super().__init__((column.name, column) for column in columns)
        self.id = id
        self.time = time

    def count(self):
        """How many rows there are."""
        return len(next(iter(self.values()))) if self else 0

    def rows(self):
        """A list of a dict for each row."""
        names = list(self)
        return [dict(zip(names, row)) for row in self.tuples()]

    def tuples(self):
        """A list of a tuple for each row."""
        return list(zip(*(column.tolist() for column in self.values())))

    def numpy(self):
        """A dict of NumPy arrays; see Column.numpy."""
        return {name: column.numpy() for name, column in self.items()}

    def toArrow(self):
        """A pyarrow.Table, which shares the batch's memory."""
        return _pyarrow("toArrow").table({name: column.arrow() for name, column in self.items()})

    def toDF(self):
        """A pandas.DataFrame."""
        try:
            import pandas
        except ImportError:
            raise ImportError("toDF makes a pandas DataFrame, and pandas is not "
                              "installed") from None
        return pandas.DataFrame({name: column.numpy() for name, column in self.items()})


def _pyarrow(operation):
    try:
        import pyarrow
    except ImportError:
        raise ImportError(f"{operation} needs pyarrow, which is not installed") from None
    return pyarrow


Column = _native.Column
Column.__doc__ = """A column of a batch: `name`, `type` ("int", "float", "bool", "text", "time",
"json"), `null_count`, len(). memoryview() and whatever takes a buffer see numbers in place: int64,
float64, bool; of times microseconds since 1970. At a null there is any value."""


def _getitem(self, index):
    return self.tolist()[index]


def _iter(self):
    return iter(self.tolist())


def _numpy(self):
    """A NumPy array: of numbers in place, of times as datetime64[us], masked where values are null;
    of texts and JSON an array of objects."""
    import numpy
    if self.type in ("text", "json"):
        made = numpy.empty(len(self), dtype=object)
        made[:] = self.tolist()
        return made
    made = numpy.frombuffer(self, dtype={"int": "i8", "float": "f8", "bool": "?",
                                         "time": "datetime64[us]"}[self.type])
    if self.null_count == 0:
        return made
    present = numpy.unpackbits(numpy.frombuffer(self._present(), dtype="u1"), bitorder="little")
    return numpy.ma.MaskedArray(made, mask=present[:len(self)] == 0)


def _arrow(self):
    """A pyarrow.Array, which shares the column's memory; of bools a copy."""
    arrow = _pyarrow("arrow")
    present = arrow.py_buffer(self._present()) if self.null_count else None
    if self.type == "bool":
        return arrow.array(self.tolist(), type=arrow.bool_())
    values = arrow.py_buffer(self._values())
    if self.type in ("text", "json"):
        return arrow.Array.from_buffers(arrow.large_string(), len(self),
                                        [present, values, arrow.py_buffer(self._text())],
                                        self.null_count)
    kind = {"int": arrow.int64(), "float": arrow.float64(),
            "time": arrow.timestamp("us", "UTC")}[self.type]
    return arrow.Array.from_buffers(kind, len(self), [present, values], self.null_count)


def _repr(self):
    return f"Column(name={self.name!r}, type={self.type!r}, {self.tolist()!r})"


for _name, _function in (("__getitem__", _getitem), ("__iter__", _iter), ("numpy", _numpy),
                         ("arrow", _arrow), ("__repr__", _repr)):
    setattr(Column, _name, _function)
