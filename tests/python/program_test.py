"""The course's own program against `nc -lk`, and what a program sees of its life and its errors."""

import os
import re
import signal
import socket
import subprocess
import threading
import time
import unittest
import urllib.request

from support import Program, StreamTest, free_port, wait_until
from tidemill import StreamingError
from tidemill.streaming import StreamingContext, StreamingListener

# As it is taught, with one word changed; and the port.
COURSE = """
from tidemill import SparkContext
from tidemill.streaming import StreamingContext

sc = SparkContext("local[2]", "NetworkWordCount")
ssc = StreamingContext(sc, 1)
lines = ssc.socketTextStream("localhost", PORT)
words = lines.flatMap(lambda line: line.split(" "))
pairs = words.map(lambda word: (word, 1))
counts = pairs.reduceByKey(lambda a, b: a + b)
counts.pprint()
ssc.start()
ssc.awaitTermination()
"""

STATEFUL = """
import sys
from tidemill import SparkContext
from tidemill.streaming import StreamingContext

sc = SparkContext("local[2]", "StatefulNetworkWordCount")
ssc = StreamingContext(sc, 0.2)
ssc.checkpoint(sys.argv[1])
lines = ssc.socketTextStream("localhost", int(sys.argv[2]))
counts = (lines.flatMap(lambda line: line.split(" ")).map(lambda word: (word, 1))
               .updateStateByKey(lambda new, old: sum(new) + (old or 0)))
counts.pprint()
ssc.start()
ssc.awaitTermination()
"""

HEADER = re.compile(r"-{43}\nTime: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\n-{43}\n")


class NetCat:
    """`nc -lk PORT`, typed into."""

    def __init__(self, test, port):
        self._process = subprocess.Popen(["nc", "-lk", str(port)], stdin=subprocess.PIPE)
        test.addCleanup(self.close)

    def type(self, text):
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()


class Course(StreamTest):
    def test_the_program_of_the_course_counts_what_is_typed(self):
        port = free_port()
        nc = NetCat(self, port)
        program = Program(self, COURSE.replace("PORT", str(port))).start()
        nc.type("hello world hello\nhello\n")
        self.assertTrue(wait_until(lambda: "('hello', 3)" in program.out), program.err)
        program.process.send_signal(signal.SIGINT)
        self.assertEqual(program.process.wait(30), 0, program.err)
        blocks = HEADER.split(program.out)
        self.assertEqual(blocks[0], "")
        held = [block for block in blocks[1:] if block and "(" in block]
        self.assertEqual(sorted(held[0].splitlines()), ["", "('hello', 3)", "('world', 1)"])
        self.assertTrue(held[0].endswith(")\n\n"))
        self.assertIn("stopping: processing what was received", program.err)

    def test_its_counts_go_on_after_kill_9(self):
        port = free_port()
        nc = NetCat(self, port)
        directory = os.path.join(self.temporary_directory(), "data")
        program = Program(self, STATEFUL, directory, str(port)).start()
        nc.type("hello world\n")
        self.assertTrue(wait_until(lambda: "('hello', 1)" in program.out), program.err)
        program.kill()
        program.start()
        nc.type("hello again\n")
        self.assertTrue(wait_until(lambda: "('hello', 2)" in program.out), program.err)
        self.assertTrue(wait_until(lambda: "('again', 1)" in program.out), program.err)
        self.assertNotIn("('world', 2)", program.out)

    def test_more_elements_than_are_asked_for_end_in_dots(self):
        text = """
from tidemill.streaming import StreamingContext
ssc = StreamingContext(interval=0.05)
ssc.queueStream([[3, 1, 2]]).pprint(2)
ssc.start()
ssc.awaitBatch(1)
ssc.stop()
"""
        program = Program(self, text).run()
        self.assertRegex(program.out, "^" + HEADER.pattern + "3\n1\n\\.\\.\\.\n\n")


