"""A program whose interpreter ends while threads of its own are inside the extension ends like any
other: with its exit code, at once, and without a message of the runtime."""

import subprocess
import sys
import textwrap
import time
import unittest

BEGIN = """
import os, sys, threading, time
from tidemill import SparkContext
from tidemill.streaming import StreamingContext
SparkContext("local[2]", "exits").setLogLevel("ERROR")

def job(function=lambda x: (x % 7, 1), interval=0.005):
    ssc = StreamingContext(interval=interval)
    stream = ssc.queueStream([], default=list(range(100)))
    stream.map(function).reduceByKey(lambda a, b: a + b).foreachRDD(lambda rdd: rdd.collect())
    return ssc

def daemon(call):
    threading.Thread(target=call, daemon=True).start()
"""


class Exits(unittest.TestCase):
    def ends(self, program, code=0, times=5, message=""):
        for _ in range(times):
            began = time.monotonic()
            run = subprocess.run([sys.executable, "-c", BEGIN + textwrap.dedent(program)],
                                 capture_output=True, text=True, timeout=60)
            self.assertEqual(run.returncode, code, run.stderr)
            if message:
                self.assertIn(message, run.stderr)
            else:
                self.assertEqual(run.stderr, "")
            self.assertLess(time.monotonic() - began, 20)

    def test_a_daemon_thread_waits_for_the_end_of_the_job(self):
        self.ends("""
            ssc = job()
            ssc.start()
            daemon(ssc.awaitTermination)
            ssc.awaitBatch(5)
            """)

    def test_several_daemon_threads_wait_in_several_ways(self):
        self.ends("""
            ssc = job()
            ssc.start()
            for call in (ssc.awaitTermination, ssc.awaitTermination,
                         lambda: ssc.awaitBatch(10 ** 9, 3600),
                         lambda: ssc.awaitTerminationOrTimeout(3600)):
                daemon(call)
            ssc.awaitBatch(5)
            """)

    def test_a_daemon_thread_calls_without_rest(self):
        self.ends("""
            ssc = job()
            ssc.start()
            def ask():
                try:
                    while True:
                        ssc.boundPorts()
                        ssc.awaitBatch(1)
                except RuntimeError:  # the job has ended, as it does before the interpreter
                    pass
            daemon(ask)
            daemon(ask)
            ssc.awaitBatch(5)
            """)

    def test_a_daemon_thread_runs_the_whole_program(self):
        self.ends("""
            def program():
                ssc = job()
                ssc.start()
                running.set()
                ssc.awaitTermination()
            running = threading.Event()
            daemon(program)
            running.wait()
            """)

    def test_a_daemon_thread_starts_or_stops_the_job(self):
        self.ends("""
            for each in range(3):
                ssc = job()
                daemon(ssc.start)
            """)
        self.ends("""
            ssc = job()
            ssc.start()
            daemon(lambda: ssc.stop(stopGraceFully=True))
            """)

    def test_a_function_sleeps_while_the_interpreter_ends(self):
        self.ends("""
            ssc = job(lambda x: (time.sleep(0.01), x))
            ssc.start()
            daemon(ssc.awaitTermination)
            time.sleep(0.1)
            """, times=3)

    def test_the_program_ends_with_an_exception_or_a_code(self):
        self.ends("""
            ssc = job()
            ssc.start()
            daemon(ssc.awaitTermination)
            sys.exit(7)
            """, code=7)
        self.ends("""
            ssc = job()
            ssc.start()
            daemon(ssc.awaitTermination)
            raise ValueError("the program's own")
            """, code=1, message="the program's own")

    def test_jobs_have_failed_and_nobody_waited_for_them(self):
        self.ends("""
            jobs = [job(lambda x: 1 // 0), job(lambda x: {}[x])]
            for ssc in jobs:
                ssc.start()
            time.sleep(0.5)
            """, times=1, message="KeyError")

    def test_a_failed_job_was_stopped(self):
        self.ends("""
            ssc = job(lambda x: 1 // 0)
            ssc.start()
            try:
                ssc.awaitBatch(5)
            except RuntimeError as error:
                first = error
            try:
                ssc.stop()
            except RuntimeError as error:
                second = error
            """, times=2)

    def test_a_job_has_failed_before(self):
        self.ends("""
            ssc = job(lambda x: 1 // 0)
            ssc.start()
            def wait():
                try:
                    ssc.awaitTermination()
                except Exception:
                    failed.set()
                    ssc.awaitTermination()
                    time.sleep(60)
            failed = threading.Event()
            daemon(wait)
            failed.wait(20)
            """, times=2)


if __name__ == "__main__":
    unittest.main()
