"""SparkContext: how many workers a program has, and where lists become RDDs."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from tidemill import _native
from tidemill.accumulators import Accumulator, AccumulatorParam
from tidemill.rdd import RDD


class SparkConf:
    """The master and the name of a program; other settings are kept and have no effect."""

    def __init__(self, loadDefaults=True):
        self._settings = {}

    def set(self, key, value):
        """Sets one."""
        self._settings[key] = str(value)
        return self

    def setMaster(self, value):
        """local, local[N] or local[*]: how many workers."""
        return self.set("spark.master", value)

    def setAppName(self, value):
        """The program's name."""
        return self.set("spark.app.name", value)

    def setAll(self, pairs):
        """Sets many, by pairs of key and value."""
        for key, value in pairs:
            self.set(key, value)
        return self

    def setIfMissing(self, key, value):
        """Sets one that is not set."""
        if key not in self._settings:
            self.set(key, value)
        return self

    def get(self, key, defaultValue=None):
        """The value of a setting."""
        return self._settings.get(key, defaultValue)

    def getAll(self):
        """All settings as pairs."""
        return list(self._settings.items())

    def contains(self, key):
        """Whether a setting is set."""
        return key in self._settings


class Broadcast:
    """A value that functions use: everything runs in this process, so that it is the value."""

    def __init__(self, value):
        self.value = value

    def unpersist(self, blocking=False):
        """Nothing was copied, so that nothing is given back."""

    def destroy(self, blocking=False):
        """Forgets the value."""
        del self.value


def _workers_of(master):
    if master in (None, "local[*]"):
        return 0
    if master == "local":
        return 1
    match = re.fullmatch(r"local\[(\d+)\]", master)
    if match and int(match[1]) > 0:
        return int(match[1])
    raise ValueError(f"SparkContext: the master is {master!r}, and Tidemill runs on this machine: "
                     "it is 'local', 'local[N]' for N workers, or 'local[*]' for one per core")


class SparkContext:
    """The place that a program runs in: this process.

    `master` says how many workers process batches: local[N]; local[*] and None are one per core.
    """

    _active = None

    def __init__(self, master: str | None = None, appName: str | None = None, sparkHome=None,
                 pyFiles=None, environment=None, batchSize: int = 0, serializer=None,
                 conf: SparkConf | None = None):
        if conf is not None:
            master = master or conf.get("spark.master")
            appName = appName or conf.get("spark.app.name")
        self.master = master or "local[*]"
        self.appName = appName or "tidemill"
        self._workers = _workers_of(self.master)
        self._accumulators = {}
        self._job = None  # the native context that runs
        SparkContext._active = self

    @classmethod
    def getOrCreate(cls, conf: SparkConf | None = None) -> SparkContext:
        """The context of this process, or a new one."""
        return SparkContext._active or cls(conf=conf)

    @property
    def defaultParallelism(self) -> int:
        """How many workers there are."""
        import os
        return self._workers or os.cpu_count() or 1

    def parallelize(self, c: Iterable, numSlices: int | None = None) -> RDD:
        """An RDD of what an iterable gives."""
        elements = list(c)
        count = max(1, numSlices or min(self.defaultParallelism, len(elements)))
        cuts = [len(elements) * i // count for i in range(count + 1)]
        return RDD([elements[a:b] for a, b in zip(cuts, cuts[1:])], self)

    def emptyRDD(self) -> RDD:
        """An RDD without elements."""
        return RDD([], self)

    def range(self, start: int, end: int | None = None, step: int = 1,
              numSlices: int | None = None) -> RDD:
        """An RDD of numbers."""
        numbers = range(start) if end is None else range(start, end, step)
        return self.parallelize(numbers, numSlices)

    def textFile(self, name: str, minPartitions: int | None = None,
                 use_unicode: bool = True) -> RDD:
        """An RDD of a file's lines, or of those of all files of a directory in their order."""
        import os
        paths = [name]
        if os.path.isdir(name):
            paths = [os.path.join(name, part) for part in sorted(os.listdir(name))
                     if not part.startswith((".", "_"))]
        lines = []
        for path in paths:
            with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
                lines.extend(line.rstrip("\n").removesuffix("\r") for line in file)
        return self.parallelize(lines, minPartitions)

    def union(self, rdds: Iterable[RDD]) -> RDD:
        """The elements of several RDDs, one behind another."""
        return RDD([part for rdd in rdds for part in rdd._parts()], self)

    def broadcast(self, value) -> Broadcast:
        """The value for functions to use, as Broadcast.value."""
        return Broadcast(value)

    def accumulator(self, value, accum_param: AccumulatorParam | None = None,
                    name: str | None = None) -> Accumulator:
        """A value that functions of the job add to, and that survives a crash with exactly what
        was added; `value` is what it begins with in a new data directory. accum_param: an
        AccumulatorParam, for values that are no numbers. name: under which it is found again after
        a restart; without one, by the function that makes it and the order there."""
        if name is None:
            caller = sys._getframe(1)
            place = f"{caller.f_globals.get('__name__')}.{caller.f_code.co_qualname}"
            name, count = place, 1
            while name in self._accumulators:
                count += 1
                name = f"{place} {count}"
        elif name in self._accumulators or not isinstance(name, str) or not 0 < len(name) <= 200:
            raise ValueError(f"accumulator: the name is {name!r}: it is a text of 1 to 200 "
                             "characters that no other accumulator of the program has")
        made = Accumulator(name, value, accum_param)
        job = self._job
        if job is not None and not job.addAccumulator(made._native) and job.state() != "stopped":
            raise RuntimeError(f"accumulator {name!r}: the job runs already, and keeps no "
                               "accumulators: make it before start()")
        self._accumulators[name] = made
        return made

    def setLogLevel(self, logLevel: str) -> None:
        """What is written to standard error: ALL, DEBUG, INFO, WARN, ERROR, OFF."""
        _native.setLogLevel(logLevel.upper())

    def stop(self) -> None:
        """Ends the streaming context of this program, if one runs, without waiting for batches."""
        from tidemill.streaming import StreamingContext
        active = StreamingContext.getActive()
        if active is not None and active.sparkContext is self:
            active.stop(stopSparkContext=False)
        if SparkContext._active is self:
            SparkContext._active = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"SparkContext.{name} is not there in Tidemill; what is: "
                             "docs/guide/from_pyspark.md")