class Errors(StreamTest):
    def run_failing(self, build, batches):
        ssc = StreamingContext(interval=0.05)
        build(ssc.queueStream(batches, default=[]))
        ssc.start()
        with self.assertRaises(StreamingError) as raised:
            ssc.awaitTermination(30)
        ssc.stop()
        return str(raised.exception)

    def test_an_exception_ends_the_job_with_the_whole_traceback_and_the_element(self):
        def half(x):
            return 1 / x

        said = self.run_failing(lambda s: s.map(half).pprint(), [[1], [0]])
        self.assertIn("ZeroDivisionError: division by zero", said)
        self.assertIn("in half", said)
        self.assertIn("return 1 / x", said)
        self.assertRegex(said, r"map")

    def test_what_is_no_pair_is_shown(self):
        said = self.run_failing(lambda s: s.reduceByKey(lambda a, b: a).pprint(), [["word"]])
        self.assertIn("reduceByKey needs pairs, tuples (key, value), and was given 'word'", said)

    def test_a_key_that_cannot_be_one_is_shown(self):
        said = self.run_failing(lambda s: s.groupByKey().pprint(), [[([1], 2)]])
        self.assertIn("a key of type list cannot be used", said)

    def test_by_the_error_policy_an_element_is_left_out(self):
        for policy in ("skip", "dead_letter"):
            directory = os.path.join(self.temporary_directory(), "data")
            ssc = StreamingContext(interval=0.05, errorPolicy=policy, directory=directory)
            made = []
            ssc.queueStream([[1, 0, 2]]).map(lambda x: 2 / x).foreachRDD(
                lambda rdd: made.extend(rdd.collect()))
            ssc.start()
            ssc.awaitBatch(1)
            ssc.stop()
            self.assertEqual(made, [2.0, 1.0])
            letters = os.path.join(directory, "dead_letters")
            if policy == "dead_letter":
                name = next(n for n in os.listdir(letters) if n.endswith(".jsonl"))
                with open(os.path.join(letters, name), encoding="utf-8") as file:
                    self.assertIn("ZeroDivisionError", file.read())

    def test_a_method_that_is_not_there_is_named(self):
        ssc = StreamingContext(interval=1)
        stream = ssc.queueStream([])
        for holder, name in ((ssc, "kinesisStream"), (stream, "foreach"),
                             (ssc.sparkContext, "wholeTextFiles"),
                             (ssc.sparkContext.parallelize([]), "pipe")):
            with self.assertRaisesRegex(AttributeError, name + " is not there in Tidemill"):
                getattr(holder, name)

    def test_other_masters_are_refused(self):
        from tidemill import SparkContext
        with self.assertRaisesRegex(ValueError, "Tidemill runs on this machine"):
            SparkContext("spark://host:7077")

    def test_what_is_no_function_is_refused_where_it_is_given(self):
        stream = StreamingContext(interval=1).queueStream([])
        with self.assertRaisesRegex(TypeError, "map takes a function, and was given 3"):
            stream.map(3)

    def test_a_job_without_outputs_does_not_start(self):
        ssc = StreamingContext(interval=1)
        ssc.queueStream([[1]])
        with self.assertRaises(StreamingError):
            ssc.start()


