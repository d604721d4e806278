"""What an RDD says of its numbers, and samples of it."""

import math
import operator
import unittest

import support  # noqa: F401
from tidemill import SparkContext

sc = SparkContext("local[2]", "rdds")


class Numbers(unittest.TestCase):
    def test_statistics(self):
        rdd = sc.parallelize([1.0, 2.0, 3.0, 4.0], 2)
        self.assertEqual((rdd.sum(), rdd.mean(), rdd.variance(), rdd.sampleVariance()),
                         (10.0, 2.5, 1.25, 5 / 3))
        self.assertEqual(rdd.stdev(), math.sqrt(1.25))
        self.assertEqual(rdd.sampleStdev(), math.sqrt(5 / 3))
        stats = rdd.stats()
        self.assertEqual((stats.count(), stats.min(), stats.max()), (4, 1.0, 4.0))
        self.assertEqual(stats.asDict()["sum"], 10.0)
        self.assertIn("count: 4, mean: 2.5", repr(stats))
        self.assertTrue(math.isnan(sc.emptyRDD().stats().mean()))

    def test_histogram(self):
        rdd = sc.parallelize(range(51))
        self.assertEqual(rdd.histogram(2), ([0, 25.0, 50], [25, 26]))
        self.assertEqual(rdd.histogram([0, 5, 25, 50]), ([0, 5, 25, 50], [5, 20, 26]))
        self.assertEqual(rdd.histogram([0, 15, 30, 45, 60])[1], [15, 15, 15, 6])
        self.assertEqual(sc.parallelize([3, 3]).histogram(4), ([3, 3], [2]))
        for wrong in (0, [1], [2, 1], [1, 1]):
            with self.assertRaisesRegex(ValueError, "histogram"):
                rdd.histogram(wrong)

    def test_trees_are_reductions(self):
        rdd = sc.parallelize([-5, -4, -3, -2, -1, 1, 2, 3, 4], 10)
        self.assertEqual(rdd.treeReduce(operator.add, 5), -5)
        self.assertEqual(rdd.treeAggregate(0, operator.add, operator.add, 3), -5)

    def test_samples_are_the_same_for_the_same_elements(self):
        rdd = sc.parallelize(range(10_000), 4)
        for with_replacement in (False, True):
            taken = rdd.sample(with_replacement, 0.3).collect()
            self.assertEqual(taken, rdd.sample(with_replacement, 0.3).collect())
            self.assertNotEqual(taken, rdd.sample(with_replacement, 0.3, 5).collect())
            self.assertLess(abs(len(taken) - 3000), 300)
            self.assertEqual(len(set(taken)) < len(taken), with_replacement)
            self.assertLessEqual(set(taken), set(range(10_000)))
        self.assertEqual(len(set(rdd.takeSample(False, 50, 3))), 50)
        self.assertEqual(sorted(sc.parallelize([1, 2]).takeSample(False, 9)), [1, 2])
        self.assertEqual(len(sc.parallelize([1, 2]).takeSample(True, 9)), 9)
        large, small = rdd.randomSplit([3, 1], 7)
        self.assertEqual(sorted(large.collect() + small.collect()), list(range(10_000)))
        self.assertLess(abs(large.count() - 7500), 300)

    def test_groups_of_several(self):
        one, two, three = (sc.parallelize(pairs) for pairs in (
            [("a", 1), ("b", 2)], [("a", 3), ("a", 4)], [("c", 5)]))
        self.assertEqual(sorted(one.groupWith(two, three).collect()),
                         [("a", ([1], [3, 4], [])), ("b", ([2], [], [])), ("c", ([], [], [5]))])


if __name__ == "__main__":
    unittest.main()
