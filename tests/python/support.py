"""What the tests of the Python package share."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from tidemill import SparkContext
from tidemill.streaming import StreamingContext

SparkContext("local[2]", "tests").setLogLevel("ERROR")


class StreamTest(unittest.TestCase):
    """Runs jobs on queues of batches."""

    maxDiff = None

    def results(self, build, *inputs, batches=None, ordered=False, interval=0.05, directory=None):
        """What the stream build(streams…) holds in each batch that it has; batch n of stream i is
        inputs[i][n - 1]. Sorted, as the order inside a batch does not matter, unless `ordered`."""
        count = batches if batches is not None else max(len(each) for each in inputs)
        ssc = StreamingContext(interval=interval, directory=directory)
        streams = [ssc.queueStream(each, default=[]) for each in inputs]
        made = {}
        build(*streams).foreachRDD(lambda rdd: made.__setitem__(rdd.id(), rdd.collect()))
        ssc.start()
        try:
            self.assertTrue(ssc.awaitBatch(count), "the batches did not come")
        finally:
            ssc.stop()
        return [made[n] if ordered else sorted(made[n], key=repr)
                for n in range(1, count + 1) if n in made]

    def temporary_directory(self):
        """One that is removed behind the test."""
        path = tempfile.mkdtemp(prefix="tidemill-python-")
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path


def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_until(holds, seconds=30.0):
    """Whether holds() became true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return bool(holds())


class Program:
    """A Python program of its own, given as text."""

    def __init__(self, test, text, *arguments, environment=None, name="program.py"):
        directory = test.temporary_directory()
        self.path = os.path.join(directory, name)
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)
        self._out = os.path.join(directory, "stdout")
        self._err = os.path.join(directory, "stderr")
        self._arguments = arguments
        self._environment = dict(os.environ, **(environment or {}))
        self.process = None
        test.addCleanup(self.kill)

    def start(self):
        """Starts it; what it writes is added to what it wrote before."""
        with open(self._out, "ab") as out, open(self._err, "ab") as err:
            self.process = subprocess.Popen([sys.executable, self.path, *self._arguments],
                                            stdout=out, stderr=err, stdin=subprocess.DEVNULL,
                                            env=self._environment)
        return self

    def run(self, seconds=60):
        """Starts it and waits for its end."""
        self.start()
        self.process.wait(seconds)
        return self

    def kill(self):
        """kill -9, when it runs."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def out(self):
        """What it has written to standard output so far."""
        with open(self._out, encoding="utf-8") as file:
            return file.read()

    @property
    def err(self):
        """The same of standard error."""
        with open(self._err, encoding="utf-8") as file:
            return file.read()


class Sender:
    """An acknowledged sender: goes on where the receiver says, until all lines are durable."""

    def __init__(self, port, session, lines):
        self._port, self._session, self._lines = port, session, lines

    def send_for(self, seconds):
        """Sends until all is durable (True), the connection ends, or the time has passed."""
        deadline = time.monotonic() + seconds
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=5) as connection:
                answers = connection.makefile("rb")
                connection.sendall(f"session {self._session}\n".encode())
                resume = answers.readline().split()
                if len(resume) != 2 or resume[0] != b"resume":
                    return False
                done = int(resume[1])
                connection.settimeout(0.5)
                at = done
                while time.monotonic() < deadline:
                    if done >= len(self._lines):
                        return True
                    if at < len(self._lines):
                        chunk = self._lines[at:at + 50]
                        connection.sendall("".join(line + "\n" for line in chunk).encode())
                        at += len(chunk)
                    answer = answers.readline().split()
                    if len(answer) != 2 or answer[0] != b"durable":
                        return False
                    done = int(answer[1])
        except OSError:
            pass
        return False
