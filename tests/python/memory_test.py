"""Memory stays where it is over many batches."""

import gc
import os
import resource
import sys
import unittest

from support import StreamTest
from tidemill import SparkContext
from tidemill.streaming import StreamingContext

BATCHES = int(os.environ.get("TIDEMILL_PYTHON_BATCHES", "3000"))


def resident():
    """Bytes of memory that the process has now."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


class Flat(StreamTest):
    def test_references_and_blocks_stay_flat_over_many_batches(self):
        marker = object()
        key = "a key that is looked for"
        ssc = StreamingContext(interval=0.002)
        stream = ssc.queueStream([], default=[[key, i % 5] for i in range(200)])
        pairs = stream.map(lambda x: (x[0] + str(x[1]), (marker, x[1]))).persist()
        pairs.mapValues(lambda v: v[1]).reduceByKey(lambda a, b: a + b).foreachRDD(
            lambda rdd: rdd.collect())
        pairs.mapValues(lambda v: 1).updateStateByKey(
            lambda new, old: (old or 0) + len(new)).foreachRDD(lambda rdd: rdd.take(1))
        pairs.mapValues(lambda v: 1).reduceByKeyAndWindow(
            lambda a, b: a + b, lambda a, b: a - b, 0.02, 0.002).foreachRDD(
                lambda rdd: rdd.collect())
        pairs.groupByKey().join(pairs.mapValues(lambda v: [1])).flatMapValues(
            lambda both: both[1]).foreachRDD(lambda rdd: rdd.isEmpty())
        ssc.start()
        seen = []
        for batch in (200, 700, 1200):
            self.assertTrue(ssc.awaitBatch(batch, 120))
            gc.collect()
            seen.append((sys.getrefcount(marker), sys.getallocatedblocks()))
        ssc.stop()
        (_, first), (_, second), (_, third) = seen
        # A batch runs meanwhile, and holds some thousands; 500 batches made a million.
        self.assertLess(max(count for count, _ in seen), 4000, seen)
        self.assertLess(third - min(first, second), 20000, seen)

    def test_memory_stays_flat_over_very_many_small_batches(self):
        marker = object()
        sc = SparkContext("local[2]", "many")
        elements = sc.accumulator(0)
        ssc = StreamingContext(sc, interval=0.001)
        stream = ssc.queueStream([], default=["a 1", "b 2", "a 3"])

        def pair(line):
            elements.add(1)
            return (line[0], (marker, int(line[2])))

        pairs = stream.map(pair)
        numbers = pairs.mapValues(lambda v: v[1])
        numbers.reduceByKey(lambda a, b: a + b).foreachRDD(lambda rdd: rdd.collect())
        numbers.updateStateByKey(lambda new, old: ((old or [0])[0] + len(new),)).foreachRDD(
            lambda rdd: rdd.take(1))
        numbers.reduceByKeyAndWindow(lambda a, b: a + b, lambda a, b: a - b, 0.01).foreachRDD(
            lambda rdd: rdd.collect())
        pairs.transform(lambda rdd: rdd.groupByKey()).foreachRDD(lambda rdd: rdd.count())
        rows = stream.fields("split", {"key": 1, "n": {"at": 2, "type": int}})
        rows.aggregate("key", {"n": "sum(n)"}).foreachBatch(lambda batch: batch.tuples())
        ssc.start()
        seen = []
        for part in (0.2, 0.6, 1.0):
            self.assertTrue(ssc.awaitBatch(round(BATCHES * part), 3000))
            gc.collect()
            seen.append((sys.getrefcount(marker), sys.getallocatedblocks(), resident()))
        ssc.stop()
        self.assertEqual(elements.value % 3, 0)
        self.assertGreaterEqual(elements.value, 3 * BATCHES)
        print(f"{BATCHES} batches: {[size >> 20 for _, _, size in seen]} MB", file=sys.stderr)
        first, _, last = seen
        self.assertLess(last[0], 100, seen)
        self.assertLess(last[1] - first[1], 3000, seen)
        self.assertLess(last[2] - first[2], 8 << 20, seen)

    def test_what_a_stopped_job_held_is_given_back(self):
        marker = object()

        def life():
            ssc = StreamingContext(interval=0.005)
            ssc.queueStream([[1, 2, 3]] * 3).map(lambda x: (x, marker)).groupByKey().foreachRDD(
                lambda rdd: rdd.collect())
            ssc.start()
            ssc.awaitBatch(3)
            ssc.stop()

        for _ in range(3):
            life()
        gc.collect()
        self.assertLessEqual(sys.getrefcount(marker), 5)


if __name__ == "__main__":
    unittest.main()
