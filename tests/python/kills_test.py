"""A Python program with state, windows and files, killed again and again, is exact."""

import collections
import os
import random
import re
import signal
import time
import unittest

from support import Program, Sender, StreamTest, free_port, wait_until

KILLS = int(os.environ.get("TIDEMILL_KILLS", "12"))

PROGRAM = """
import sys
from tidemill import SparkContext
from tidemill.streaming import StreamingContext

directory, port, out, seed = sys.argv[1:]
sc = SparkContext("local[2]", "killed")
ssc = StreamingContext(sc, 0.1)
ssc.checkpoint(directory)
lines = ssc.acknowledgedTextStream("127.0.0.1", int(port))
pairs = lines.flatMap(lambda line: line.split(" ")).map(lambda word: (word, 1))
pairs.reduceByKey(lambda a, b: a + b).saveAsTextFiles(out)

# States are dicts, and keys of all kinds.
def update(new, old):
    old = old or {"count": 0, "batches": set()}
    if new:
        old = {"count": old["count"] + sum(new), "batches": old["batches"] | {str(len(new))}}
    return old

pairs.map(lambda pair: ((len(pair[0]), pair[0]), pair[1])).updateStateByKey(update) \\
     .mapValues(lambda state: state["count"]).foreachRDD(
         lambda rdd: open(out + ".state", "w").write(repr(sorted(rdd.collect()))))
pairs.reduceByKeyAndWindow(lambda a, b: a + b, lambda a, b: a - b, 3600, 0.1).foreachRDD(
    lambda rdd: open(out + ".window", "w").write(repr(sorted(rdd.collect()))))
pairs.groupByKeyAndWindow(3600, 0.1).mapValues(len).foreachRDD(
    lambda rdd: open(out + ".groups", "w").write(repr(sorted(rdd.collect()))))
ssc.start()
ssc.awaitTermination()
"""


def read(path):
    with open(path, encoding="utf-8") as file:
        return eval(file.read())  # what repr() wrote


class Kills(StreamTest):
    def test_every_word_counts_once_in_state_windows_and_files(self):
        rng = random.Random(7)
        words = [f"word{i}" for i in range(40)] + ["é", "日本", ""]
        lines = [" ".join(rng.choice(words) for _ in range(rng.randrange(1, 8)))
                 for _ in range(4000)]
        expected = collections.Counter(word for line in lines for word in line.split(" "))
        base = self.temporary_directory()
        port = free_port()
        out = os.path.join(base, "out")
        program = Program(self, PROGRAM, os.path.join(base, "data"), str(port), out, "0")
        per_life = len(lines) // KILLS + 1
        for life in range(KILLS):
            program.start()
            # Of each life only a part, so that all lives have work.
            sender = Sender(port, "s", lines[:per_life * (life + 1)])
            end = time.monotonic() + rng.uniform(0.3, 1.2)
            while time.monotonic() < end:
                if sender.send_for(end - time.monotonic()):
                    time.sleep(max(0.0, min(0.3, end - time.monotonic())) * rng.random())
                    break
                time.sleep(0.02)
            program.kill()
        program.start()
        sender = Sender(port, "s", lines)
        self.assertTrue(wait_until(lambda: sender.send_for(5), 60), program.err)
        # A batch later the program awaits its end: before that a signal is Python's own affair.
        durable = time.time()
        self.assertTrue(wait_until(lambda: os.path.getmtime(out + ".state") > durable + 0.2),
                        program.err)
        program.process.send_signal(signal.SIGTERM)
        self.assertEqual(program.process.wait(60), 0, program.err)

        totals = dict(expected)
        self.assertEqual({word: count for (_, word), count in read(out + ".state")}, totals)
        self.assertEqual(dict(read(out + ".window")), totals)
        self.assertEqual(dict(read(out + ".groups")), totals)
        in_files = collections.Counter()
        for name in os.listdir(base):
            if re.fullmatch(r"out-\d+", name):
                for part in os.listdir(os.path.join(base, name)):
                    if part.startswith("part-"):
                        with open(os.path.join(base, name, part), encoding="utf-8") as file:
                            for line in file:
                                word, count = eval(line)  # what str() wrote of a pair
                                in_files[word] += count
        self.assertEqual(dict(in_files), totals)


if __name__ == "__main__":
    unittest.main()
