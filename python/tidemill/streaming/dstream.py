"""DStream: a stream of Python objects, cut into batches."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterable

from tidemill import _functions, accumulators, rdd, rows
from tidemill._functions import native
from tidemill.streaming.state import mapping

TYPE_CHECKING = False  # what checkers of types take for true
if TYPE_CHECKING:
    from tidemill.streaming.context import StreamingContext


def _seconds(operation, what, seconds):
    """A time that a program gave in seconds, in milliseconds; None: 0, the stream's own."""
    if seconds is None:
        return 0
    millis = round(seconds * 1000)
    if millis <= 0:
        raise ValueError(f"{operation}: {what} is {seconds} s, and must be at least 1 ms")
    return millis


def _same(value):
    return value


class DStream:
    """A stream: a recipe that is followed once per batch. Functions given to it must be
    deterministic: after a crash the batches since the last checkpoint run again. Where pyspark
    takes `numPartitions` it is taken too, and has no effect: keys lie in 16 ranges, which all
    workers share."""

    def __init__(self, stream, ssc):
        self._stream = stream
        self._ssc = ssc

    def _made(self, stream):
        return DStream(stream, self._ssc)

    def _made_by(self, function, stream):
        """A stream of what a function makes of each element: of one that adds to accumulators it
        is computed once, as a whole, however many outputs read it."""
        return self._made(stream.persist() if accumulators.used_by(function) else stream)

    def context(self) -> StreamingContext:
        """The StreamingContext."""
        return self._ssc

    # Element by element.

    def map(self, f: Callable, preservesPartitioning: bool = False) -> DStream:
        """f(element) of each."""
        return self._made_by(f, self._stream.map(native(f, "map")))

    def flatMap(self, f: Callable, preservesPartitioning: bool = False) -> DStream:
        """All that f(element) gives, of each."""
        return self._made_by(f, self._stream.flatMap(native(f, "flatMap")))

    def filter(self, f: Callable) -> DStream:
        """The elements for which f(element) is true."""
        return self._made_by(f, self._stream.filter(native(f, "filter")))

    def mapPartitions(self, f: Callable, preservesPartitioning: bool = False) -> DStream:
        """All that f(iterator) gives, of each partition."""
        native(f, "mapPartitions")
        return self.mapPartitionsWithIndex(lambda index, iterator: f(iterator))

    def mapPartitionsWithIndex(self, f: Callable, preservesPartitioning: bool = False) -> DStream:
        """All that f(number, iterator) gives, of each partition."""
        return self._made_by(f, self._stream.mapPartitions(native(f, "mapPartitionsWithIndex")))

    def glom(self) -> DStream:
        """Each partition as one list."""
        return self.mapPartitions(lambda iterator: [list(iterator)])

    def repartition(self, numPartitions: int) -> DStream:
        """The same elements in so many partitions."""
        return self._made(self._stream.repartition(numPartitions))

    def cache(self) -> DStream:
        """As persist()."""
        return self.persist()

    def persist(self, storageLevel=None) -> DStream:
        """Computed once per batch, however many read it."""
        return self._made(self._stream.persist())

    def checkpoint(self, interval: float) -> DStream:
        """States and windows are part of the context's checkpoints, whatever is said here."""
        return self

    def union(self, other: DStream) -> DStream:
        """The elements of both streams."""
        return self._made(self._stream.union(other._stream))

    def count(self) -> DStream:
        """The number of elements: one element per batch, 0 for an empty one."""
        return self._made(self._stream.count())

    def countByValue(self) -> DStream:
        """(element, how often it occurs)."""
        return self._made(self._stream.countByValue())

    def reduce(self, func: Callable) -> DStream:
        """All elements of a batch reduced to one by func(a, b); none for an empty one."""
        return self._made(self._stream.reduce(native(func, "reduce")))

    # Pairs.

    def mapValues(self, f: Callable) -> DStream:
        """(key, f(value)) of each pair."""
        return self._made_by(f, self._stream.mapValues(native(f, "mapValues")))

    def flatMapValues(self, f: Callable) -> DStream:
        """(key, made) of all that f(value) gives."""
        return self._made_by(f, self._stream.flatMapValues(native(f, "flatMapValues")))

    def reduceByKey(self, func: Callable, numPartitions: int | None = None) -> DStream:
        """(key, its values in the batch reduced by func(a, b))."""
        return self._made(self._stream.reduceByKey(native(func, "reduceByKey")))

    def groupByKey(self, numPartitions: int | None = None) -> DStream:
        """(key, list of its values in the batch)."""
        return self._made(self._stream.groupByKey())

    def combineByKey(self, createCombiner: Callable, mergeValue: Callable, mergeCombiners: Callable,
                     numPartitions: int | None = None) -> DStream:
        """(key, its values combined): createCombiner(value), mergeValue(c, value),
        mergeCombiners(c, c)."""
        return self._made(self._stream.combineByKey(
            native(createCombiner, "combineByKey"), native(mergeValue, "combineByKey"),
            native(mergeCombiners, "combineByKey")))

    def partitionBy(self, numPartitions: int, partitionFunc: Callable | None = None) -> DStream:
        """The same pairs, those of one key in one partition."""
        if partitionFunc is not None:
            raise NotImplementedError("partitionBy: Tidemill says itself in which partition a key "
                                      "lies, and takes no partitionFunc")
        return self.groupByKey().flatMapValues(_same)

    def cogroup(self, other: DStream, numPartitions: int | None = None) -> DStream:
        """(key, (values here, values there)) for every key of either stream."""
        return self._made(self._stream.cogroup(other._stream))

    def join(self, other: DStream, numPartitions: int | None = None) -> DStream:
        """(key, (value here, value there)) for every two values of a key."""
        return self._made(self._stream.join(other._stream, "join", False, False))

    def leftOuterJoin(self, other: DStream, numPartitions: int | None = None) -> DStream:
        """The same, with None for a missing value there."""
        return self._made(self._stream.join(other._stream, "leftOuterJoin", True, False))

    def rightOuterJoin(self, other: DStream, numPartitions: int | None = None) -> DStream:
        """The same, with None for a missing value here."""
        return self._made(self._stream.join(other._stream, "rightOuterJoin", False, True))

    def fullOuterJoin(self, other: DStream, numPartitions: int | None = None) -> DStream:
        """Both."""
        return self._made(self._stream.join(other._stream, "fullOuterJoin", True, True))

    # Windows. Durations are seconds, multiples of the stream's own slide. What a window keeps is
    # found again after a restart under `name`, or one derived from the order of declarations.

    def window(self, windowDuration: float, slideDuration: float | None = None,
               name: str = "") -> DStream:
        """The elements of the last `windowDuration`."""
        return self._made(self._stream.window(
            _seconds("window", "windowDuration", windowDuration),
            _seconds("window", "slideDuration", slideDuration), name))

    def countByWindow(self, windowDuration: float, slideDuration: float | None = None,
                      name: str = "") -> DStream:
        """How many elements the window holds; none before the first data."""
        return self._made(self._stream.countByWindow(
            _seconds("countByWindow", "windowDuration", windowDuration),
            _seconds("countByWindow", "slideDuration", slideDuration), name))

    def countByValueAndWindow(self, windowDuration: float, slideDuration: float | None = None,
                              numPartitions: int | None = None, name: str = "") -> DStream:
        """(element, how often it occurs in the window)."""
        return self._made(self._stream.countByValueAndWindow(
            _seconds("countByValueAndWindow", "windowDuration", windowDuration),
            _seconds("countByValueAndWindow", "slideDuration", slideDuration), name))

    def reduceByWindow(self, reduceFunc: Callable, invReduceFunc: Callable, windowDuration: float,
                       slideDuration: float | None = None, name: str = "") -> DStream:
        """All elements of the window reduced to one. invReduceFunc(reduced, leaving) undoes
        reduceFunc; None: there is no inverse."""
        inverse = invReduceFunc and native(invReduceFunc, "reduceByWindow")
        return self._made(self._stream.reduceByWindow(
            native(reduceFunc, "reduceByWindow"), inverse,
            _seconds("reduceByWindow", "windowDuration", windowDuration),
            _seconds("reduceByWindow", "slideDuration", slideDuration), name))

    def groupByKeyAndWindow(self, windowDuration: float, slideDuration: float | None = None,
                            numPartitions: int | None = None, name: str = "") -> DStream:
        """(key, list of its values in the window)."""
        return self._made(self._stream.groupByKeyAndWindow(
            _seconds("groupByKeyAndWindow", "windowDuration", windowDuration),
            _seconds("groupByKeyAndWindow", "slideDuration", slideDuration), name))

    def reduceByKeyAndWindow(self, func: Callable, invFunc: Callable, windowDuration: float,
                             slideDuration: float | None = None, numPartitions: int | None = None,
                             filterFunc: Callable | None = None, name: str = "") -> DStream:
        """(key, its values in the window reduced by func(a, b)). invFunc(reduced, leaving) undoes
        func, which costs less with long windows; a key that has left the window stays then, until
        filterFunc((key, value)) is false for it. None: there is no inverse."""
        inverse = invFunc and native(invFunc, "reduceByKeyAndWindow")
        keep = filterFunc and native(filterFunc, "reduceByKeyAndWindow")
        made = self._made(self._stream.reduceByKeyAndWindow(
            native(func, "reduceByKeyAndWindow"), inverse, keep if inverse else None,
            _seconds("reduceByKeyAndWindow", "windowDuration", windowDuration),
            _seconds("reduceByKeyAndWindow", "slideDuration", slideDuration), name))
        return made.filter(filterFunc) if filterFunc and not inverse else made

    # State. Found again after a restart under `name`, or one derived from the order of declarations.

    def updateStateByKey(self, updateFunc: Callable, numPartitions: int | None = None,
                         initialRDD=None, name: str = "") -> DStream:
        """(key, state) of every key. updateFunc(list of new values, state or None) gives the new
        state, None to remove the key; it is called for every key in every batch. `initialRDD`:
        pairs of the states to begin with, an RDD or an iterable."""
        initial = list(rdd.elements_of(initialRDD)) if initialRDD is not None else []
        return self._made(self._stream.updateStateByKey(
            native(updateFunc, "updateStateByKey"), name, initial))

    def mapWithState(self, function: Callable, initialRDD=None, timeout: float | None = None,
                     name: str = "") -> DStream:
        """function(key, value, state) of each pair, in the order in which those of its key came;
        `state` is a State. With `timeout`, in seconds, it is called once more, with None as the
        value, for a key that had no record for longer, whose state then goes. stateSnapshots()
        of the stream is (key, state) of every key."""
        initial = list(rdd.elements_of(initialRDD)) if initialRDD is not None else []
        function = native(function, "mapWithState")
        made, states = self._stream.mapWithState(
            (mapping(function[0]), function[1]), name, initial,
            _seconds("mapWithState", "timeout", timeout))
        stream = self._made(made)
        stream.stateSnapshots = lambda: self._made(states)
        return stream

    # Rows.

    def fields(self, by: str | Iterable[str], fields: dict | None = None, *,
               separator: str | None = None, pattern: str | None = None,
               pairSeparator: str | None = None, valueSeparator: str | None = None,
               header: str | Iterable[str] | None = None, trim: bool | None = None) -> rows.Rows:
        """Rows of typed columns out of lines: a tidemill.rows.Rows, worked on without Python. by:
        "json", "csv", "split", "regex", "logfmt", "key_value", "clf", "combined" or "syslog".
        fields: a dict of names and places, types, or dicts of both:
        {"path": str, "ms": {"at": "/took", "type": float, "optional": True}}; docs/fields.md."""
        return rows.of_lines(self._stream, self._ssc, by, fields, separator=separator,
                             pattern=pattern, pairSeparator=pairSeparator,
                             valueSeparator=valueSeparator, header=header, trim=trim)

    # Whole batches.

    def transform(self, func: Callable) -> DStream:
        """func(rdd) or func(time, rdd) of each batch, which returns an RDD."""
        function, context = func, self._ssc.sparkContext
        native(func, "transform")
        accumulators.used_by(func)
        if _functions.argument_count(func) == 1:
            function = lambda time, batch: func(batch)  # noqa: E731

        def call(millis, batch):
            return rdd.elements_of(function(_functions.to_datetime(millis),
                                            rdd.of_batch(batch, context)))

        return self._made(self._stream.transform((call, _functions.code_of(func))))

    def transformWith(self, func: Callable, other: DStream,
                      keepSerializer: bool = False) -> DStream:
        """func(rdd, other) or func(time, rdd, other) of each batch of two streams."""
        function, context = func, self._ssc.sparkContext
        native(func, "transformWith")
        accumulators.used_by(func)
        if _functions.argument_count(func) == 2:
            function = lambda time, here, there: func(here, there)  # noqa: E731

        def call(millis, here, there):
            return rdd.elements_of(function(
                _functions.to_datetime(millis), rdd.of_batch(here, context),
                rdd.of_batch(there, context)))

        return self._made(self._stream.transformWith(other._stream,
                                                     (call, _functions.code_of(func))))

    def foreachRDD(self, func: Callable) -> None:
        """Calls func(rdd) or func(time, rdd) for each batch. After a crash the last recorded batch
        may come once more; rdd.id() is the same then."""
        native(func, "foreachRDD")
        accumulators.used_by(func)
        self._output("foreachRDD", func)

    def _output(self, description, func):
        function, context = func, self._ssc.sparkContext
        if _functions.argument_count(func) == 1:
            function = lambda time, batch: func(batch)  # noqa: E731

        def call(millis, batch):
            function(_functions.to_datetime(millis), rdd.of_batch(batch, context))

        self._stream.forEachBatch(description, (call, _functions.code_of(func)))

    def pprint(self, num: int = 10) -> None:
        """Prints the first `num` elements of each batch."""

        def show(time, batch):
            taken = batch.take(num + 1)
            print("-------------------------------------------")
            print(f"Time: {time}")
            print("-------------------------------------------")
            for element in itertools.islice(taken, num):
                print(element)
            if len(taken) > num:
                print("...")
            print("", flush=True)

        self._output(f"pprint {num}", show)

    def saveAsTextFiles(self, prefix: str, suffix: str | None = None) -> None:
        """Each batch as a directory prefix-TIMEMS[.suffix] of text files, with str() of an element
        a line. It appears whole and once, whatever crashes."""
        self._stream.saveAsTextFiles(prefix, suffix or "")

    def toKafka(self, brokers: str, topic: str, exactlyOnce: bool = True, create: bool = False,
                transactionTimeout: float = 60.0, properties: dict | None = None) -> None:
        """Each batch as records of a topic. Elements are (key, value) or a value; keys and values
        bytes, str (as UTF-8) or None. exactlyOnce: one transaction a batch, so that readers with
        isolation.level=read_committed see each record once, whatever crashes; else the last batch
        may come again. create: makes the topic when it is missing. properties: librdkafka's own."""
        self._stream.toKafka(brokers, topic, exactlyOnce, create,
                             _seconds("toKafka", "transactionTimeout", transactionTimeout),
                             {str(name): str(value) for name, value in (properties or {}).items()})

    # Batches of the past.

    def remember(self, duration: float) -> DStream:
        """Keeps the batches of the last `duration` seconds in memory, for slice()."""
        self._stream.remember(_seconds("remember", "duration", duration))
        return self

    def slice(self, begin: datetime.datetime | float,
              end: datetime.datetime | float) -> list[rdd.RDD]:
        """The remembered batches from `begin` to `end`, datetimes or seconds since 1970, both
        inclusive, as a list of RDDs."""
        batches = self._stream.slice(_functions.to_millis(begin), _functions.to_millis(end))
        return [rdd.RDD([elements], self._ssc.sparkContext) for _, elements in batches]

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"DStream.{name} is not there in Tidemill; what is: "
                             "docs/guide/from_pyspark.md")
