"""Accumulators: each element counts once, whatever reads the stream, is killed or runs again."""

import os
import random
import signal
import time
import unittest

from support import Program, Sender, StreamTest, free_port, wait_until
from tidemill import AccumulatorParam, SparkContext, StreamingError
from tidemill.streaming import StreamingContext


class Together(AccumulatorParam):
    """Lists, one behind another."""

    def zero(self, value):
        return []

    def addInPlace(self, value1, value2):
        value1 += value2
        return value1


class Sums(unittest.TestCase):
    workers = "threads"

    def setUp(self):
        self.sc = SparkContext("local[2]", "accumulators")

    def run_batches(self, build, *batches, directory=None, **options):
        """Runs batches of one queue through what build(stream) declares."""
        ssc = StreamingContext(self.sc, interval=0.03, directory=directory,
                               workers=self.workers, **options)
        build(ssc.queueStream(list(batches), default=[]))
        ssc.start()
        try:
            if not ssc.awaitBatch(len(batches)):
                ssc.awaitTermination(1)
        finally:
            ssc.stop()

    def fails_with(self, text, build, *batches):
        with self.assertRaises(StreamingError) as failed:
            self.run_batches(build, *batches)
        self.assertIn(text, str(failed.exception))

    def test_functions_of_every_kind_add(self):
        sc = self.sc
        names = ("map", "flatMap", "filter", "mapValues", "flatMapValues", "partitions", "update",
                 "mapping", "transform", "output")
        of = {name: sc.accumulator(0, name=name) for name in names}

        def add(name, term, result):
            of[name].add(term)
            return result

        def partition(elements):
            for element in elements:
                of["partitions"].add(1)
                yield element

        def update(new, old):
            of["update"].add(len(new))
            return (old or 0) + len(new)

        def mapping(key, value, state):
            of["mapping"].add(value)

        def transform(rdd):
            of["transform"].add(rdd.count())
            return rdd

        def output(rdd):
            of["output"].add(1)
            rdd.foreach(lambda element: of["output"].add(100))

        def build(stream):
            pairs = (stream.map(lambda x: add("map", x, (x % 3, x)))
                     .filter(lambda pair: add("filter", 1, pair[1] != 5))
                     .flatMap(lambda pair: add("flatMap", 1, [pair]))
                     .mapPartitions(partition)
                     .mapValues(lambda x: add("mapValues", x, x))
                     .flatMapValues(lambda x: add("flatMapValues", x, [x, x])))
            pairs.updateStateByKey(update).foreachRDD(lambda rdd: rdd.collect())
            pairs.mapWithState(mapping).foreachRDD(lambda rdd: rdd.collect())
            pairs.transform(transform).foreachRDD(output)

        self.run_batches(build, list(range(10)), [], [100])
        expected = {"map": 145, "filter": 11, "flatMap": 10, "partitions": 10, "mapValues": 140,
                    "flatMapValues": 140, "update": 20, "mapping": 280, "transform": 20,
                    "output": 2003}
        self.assertEqual({name: each.value for name, each in of.items()}, expected)

    def test_an_element_counts_once_however_many_outputs_read_it_and_how_much(self):
        seen = self.sc.accumulator(0)

        def count(x):
            nonlocal seen
            seen += 1
            return x

        def build(stream):
            counted = stream.map(count)
            for _ in range(3):
                counted.foreachRDD(lambda rdd: (rdd.take(1), rdd.collect(), rdd.count()))
            counted.foreachRDD(lambda rdd: rdd.isEmpty())

        self.run_batches(build, range(5000), range(10))
        self.assertEqual(seen.value, 5010)
        first = self.sc.accumulator(0)
        self.run_batches(lambda stream: stream.map(lambda x: first.add(1)).foreachRDD(
            lambda rdd: rdd.take(1)), range(5000))
        self.assertEqual(first.value, 5000)

    def test_the_value_in_an_output_is_that_of_the_batch(self):
        seen = self.sc.accumulator(7)
        values = []

        def look(rdd):
            rdd.foreach(lambda x: seen.add(x))
            values.append(seen.value)

        self.run_batches(lambda stream: stream.map(lambda x: (seen.add(1000), x)[1]).foreachRDD(
            look), [1, 2], [], [10])
        self.assertEqual(values[:3], [2010, 2010, 3020])
        self.assertEqual(seen.value, 3020)

    def test_an_element_that_is_left_out_adds_nothing(self):
        seen = self.sc.accumulator(0)

        def fail(x):
            seen.add(1)
            return 1 // x

        self.run_batches(lambda stream: stream.map(fail).foreachRDD(lambda rdd: rdd.collect()),
                         [1, 0, 2], [0], errorPolicy="skip")
        self.assertEqual(seen.value, 2)

    def test_other_values_than_numbers(self):
        together = self.sc.accumulator([], Together())
        shown = []
        self.run_batches(lambda stream: stream.map(lambda x: together.add([x])).foreachRDD(
            lambda rdd: shown.append(together.value)), [1, 2], [3])
        self.assertEqual(together.value, [1, 2, 3])
        together.value.append(4)
        self.assertEqual(shown[:2], [[1, 2], [1, 2, 3]])
        for value, term, total in ((0.5, 0.25, 0.75), (1j, 2, 2 + 1j), (2 ** 70, 1, 2 ** 70 + 1)):
            sum_of = self.sc.accumulator(value)
            self.run_batches(lambda stream, sum_of=sum_of: stream.map(
                lambda x: sum_of.add(x)).foreachRDD(lambda rdd: rdd.collect()), [term])
            self.assertEqual(sum_of.value, total)
        with self.assertRaisesRegex(TypeError, "AccumulatorParam"):
            self.sc.accumulator("text")

    def test_what_is_not_exact_is_refused(self):
        seen = self.sc.accumulator(0)

        def reduction(a, b):
            seen.add(1)
            return a + b

        once = "functions that come to each element once"
        self.fails_with(once, lambda stream: stream.map(lambda x: (1, x)).reduceByKey(
            reduction).foreachRDD(lambda rdd: rdd.collect()), [1, 2, 3])
        self.fails_with(once, lambda stream: stream.map(lambda x: (1, x)).reduceByKeyAndWindow(
            reduction, None, 0.3).foreachRDD(lambda rdd: rdd.collect()), [1, 2, 3], [4], [5])
        self.fails_with("its value is not known", lambda stream: stream.map(
            lambda x: seen.value).foreachRDD(lambda rdd: rdd.collect()), [1])
        hidden = {"list": [seen]}  # deeper than the package looks
        self.fails_with("put persist() behind", lambda stream: stream.map(
            lambda x: hidden["list"][0].add(x)).foreachRDD(lambda rdd: rdd.collect()), [1])
        self.run_batches(lambda stream: stream.map(
            lambda x: hidden["list"][0].add(x)).persist().foreachRDD(
                lambda rdd: rdd.collect()), [1])
        self.assertEqual(seen.value, 1)
        with self.assertRaisesRegex(RuntimeError, once):
            seen.add(1)
        with self.assertRaisesRegex(AttributeError, "not set"):
            seen.value = 3
        large = self.sc.accumulator([], Together())
        self.fails_with("most=4096", lambda stream: stream.map(
            lambda x: large.add(["long" * 2000])).foreachRDD(lambda rdd: rdd.collect()), [1])

    def test_a_job_that_has_failed_is_in_nobodys_way(self):
        ssc = StreamingContext(self.sc, interval=0.03)
        ssc.queueStream([[1]]).foreachRDD(lambda rdd: 1 // 0)
        ssc.start()
        with self.assertRaises(StreamingError):
            ssc.awaitBatch(1)
        made = self.sc.accumulator(0)
        self.run_batches(lambda stream: stream.map(lambda x: made.add(x)).foreachRDD(
            lambda rdd: rdd.collect()), [1, 2])
        self.assertEqual(made.value, 3)

    def test_a_job_without_accumulators_takes_none_when_it_runs(self):
        ssc = StreamingContext(self.sc, interval=0.03)
        ssc.queueStream([[1]]).foreachRDD(lambda rdd: rdd.collect())
        ssc.start()
        try:
            with self.assertRaisesRegex(RuntimeError, "make it before start"):
                getattr(self.sc, "accumulator")(0)
        finally:
            ssc.stop()

    def test_names(self):
        self.sc.accumulator(0, name="one")
        with self.assertRaisesRegex(ValueError, "no other accumulator"):
            self.sc.accumulator(0, name="one")
        here = [self.sc.accumulator(0).name for _ in range(2)]
        self.assertEqual(here[1], here[0] + " 2")
        self.assertIn("test_names", here[0])


PROGRAM = """
import sys
from tidemill import SparkContext
from tidemill.streaming import StreamingContext

directory, port, out = sys.argv[1:]
sc = SparkContext("local[2]", "killed")
ssc = StreamingContext(sc, 0.05)
ssc.checkpoint(directory)
elements = sc.accumulator(0)
letters = sc.accumulator(0)
states = sc.accumulator(0.0)

def inside(context):
    # As Spark's own example does it.
    if "outputs" not in globals():
        globals()["outputs"] = context.accumulator(0)
    return globals()["outputs"]

def seen(word):
    global elements
    elements += 1
    return (word, 1)

def update(new, old):
    states.add(len(new) / 4)
    return (old or 0) + sum(new)

def show(rdd):
    counter = inside(rdd.context)
    rdd.foreach(lambda pair: counter.add(pair[1]))
    letters.add(sum(len(word) * count for word, count in rdd.collect()))
    with open(out, "a") as file:
        file.write(f"{rdd.id()} {[elements.value, letters.value, states.value, counter.value]}\\n")

lines = ssc.acknowledgedTextStream("127.0.0.1", int(port))
pairs = lines.flatMap(lambda line: line.split(" ")).map(seen)
pairs.reduceByKey(lambda a, b: a + b).foreachRDD(show)
pairs.updateStateByKey(update).pprint(1)
ssc.start()
with open(out + ".starts", "a") as file:
    file.write(f"{elements.value}\\n")
ssc.awaitTermination()
"""


class Killed(StreamTest):
    def test_values_are_exact_after_every_kill(self):
        rng = random.Random(3)
        kills = int(os.environ.get("TIDEMILL_KILLS", "10"))
        lines = [" ".join("word" * rng.randrange(1, 3) for _ in range(rng.randrange(1, 8)))
                 for _ in range(3000)]
        words = [word for line in lines for word in line.split(" ")]
        base = self.temporary_directory()
        out, port = os.path.join(base, "out"), free_port()
        program = Program(self, PROGRAM, os.path.join(base, "data"), str(port), out)

        def shown():
            if not os.path.exists(out):
                return []
            with open(out, encoding="utf-8") as file:
                return [line.split(" ", 1) for line in file.read().splitlines()]

        def starts():
            if not os.path.exists(out + ".starts"):
                return []
            with open(out + ".starts", encoding="utf-8") as file:
                return list(map(int, file.read().split()))

        for life in range(kills):
            program.start()
            sender = Sender(port, "s", lines[:(len(lines) // kills + 1) * (life + 1)])
            if life == 0:  # later ones may be killed before they have begun
                self.assertTrue(wait_until(lambda: sender.send_for(5)), program.err)
                self.assertTrue(wait_until(lambda: shown() and eval(shown()[-1][1])[0] > 0))
            end = time.monotonic() + rng.uniform(0.3, 1.0)
            while time.monotonic() < end and not sender.send_for(end - time.monotonic()):
                time.sleep(0.02)
            time.sleep(rng.uniform(0, 0.2))
            self.assertIsNone(program.process.poll(), program.err)
            if life % 4 == 2 and len(starts()) > life:  # a checkpoint, and no batch behind it
                program.process.send_signal(signal.SIGTERM)
                program.process.wait(60)
            program.kill()
        program.start()
        self.assertTrue(wait_until(lambda: Sender(port, "s", lines).send_for(5), 60), program.err)
        expected = [len(words), sum(map(len, words)), len(words) / 4, len(words)]

        self.assertTrue(wait_until(lambda: eval(shown()[-1][1])[0] == expected[0]),
                        (shown()[-1], expected, program.err))
        # Batches go on; the state of a batch is counted before its outputs.
        self.assertEqual(eval(shown()[-1][1]), expected)
        by_batch = {}
        for id, values in shown():
            self.assertEqual(by_batch.setdefault(id, values), values, f"batch {id} ran again")
        self.assertEqual(sorted(map(int, by_batch)), list(range(1, len(by_batch) + 1)))
        # What is known at once after a start is what was known before.
        self.assertEqual(starts(), sorted(starts()))
        self.assertGreater(starts()[-1], 0)

    # The batch that ran again added nothing, so that the state did not hear of the value.
    def test_a_value_outlives_a_crash_and_then_a_stop_without_any_new_adds(self):
        program = Program(self, """
import os, signal, sys
from tidemill import SparkContext
from tidemill.streaming import StreamingContext
sc = SparkContext("local[2]", "quiet")
ssc = StreamingContext(sc, interval=0.03, directory=sys.argv[1])
total = sc.accumulator(0, name="total")
life = sys.argv[2]

def look(rdd):
    if life == "1" and rdd.id() == 4:
        os.kill(os.getpid(), signal.SIGKILL)

ssc.queueStream([[1, 2]] if life == "1" else [], default=[]).map(
    lambda x: total.add(x)).foreachRDD(look)
ssc.start()
print(total.value, flush=True)
ssc.awaitBatch({"1": 100, "2": 8, "3": 10}[life])
ssc.stop(stopGraceFully=True)
print(total.value, flush=True)
""")
        directory = os.path.join(self.temporary_directory(), "data")
        for life, code in (("1", -9), ("2", 0), ("3", 0)):
            program._arguments = (directory, life)
            self.assertEqual(program.run().process.returncode, code, program.err)
        self.assertEqual(program.out.split()[-4:], ["3", "3", "3", "3"])

    def test_a_stopped_job_goes_on_with_its_values(self):
        directory = os.path.join(self.temporary_directory(), "data")
        for life, graceful in enumerate((True, False, True)):
            sc = SparkContext("local[2]", "stopped")
            ssc = StreamingContext(sc, interval=0.03, directory=directory)
            total = sc.accumulator(5, name="total")
            ssc.queueStream([[1, 2]], default=[]).map(lambda x: total.add(x)).foreachRDD(
                lambda rdd: rdd.collect())
            ssc.start()
            self.assertGreaterEqual(total.value, 5 + 3 * life)
            self.assertTrue(wait_until(lambda: total.value == 8 + 3 * life), total.value)
            ssc.stop(stopGraceFully=graceful)


if __name__ == "__main__":
    unittest.main()
