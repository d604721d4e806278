"""bytewax_words.py FUNCTIONS PORT DIRECTORY LINES [COUNTS]: course_words.py's program on Bytewax,
for python_words.py --bytewax: counts of each second, its recovery store in DIRECTORY with a
snapshot a second, one worker: two are slower, as Python lets one run at a time. FUNCTIONS is
ignored: Bytewax calls them all. What comes from the socket is in no log there."""

import collections
import datetime
import os
import socket
import sys
import time

import bytewax.operators as op
import bytewax.operators.windowing as win
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import run_main

_, port, directory, wanted = sys.argv[1:5]
SECOND = datetime.timedelta(seconds=1)
total = collections.Counter()


class Lines(StatelessSourcePartition):
    """What a connection brings."""

    def __init__(self):
        self._socket = socket.create_connection(("localhost", int(port)))
        self._rest = b""
        self._left = int(wanted)

    def next_batch(self):
        if self._left <= 0:
            raise StopIteration
        got = self._socket.recv(64 << 10)
        if not got:
            raise StopIteration
        *lines, self._rest = (self._rest + got).split(b"\n")
        self._left -= len(lines)
        return [line.decode() for line in lines]


class Socket(DynamicSource):
    """One partition of lines."""

    def build(self, step_id, worker_index, worker_count):
        return Lines()


class Counts(StatelessSinkPartition):
    """Adds up what the windows have."""

    def write_batch(self, items):
        for word, (_, count) in items:
            total[word] += count


class Totals(DynamicSink):
    """One for each worker."""

    def build(self, step_id, worker_index, worker_count):
        return Counts()


flow = Dataflow("words")
lines = op.input("lines", flow, Socket())
words = op.flat_map("split", lines, lambda line: [w for w in line.split(" ") if w])
counts = win.count_window(
    "count", words, win.SystemClock(),
    win.TumblingWindower(length=SECOND, align_to=datetime.datetime(2026, 1, 1,
                                                                   tzinfo=datetime.timezone.utc)),
    lambda word: word)
op.output("out", counts.down, Totals())
os.makedirs(directory)
init_db_dir(directory, 1)
begin = time.monotonic()
run_main(flow, epoch_interval=SECOND, recovery_config=RecoveryConfig(directory))
print(f"seconds {time.monotonic() - begin:.6f}", file=sys.stderr)
if len(sys.argv) > 5:
    with open(sys.argv[5], "w", encoding="utf-8") as out:
        out.writelines(f"{word}\t{count}\n" for word, count in sorted(
            total.items(), key=lambda pair: pair[0].encode()))
