"""What the programs of python_words.py and python_workers.py share: a job that runs until so many
lines are counted."""

import sys
import threading
import time

from tidemill.streaming import StreamingListener


class _Lines(StreamingListener):
    """Notes when all lines are counted."""

    def __init__(self, wanted):
        self._wanted = wanted
        self._counted = 0
        self.done = threading.Event()

    def onBatchCompleted(self, batchCompleted):
        self._counted += batchCompleted.batchInfo().numRecords()
        if self._counted >= self._wanted:
            self.done.set()


def run(ssc, wanted):
    """Starts it, stops it when `wanted` lines are counted, and prints the seconds in between."""
    lines = _Lines(wanted)
    ssc.addStreamingListener(lines)
    begin = time.monotonic()
    ssc.start()
    lines.done.wait()
    took = time.monotonic() - begin
    ssc.stop()
    print(f"seconds {took:.6f}", file=sys.stderr)