class Life(StreamTest):
    def test_a_listener_hears_of_batches(self):
        heard = []

        class Listener(StreamingListener):
            def onStreamingStarted(self, streamingStarted):
                heard.append("started")

            def onBatchCompleted(self, batchCompleted):
                info = batchCompleted.batchInfo()
                heard.append((info.batchId(), info.numRecords(), info.processingDelay() >= 0))

        ssc = StreamingContext(interval=0.05)
        ssc.addStreamingListener(Listener())
        ssc.queueStream([[1, 2], [3]]).foreachRDD(lambda rdd: None)
        ssc.start()
        ssc.awaitBatch(3)
        ssc.stop()
        self.assertEqual(heard[:3], ["started", (1, 2, True), (2, 1, True)])

    def test_the_batch_is_over_behind_its_function(self):
        kept = []
        ssc = StreamingContext(interval=0.05)
        ssc.queueStream([[1, 2]]).foreachRDD(kept.append)
        ssc.start()
        ssc.awaitBatch(2)
        ssc.stop()
        with self.assertRaisesRegex(RuntimeError, "this batch is over"):
            kept[0].collect()

    def test_an_output_may_stop_the_job(self):
        ssc = StreamingContext(interval=0.05)
        ssc.queueStream([[1]]).foreachRDD(lambda rdd: ssc.stop())
        ssc.start()
        self.assertTrue(ssc.awaitTerminationOrTimeout(30))

    def test_await_ends_when_its_time_has_passed(self):
        ssc = StreamingContext(interval=0.05)
        ssc.queueStream([]).foreachRDD(lambda rdd: None)
        ssc.start()
        self.assertFalse(ssc.awaitTerminationOrTimeout(0.2))
        self.assertIs(StreamingContext.getActive(), ssc)
        ssc.stop()
        self.assertIsNone(StreamingContext.getActive())

    def test_get_or_create_builds_and_goes_on(self):
        directory = os.path.join(self.temporary_directory(), "data")
        seen = []

        def setup():
            ssc = StreamingContext(interval=0.05)
            totals = ssc.queueStream([[("a", 1)]]).updateStateByKey(
                lambda new, old: (old or 0) + sum(new))
            totals.foreachRDD(lambda rdd: seen.append(rdd.collect()))
            return ssc

        for life in (1, 2):
            ssc = StreamingContext.getOrCreate(directory, setup)
            ssc.start()
            self.assertTrue(wait_until(lambda: [("a", life)] in seen), seen)
            ssc.stop(stopGraceFully=True)

    def test_slices_of_what_is_remembered(self):
        ssc = StreamingContext(interval=0.05)
        ssc.remember(10)
        stream = ssc.queueStream([[1], [2, 3]], default=[])
        times = []
        stream.foreachRDD(lambda time, rdd: times.append(time))
        ssc.start()
        ssc.awaitBatch(3)
        found = [rdd.collect() for rdd in stream.slice(times[0], times[1])]
        ssc.stop()
        self.assertEqual(found, [[1], [2, 3]])

    def test_a_program_that_forgets_to_stop_ends(self):
        text = """
from tidemill.streaming import StreamingContext
ssc = StreamingContext(interval=0.05)
ssc.queueStream([[1]] * 1000).map(lambda x: x + 1).foreachRDD(lambda rdd: rdd.collect())
ssc.start()
ssc.awaitBatch(WAIT)
print("end")
"""
        for wait in range(1, 6):
            program = Program(self, text.replace("WAIT", str(wait))).run()
            self.assertEqual(program.process.returncode, 0, program.err)
            self.assertEqual(program.out, "end\n")

    def test_a_child_of_a_fork_ends_by_itself(self):
        text = """
import os
from tidemill.streaming import StreamingContext
ssc = StreamingContext(interval=0.05)
ssc.queueStream([[1]] * 1000).foreachRDD(lambda rdd: rdd.collect())
ssc.start()
ssc.awaitBatch(2)
if os.fork() == 0:
    assert StreamingContext.getActive() is None
    del ssc
    raise SystemExit(0)
os.wait()
ssc.awaitBatch(5)
ssc.stop()
print("end")
"""
        program = Program(self, text).run()
        self.assertEqual(program.out, "end\n", program.err)

    def test_sigterm_stops_gracefully_and_loses_nothing(self):
        port = free_port()
        directory = os.path.join(self.temporary_directory(), "data")
        text = STATEFUL.replace('socketTextStream("localhost", int(sys.argv[2]))',
                                'listenTextStream("127.0.0.1", int(sys.argv[2]))')
        program = Program(self, text, directory, str(port)).start()

        def connected():
            try:
                with socket.create_connection(("127.0.0.1", port)) as connection:
                    connection.sendall(b"last words\n")
                return True
            except OSError:
                return False

        self.assertTrue(wait_until(connected), program.err)
        # Before awaitTermination() a signal is Python's own affair.
        self.assertTrue(wait_until(lambda: "Time: " in program.out), program.err)
        program.process.send_signal(signal.SIGTERM)
        self.assertEqual(program.process.wait(30), 0, program.err)
        program.start()
        self.assertTrue(wait_until(lambda: "('words', 1)" in program.out), program.err)

    def test_lines_that_are_posted(self):
        ssc = StreamingContext(interval=0.05)
        seen = []
        ssc.httpStream(path="/lines").foreachRDD(lambda rdd: seen.extend(rdd.collect()))
        ssc.start()
        try:
            port, = ssc.boundPorts()
            request = urllib.request.Request(f"http://127.0.0.1:{port}/lines", b"one\ntwo\n")
            with urllib.request.urlopen(request, timeout=30) as answer:
                self.assertEqual(answer.status, 200)
            self.assertTrue(wait_until(lambda: len(seen) == 2), seen)
        finally:
            ssc.stop()
        self.assertEqual(seen, ["one", "two"])

    def test_files_appear_once(self):
        directory = self.temporary_directory()
        ssc = StreamingContext(interval=0.05)
        lines = []
        ssc.textFileStream(directory).foreachRDD(lambda rdd: lines.extend(rdd.collect()))
        ssc.start()
        with open(os.path.join(directory, "one.tmp"), "w", encoding="utf-8") as file:
            file.write("erste Zeile\nzweite é\n")
        os.rename(os.path.join(directory, "one.tmp"), os.path.join(directory, "one"))
        self.assertTrue(wait_until(lambda: len(lines) == 2), lines)
        time.sleep(0.3)
        ssc.stop()
        self.assertEqual(lines, ["erste Zeile", "zweite é"])

    def test_text_files_are_str_of_elements(self):
        prefix = os.path.join(self.temporary_directory(), "out")
        ssc = StreamingContext(interval=0.05)
        ssc.queueStream([[("a", 1), "é", None]]).saveAsTextFiles(prefix, "txt")
        ssc.start()
        ssc.awaitBatch(1)
        ssc.stop()
        first = sorted(os.listdir(os.path.dirname(prefix)))[0]
        self.assertRegex(first, r"^out-\d+\.txt$")
        parts = os.path.join(os.path.dirname(prefix), first)
        text = ""
        for part in sorted(os.listdir(parts)):
            if part.startswith("part-"):
                with open(os.path.join(parts, part), encoding="utf-8") as file:
                    text += file.read()
        self.assertEqual(text, "('a', 1)\né\nNone\n")
        self.assertIn("_SUCCESS", os.listdir(parts))

    def test_other_threads_of_the_program_go_on(self):
        ssc = StreamingContext(interval=0.05)
        counted = []
        ssc.queueStream([list(range(2000))] * 5).map(lambda x: x * x).foreachRDD(
            lambda rdd: counted.append(rdd.count()))
        ran = []
        done = threading.Event()

        def other():
            while not done.is_set():
                ran.append(1)
                time.sleep(0.005)

        thread = threading.Thread(target=other)
        thread.start()
        ssc.start()
        ssc.awaitBatch(5)
        ssc.stop()
        done.set()
        thread.join()
        self.assertEqual(counted[:5], [2000] * 5)
        self.assertGreater(len(ran), 5)


if __name__ == "__main__":
    unittest.main()
