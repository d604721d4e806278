"""workers="processes": the same results, whoever calls the functions, and whoever of them dies."""

import collections
import decimal
import os
import random
import signal
import time
import unittest

from accumulators_test import Sums
from support import Program, Sender, StreamTest, free_port, wait_until
from tidemill import SparkContext, StreamingError
from tidemill.streaming import StreamingContext

KILLS = int(os.environ.get("TIDEMILL_KILLS", "8"))

HERE = os.getpid()


class Point:
    """A class of the program, whose values are pickled on their way."""

    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return isinstance(other, Point) and self.x == other.x

    def __hash__(self):
        return hash(self.x)

    def __repr__(self):
        return f"Point({self.x})"


def children():
    """The processes that this one has forked and that still run."""
    with open(f"/proc/{HERE}/task/{HERE}/children", encoding="ascii") as file:
        return [int(pid) for pid in file.read().split()]


class SumsInProcesses(Sums):
    """Accumulators of functions that processes call."""

    workers = "processes"


class Workers(StreamTest):
    def run_batches(self, build, *batches, directory=None, processes=2, **options):
        """What build(stream) holds in each batch, and the context, which has stopped."""
        ssc = StreamingContext(SparkContext(f"local[{processes}]", "workers"), interval=0.05,
                               directory=directory, workers="processes", **options)
        made = {}
        build(ssc.queueStream(list(batches), default=[])).foreachRDD(
            lambda rdd: made.__setitem__(rdd.id(), rdd.collect()))
        ssc.start()
        try:
            if not ssc.awaitBatch(len(batches), 20):
                ssc.awaitTermination(1)
        finally:
            ssc.stop()
        return [made[n] for n in range(1, len(batches) + 1)]

    def test_results_are_those_of_threads(self):
        values = [0, -1, 2**70, 1.5, float("inf"), "é", "", b"\x00\xff", None, True, (1, ("a",)),
                  [1, [2]], {"a": {1}}, frozenset({3}), decimal.Decimal("1.10"), Point(4)]

        def build(stream):
            return (stream.map(lambda x: (type(x).__name__, x))
                    .filter(lambda pair: pair[1] is not None and [pair[1]])
                    .flatMap(lambda pair: (each for each in [pair, pair]))
                    .mapValues(lambda x: [x])
                    .flatMapValues(lambda x: iter(x + x))
                    .mapPartitions(lambda elements: ((k, v) for k, v in elements)))

        inputs = [values, [], values * 400]
        self.assertEqual(self.run_batches(build, *inputs),
                         self.results(build, inputs, ordered=True))

    def test_functions_run_in_processes_that_end_with_the_job(self):
        before = children()
        pids, = self.run_batches(lambda stream: stream.repartition(4).map(
            lambda x: (time.sleep(0.05), os.getpid())[1]), range(8))
        self.assertNotIn(HERE, pids)
        self.assertEqual(len(set(pids)), 2)
        self.assertEqual(children(), before)

    def test_known_functions_stay_in_the_engine(self):
        before = children()
        counts, = self.run_batches(lambda stream: stream.map(lambda x: (x, 1)), ["a", "b"])
        self.assertEqual(counts, [("a", 1), ("b", 1)])
        self.assertEqual(children(), before)

    def test_what_a_function_raises_is_shown_whole(self):
        def broken(x):
            return {"a": 1}[x]

        with self.assertRaises(StreamingError) as failed:
            self.run_batches(lambda stream: stream.map(broken), ["a", "b"])
        for part in ("Traceback", "in broken", 'return {"a": 1}[x]', "KeyError: 'b'"):
            self.assertIn(part, str(failed.exception))

    def test_elements_that_fail_are_left_out(self):
        kept, = self.run_batches(lambda stream: stream.map(lambda x: 100 // (x % 7)),
                                 range(3000), errorPolicy="skip")
        self.assertEqual(kept, [100 // (x % 7) for x in range(3000) if x % 7])

    def test_what_cannot_be_sent_is_an_error_of_its_element(self):
        with self.assertRaises(StreamingError) as failed:
            self.run_batches(lambda stream: stream.map(lambda x: (y for y in [x])), [1])
        self.assertIn("pickle", str(failed.exception))
        kept, = self.run_batches(
            lambda stream: stream.map(lambda x: x if x else open(os.devnull, "rb")), [0, 1, 2],
            errorPolicy="skip")
        self.assertEqual(kept, [1, 2])

    def test_a_process_that_ends_ends_the_job_with_its_name(self):
        def die(x):
            if x == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            return x

        started = time.monotonic()
        with self.assertRaises(StreamingError) as failed:
            self.run_batches(lambda stream: stream.map(die), [1, 2], [3])
        for part in ("worker process", "die", "signal 9"):
            self.assertIn(part, str(failed.exception))
        self.assertLess(time.monotonic() - started, 15)

    def test_what_is_printed_is_printed_once(self):
        program = Program(self, """
from tidemill import SparkContext
from tidemill.streaming import StreamingContext
print("in front")
ssc = StreamingContext(SparkContext("local[2]", "printing"), interval=0.05, workers="processes")
ssc.queueStream([[1, 2]], default=[]).map(lambda x: (print("element", x), x)[1]).foreachRDD(
    lambda rdd: rdd.collect())
ssc.start()
ssc.awaitBatch(1)
ssc.stop()
print("behind")
""").run()
        self.assertEqual(sorted(program.out.splitlines()),
                         ["behind", "element 1", "element 2", "in front"], program.err)

    def test_large_chunks_go_through(self):
        text = "x" * (3 << 20)
        made, = self.run_batches(lambda stream: stream.map(lambda x: x + "y")
                                 .mapPartitions(lambda elements: [sum(map(len, elements))]),
                                 [text] * 8, processes=1)
        self.assertEqual(sum(made), 8 * (len(text) + 1))

    def test_other_ways_are_refused(self):
        with self.assertRaises(ValueError) as refused:
            StreamingContext(interval=1, workers="cluster")
        self.assertIn("'cluster'", str(refused.exception))


PROGRAM = """
import os, sys
from tidemill import SparkContext
from tidemill.streaming import StreamingContext

directory, port, out = sys.argv[1:]
sc = SparkContext("local[2]", "killed")
ssc = StreamingContext(sc, 0.1, workers="processes")
ssc.checkpoint(directory)
words = sc.accumulator(0)

def split(line):
    made = line.split(" ")
    words.add(len(made))
    return [word for word in made]

pairs = ssc.acknowledgedTextStream("127.0.0.1", int(port)).flatMap(split) \\
    .map(lambda word: (word.upper() + "!", 1))

def keep(rdd):
    with open(out + ".new", "w") as file:
        file.write(repr((sorted(rdd.collect()), words.value)))
    os.rename(out + ".new", out)

pairs.updateStateByKey(lambda new, old: (old or 0) + sum(new)).foreachRDD(keep)
ssc.start()
ssc.awaitTermination()
"""


class KilledWorkers(StreamTest):
    def test_every_word_counts_once_though_program_and_workers_are_killed(self):
        rng = random.Random(11)
        lines = [" ".join(rng.choice("abcdefgh") for _ in range(rng.randrange(1, 6)))
                 for _ in range(3000)]
        expected = collections.Counter(word + "!" for line in lines
                                       for word in line.upper().split(" "))
        base = self.temporary_directory()
        port = free_port()
        out = os.path.join(base, "out")
        program = Program(self, PROGRAM, os.path.join(base, "data"), str(port), out)
        left = set()
        for life in range(KILLS):
            program.start()
            sender = Sender(port, "s", lines[:len(lines) * (life + 1) // KILLS])
            end = time.monotonic() + rng.uniform(0.5, 1.2)
            while time.monotonic() < end and not sender.send_for(end - time.monotonic()):
                time.sleep(0.02)
            workers = self.children_of(program.process.pid)
            left |= set(workers)
            if life % 2 == 0 or not workers:
                program.kill()
            else:
                # The job notices with its next batch of elements.
                os.kill(rng.choice(workers), signal.SIGKILL)
                Sender(port, "s", lines).send_for(0.5)
                time.sleep(0.3)
                program.kill()
        program.start()
        sender = Sender(port, "s", lines)
        self.assertTrue(wait_until(lambda: sender.send_for(5), 60), program.err)

        def is_complete():
            if not os.path.exists(out):
                return False
            with open(out, encoding="utf-8") as file:
                state, words = eval(file.read())
            return dict(state) == expected and words == sum(expected.values())

        self.assertTrue(wait_until(is_complete, 20), program.err)
        program.process.send_signal(signal.SIGTERM)
        self.assertEqual(program.process.wait(60), 0, program.err)
        self.assertTrue(is_complete())
        # No worker outlives its program.
        self.assertTrue(wait_until(lambda: not any(map(self.runs, left)), 10))

    @staticmethod
    def children_of(pid):
        try:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                return [int(each) for each in file.read().split()]
        except FileNotFoundError:
            return []

    @staticmethod
    def runs(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                return file.read().rsplit(")", 1)[1].split()[0] != "Z"
        except FileNotFoundError:
            return False


# unittest would run the tests of the base class here too.
del Sums

if __name__ == "__main__":
    unittest.main()
