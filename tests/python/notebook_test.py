"""A driver that runs cell by cell, as a notebook does, and what Ctrl-C does to it."""

import os
import signal
import time
import unittest

from support import Program, StreamTest, wait_until

# Runs each file cell-N of a directory when it appears, and says so; Ctrl-C interrupts a cell.
DRIVER = """
import code, os, sys, time
interpreter, number = code.InteractiveInterpreter(), 1
while True:
    path = os.path.join(sys.argv[1], f"cell-{number}")
    if not os.path.exists(path):
        time.sleep(0.02)
        continue
    with open(path) as file:
        interpreter.runcode(compile(file.read(), path, "exec"))
    print("done", number, flush=True)
    number += 1
"""

START = """
import os, sys, time
from tidemill import SparkContext
from tidemill.streaming import StreamingContext
sc = SparkContext("local[2]", "cells")
ssc = StreamingContext(sc, interval=0.05, directory=os.path.join(sys.argv[1], "data"))
total, shown = sc.accumulator(0, name="total"), []
stream = ssc.queueStream([], default=[1, 2, 3])
stream.map(lambda x: (total.add(x), x)[1]).foreachRDD(lambda rdd: shown.append(rdd.id()))
ssc.start()
"""


class Cells(StreamTest):
    def setUp(self):
        self.directory = self.temporary_directory()
        self.driver = Program(self, DRIVER, self.directory).start()
        self.cells = 0

    def begin(self, text):
        self.cells += 1
        path = os.path.join(self.directory, f"cell-{self.cells}")
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def end(self, seconds=30):
        done = f"done {self.cells}\n"
        self.assertTrue(wait_until(lambda: done in self.driver.out, seconds),
                        self.driver.out + self.driver.err)

    def cell(self, text):
        self.begin(text)
        self.end()

    def interrupt(self):
        self.driver.process.send_signal(signal.SIGINT)

    def test_a_job_is_started_looked_at_interrupted_and_stopped(self):
        self.cell(START)
        # Ctrl-C in another cell is Python's affair: the job goes on.
        self.begin("print('sleeps', flush=True); time.sleep(60)")
        self.assertTrue(wait_until(lambda: "sleeps" in self.driver.out), self.driver.err)
        self.interrupt()
        self.end()
        self.assertIn("KeyboardInterrupt", self.driver.err)
        self.cell("before = len(shown); ssc.awaitBatch(shown[-1] + 5)\n"
                  "print('state', StreamingContext.getActive() is ssc, len(shown) > before)")
        self.assertIn("state True True\n", self.driver.out)
        # In a cell that waits for the job, it ends that gracefully.
        self.begin("print('awaits', flush=True); ssc.awaitTermination()\n"
                   "print('ended', StreamingContext.getActive())")
        self.assertTrue(wait_until(lambda: "awaits" in self.driver.out), self.driver.err)
        time.sleep(0.3)
        self.interrupt()
        self.end()
        self.assertIn("ended None\n", self.driver.out)
        self.cell("first = total.value\nprint('value', first == 6 * shown[-1])")
        self.assertIn("value True\n", self.driver.out)
        # The first cell again goes on where the job was.
        self.cell(START + "print('goes on', total.value >= first)\n")
        self.assertIn("goes on True\n", self.driver.out)
        self.cell("ssc.awaitBatch(first // 6 + 5); ssc.stop()\n"
                  "print('dense', shown == list(range(shown[0], shown[-1] + 1)))\n"
                  "print('exact', total.value == 6 * shown[-1])")
        self.assertIn("dense True\n", self.driver.out)
        self.assertIn("exact True\n", self.driver.out)

    def test_a_second_interrupt_ends_the_process_at_once(self):
        self.cell(START.replace("lambda x: (total", "lambda x: (time.sleep(0.2), total"))
        self.begin("print('awaits', flush=True); ssc.awaitTermination()")
        self.assertTrue(wait_until(lambda: "awaits" in self.driver.out), self.driver.err)
        time.sleep(0.3)
        self.interrupt()
        self.assertTrue(wait_until(lambda: "a second signal stops at once" in self.driver.err))
        self.interrupt()
        self.assertEqual(self.driver.process.wait(5), 128 + signal.SIGINT, self.driver.err)


if __name__ == "__main__":
    unittest.main()
