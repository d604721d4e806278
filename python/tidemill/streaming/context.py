"""StreamingContext: a streaming program from its declaration to its end."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable

from tidemill import _native, accumulators, rdd
from tidemill._functions import native
from tidemill.context import SparkContext
from tidemill.storage import StorageLevel
from tidemill.streaming import kafka
from tidemill.streaming.dstream import DStream, _seconds
from tidemill.streaming.listener import StreamingListener, heard_by

_contexts = weakref.WeakSet()


@atexit.register
def _stop_all():
    """Threads of the engine must not outlive the interpreter."""
    for context in list(_contexts):
        try:
            context._end()
        except _native.StreamingError as error:  # that nobody has asked for; others are to end too
            print(error, file=sys.stderr)


def _forget_all():
    """In a child of a fork, which has none of the engine's threads."""
    StreamingContext._active = None
    for context in list(_contexts):
        context._native.forget()


os.register_at_fork(after_in_child=_forget_all)


class StreamingContext:
    """Declares streams, names outputs, start()s them.

    StreamingContext(sc, 1), as in pyspark, with checkpoint(directory) for what is to survive a
    crash; or StreamingContext(directory="wordcount.data", interval=1.0). Without a directory all
    is in memory and nothing survives.

    errorPolicy: what becomes of an element for which a function of map, flatMap, filter, mapValues
    or flatMapValues raises: "stop" ends the job with the traceback, "skip" leaves the element out,
    "dead_letter" writes it to a file of the data directory too. What other functions raise always
    ends the job. version: change it when functions change in a way that changes results.

    workers: who calls the functions of map, flatMap, filter, mapValues, flatMapValues and
    mapPartitions: "threads" of this process, of which Python lets one run at a time; or
    "processes", as many as the master has workers, forked from this one by start(), which run at
    the same time. What functions are given and what they give is then copied from one process to
    another, which pays when a call takes longer than some microseconds; and what they change in
    variables of the program is changed in their process alone. Accumulators are exact either way.
    """

    _active = None

    def __init__(self, sparkContext: SparkContext | None = None, batchDuration: float | None = None,
                 *, interval: float | None = None, directory: str | os.PathLike | None = None,
                 errorPolicy: str = "stop", version: str = "", name: str = "",
                 workers: str = "threads"):
        if workers not in ("threads", "processes"):
            raise ValueError(f"StreamingContext: workers is {workers!r}: it is 'threads' or "
                             "'processes'")
        if interval is None:
            interval = batchDuration if batchDuration is not None else 1.0
        self._sc = sparkContext if sparkContext is not None else SparkContext.getOrCreate()
        self._streams = []
        self._remembered = None
        self._native = _native.Context(
            _seconds("StreamingContext", "the batch interval", interval), self._sc._workers,
            os.fspath(directory) if directory is not None else "", errorPolicy, version, name,
            self._sc.defaultParallelism if workers == "processes" else 0)
        self._directory = directory
        _contexts.add(self)

    @classmethod
    def getOrCreate(cls, checkpointPath: str, setupFunc: Callable) -> StreamingContext:
        """The context that setupFunc() builds, going on where `checkpointPath` left off. Programs
        are code and are not stored, so that setupFunc is always called."""
        ssc = setupFunc()
        ssc.checkpoint(checkpointPath)
        return ssc

    @classmethod
    def getActive(cls) -> StreamingContext | None:
        """The context of this process that runs, or None."""
        active = StreamingContext._active
        if active is not None and active._native.state() != "active":
            active = StreamingContext._active = None
        return active

    @classmethod
    def getActiveOrCreate(cls, checkpointPath: str, setupFunc: Callable) -> StreamingContext:
        """The one that runs, or getOrCreate."""
        if not callable(setupFunc):
            raise TypeError("setupFunc should be callable.")
        active = cls.getActive()
        if active is not None:
            return active
        return cls.getOrCreate(checkpointPath, setupFunc) if checkpointPath else setupFunc()

    @property
    def sparkContext(self) -> SparkContext:
        """The SparkContext."""
        return self._sc

    def checkpoint(self, directory: str | os.PathLike) -> None:
        """Keeps log, state and checkpoints in `directory`, and goes on where it left off."""
        directory = os.fspath(directory)
        if self._directory is not None and os.fspath(self._directory) != directory:
            raise ValueError(f"checkpoint: the context keeps its data in {self._directory}, "
                             f"and cannot do so in {directory} too")
        self._directory = directory
        self._native.setDirectory(directory)

    def remember(self, duration: float) -> None:
        """Keeps the batches of the last `duration` seconds in memory, for DStream.slice: of all
        streams that this context opens, and of those that remember() is called on."""
        _seconds("remember", "duration", duration)
        self._remembered = duration
        for stream in self._streams:
            stream.remember(duration)

    # Sources.

    def _opened(self, stream):
        made = DStream(stream, self)
        if self._remembered is not None:
            made.remember(self._remembered)
        self._streams.append(made)
        return made

    def socketTextStream(self, hostname: str, port: int,
                         storageLevel=StorageLevel.MEMORY_AND_DISK_2) -> DStream:
        """Lines from a server that is dialled, and dialled again when a connection ends."""
        return self._opened(self._native.socketTextStream(hostname, port))

    def listenTextStream(self, host: str = "127.0.0.1", port: int = 0,
                         allowRemote: bool = False) -> DStream:
        """Lines from all who connect to host:port (0: any port, see boundPorts())."""
        return self._opened(self._native.listenTextStream(host, port, False, allowRemote))

    def acknowledgedTextStream(self, host: str = "127.0.0.1", port: int = 0,
                               allowRemote: bool = False) -> DStream:
        """The same with acknowledgements: senders that name a session lose and double nothing,
        even when they die; see `tidemill send`."""
        return self._opened(self._native.listenTextStream(host, port, True, allowRemote))

    def httpStream(self, host: str = "127.0.0.1", port: int = 0, path: str = "/",
                   requestBytesMax: int = 8 << 20, tokenFile: str | os.PathLike | None = None,
                   insecure: bool = False, certFile: str | os.PathLike | None = None,
                   keyFile: str | os.PathLike | None = None) -> DStream:
        """The lines of the bodies that are POSTed to http://host:port/path, each once, however
        often a session sends it (docs/guide/http.md). tokenFile: holds the token that requests must
        bring; addresses that other machines reach need one, unless `insecure`. certFile, keyFile: a
        certificate and its key, for https."""
        return self._opened(self._native.httpStream(
            host, port, path, requestBytesMax,
            os.fspath(tokenFile) if tokenFile is not None else "", insecure,
            os.fspath(certFile) if certFile is not None else "",
            os.fspath(keyFile) if keyFile is not None else ""))

    def textFileStream(self, directory: str | os.PathLike, existing: str = "leave") -> DStream:
        """The lines of the files that appear in `directory`, each file once. `existing`: "take"
        takes files that are there already, also old ones."""
        return self._opened(self._native.textFileStream(os.fspath(directory),
                                                        self._takes(existing)))

    def binaryRecordsStream(self, directory: str | os.PathLike, recordLength: int,
                            existing: str = "leave") -> DStream:
        """The same of records of so many bytes each."""
        return self._opened(self._native.binaryRecordsStream(os.fspath(directory), recordLength,
                                                             self._takes(existing)))

    @staticmethod
    def _takes(existing):
        if existing not in ("leave", "take"):
            raise ValueError(f"existing is {existing!r}: it is 'leave' or 'take'")
        return existing == "take"

    def kafkaStream(self, brokers: str, topics: str | Iterable[str] | None = None, *,
                    pattern: str | None = None, group: str = "tidemill", start: str = "earliest",
                    onLostData: str = "stop", keyDecoder: Callable = kafka.utf8_decoder,
                    valueDecoder: Callable = kafka.utf8_decoder,
                    messageHandler: Callable | None = None,
                    properties: dict | None = None) -> DStream:
        """(key, value) of each record of Kafka topics, or what messageHandler(record) gives of a
        KafkaMessageAndMetadata. topics: names; or a regular expression as `pattern`. group: names
        the stream's positions, one for each stream. start: where a stream begins that is new:
        "earliest", "latest" or a time in seconds since 1970. onLostData: "stop", or "skip" records
        that are gone before they were read. properties: librdkafka's own, for SASL or TLS."""
        return kafka.decoded(
            kafka._records(self, brokers, topics, pattern, group, start, onLostData, properties),
            keyDecoder, valueDecoder, messageHandler)

    def queueStream(self, rdds, oneAtATime: bool = True, default=None) -> DStream:
        """Elements of RDDs or lists that the program gives: each batch takes one, or all of them;
        `default` when there is none."""
        queue = [rdd.elements_of(elements) for elements in rdds or []]
        if default is not None:
            default = rdd.elements_of(default)
        return self._opened(self._native.queueStream(queue, oneAtATime, default))

    # Several streams.

    def union(self, *dstreams) -> DStream:
        """The elements of all of them."""
        if not dstreams:
            raise ValueError("should have at least one DStream to union")
        first, *others = dstreams
        for other in others:
            first = first.union(other)
        return first

    def transform(self, dstreams, transformFunc: Callable) -> DStream:
        """transformFunc(list of RDDs) of each batch, which returns an RDD."""
        if not dstreams:
            raise ValueError("transform: at least one stream")
        native(transformFunc, "transform")
        numbered = self.union(*(stream.map(lambda element, i=i: (i, element))
                                for i, stream in enumerate(dstreams)))

        def call(batch):
            parts = [[] for _ in dstreams]
            for number, element in batch.collect():
                parts[number].append(element)
            return transformFunc([rdd.RDD([part], self._sc) for part in parts])

        return numbered.transform(call)

    # Life.

    def addStreamingListener(self, streamingListener: StreamingListener) -> None:
        """Told about batches, outputs and receivers from start() on."""
        self._native.addListener((heard_by(streamingListener), "listener"))

    def start(self) -> None:
        """Opens the directory, recovers what a crash left, and begins to receive and run
        batches."""
        sc = self._sc
        if sc._accumulators or accumulators.are_made_inside():
            self._native.keepAccumulators([one._native for one in sc._accumulators.values()])
        sc._job = self._native
        try:
            self._native.start()
        except BaseException:
            sc._job = None
            raise
        StreamingContext._active = self

    def awaitTermination(self, timeout: float | None = None) -> None:
        """Waits until the job has ended, and raises StreamingError when it ended with an error.
        Meanwhile Ctrl-C or SIGTERM stops the job gracefully: everything received is processed; a
        second one ends the process at once, which loses nothing that is logged."""
        self._await(timeout)

    def awaitTerminationOrTimeout(self, timeout: float) -> bool:
        """The same with a time limit in seconds; False when it passed first."""
        return self._await(timeout)

    def _await(self, timeout):
        deadline = None if timeout is None else time.monotonic() + timeout
        with _Signals() as signals:
            while True:
                step = 0.1
                if deadline is not None:
                    step = max(0.0, min(step, deadline - time.monotonic()))
                if self._native.wait(round(step * 1000)):
                    return True
                if signals.stop_wanted and self._native.state() == "active":
                    self._stop_on_signal(signals)
                    return True
                if deadline is not None and time.monotonic() >= deadline:
                    return False

    def _stop_on_signal(self, signals):
        print("stopping: processing what was received (a second signal stops at once)",
              file=sys.stderr, flush=True)
        ended = threading.Thread(target=self._native.stop, args=(True,))
        ended.start()
        while ended.is_alive():  # signals are seen between these waits
            ended.join(0.1)
        self._native.wait(-1)

    def stop(self, stopSparkContext: bool = True, stopGraceFully: bool = False) -> None:
        """Ends the job. Gracefully: everything received is processed and checkpointed. Otherwise
        what is logged is left for the next start."""
        self._native.stop(stopGraceFully)
        if self._sc._job is self._native:
            self._sc._job = None
        if StreamingContext._active is self:
            StreamingContext._active = None
        if stopSparkContext and SparkContext._active is self._sc:
            SparkContext._active = None

    def _end(self):
        # Also of a job that another thread is starting.
        self._native.stop(False)

    def boundPorts(self) -> list[int]:
        """The ports that listening sources are bound to, in the order of their declaration."""
        return self._native.boundPorts()

    def describe(self) -> str:
        """The job as lines a person can read."""
        return self._native.describe()

    def awaitBatch(self, id: int, timeout: float = 30.0) -> bool:
        """Waits until batch `id`, from 1, is complete; False when the time passed first. For
        tests."""
        return self._native.waitForBatch(id, round(timeout * 1000))

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"StreamingContext.{name} is not there in Tidemill; what is: "
                             "docs/guide/from_pyspark.md")


class _Signals:
    """While it is entered, by the main thread, the first SIGINT or SIGTERM is a wish to stop and
    the second ends the process."""

    def __init__(self):
        self.stop_wanted = False
        self._before = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exc):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number, frame):
        if self.stop_wanted:
            os._exit(128 + number)
        self.stop_wanted = True
