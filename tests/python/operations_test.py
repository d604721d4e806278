"""What each operation means, batch by batch."""

import operator
import unittest

from support import StreamTest

NUMBERS = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]
WORDS = [[("a", 1), ("a", 1), ("b", 1)], [("", 1), ("", 1)], []]


def ones(text):
    """("a b | c") -> a batch for each part, of (word, 1)."""
    return [[(word, 1) for word in batch.split()] for batch in text.split("|")]


class Elements(StreamTest):
    def test_map(self):
        self.assertEqual(self.results(lambda s: s.map(str), NUMBERS, ordered=True),
                         [[str(n) for n in batch] for batch in NUMBERS])

    def test_flat_map_takes_lists_generators_and_texts(self):
        self.assertEqual(
            self.results(lambda s: s.flatMap(lambda x: (x, 2 * x)), NUMBERS, ordered=True),
            [[m for n in batch for m in (n, 2 * n)] for batch in NUMBERS])
        self.assertEqual(
            self.results(lambda s: s.flatMap(lambda x: (y for y in range(x))), [[2, 0, 3]]),
            [[0, 0, 1, 1, 2]])
        self.assertEqual(self.results(lambda s: s.flatMap(lambda x: x), [["ab", ""]]), [["a", "b"]])

    def test_filter(self):
        self.assertEqual(
            self.results(lambda s: s.filter(lambda x: x % 2 == 0), NUMBERS, ordered=True),
            [[2, 4], [6, 8], [10, 12]])

    def test_a_chunk_is_no_limit(self):
        many = [list(range(5000)), []]
        self.assertEqual(
            self.results(lambda s: s.flatMap(lambda x: [x] * 3).filter(lambda x: x % 2), many,
                         ordered=True),
            [[x for x in range(5000) for _ in range(3) if x % 2], []])

    def test_glom_and_map_partitions(self):
        self.assertEqual(
            self.results(lambda s: s.repartition(2).glom(), NUMBERS, ordered=True),
            [[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[9, 10], [11, 12]]])
        self.assertEqual(
            self.results(lambda s: s.repartition(2).mapPartitions(lambda part: [sum(part)]),
                         NUMBERS, ordered=True),
            [[3, 7], [11, 15], [19, 23]])
        self.assertEqual(
            self.results(lambda s: s.repartition(2).mapPartitionsWithIndex(
                lambda index, part: ((index, x) for x in part)), [[1, 2, 3, 4]], ordered=True),
            [[(0, 1), (0, 2), (1, 3), (1, 4)]])

    def test_reduce(self):
        self.assertEqual(self.results(lambda s: s.reduce(operator.add), NUMBERS + [[]]),
                         [[10], [26], [42], []])

    def test_count(self):
        self.assertEqual(
            self.results(lambda s: s.count(), [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]),
            [[0], [1], [2], [3], [4]])

    def test_count_by_value(self):
        self.assertEqual(
            self.results(lambda s: s.countByValue(), [[1], [1, 1, 1], [1, 2], [1, 1, 2, 2]]),
            [[(1, 1)], [(1, 3)], [(1, 1), (2, 1)], [(1, 2), (2, 2)]])

    def test_union(self):
        self.assertEqual(
            self.results(lambda s: s.union(s.map(lambda x: x + 4)),
                         [[1, 2, 3, 4], [101, 102, 103, 104]], ordered=True),
            [list(range(1, 9)), list(range(101, 109))])

    def test_persist_calls_a_function_once(self):
        calls = []

        def build(stream):
            kept = stream.map(lambda x: calls.append(x) or x).cache()
            kept.foreachRDD(lambda batch: batch.collect())
            return kept.union(kept)

        self.assertEqual(self.results(build, [[1, 2]]), [[1, 1, 2, 2]])
        self.assertEqual(sorted(calls), [1, 2])

    def test_transform(self):
        def in_order(time, batch):
            self.assertGreater(time.year, 2000)
            return batch.sortBy(lambda x: -x)

        self.assertEqual(self.results(lambda s: s.transform(in_order), NUMBERS, ordered=True),
                         [[4, 3, 2, 1], [8, 7, 6, 5], [12, 11, 10, 9]])
        self.assertEqual(
            self.results(lambda s: s.transform(lambda batch: batch.map(lambda x: -x)), [[1, 2]],
                         ordered=True), [[-1, -2]])

    def test_transform_with(self):
        self.assertEqual(
            self.results(lambda s, t: s.transformWith(lambda a, b: a.union(b).distinct(), t),
                         [[1, 2], [3]], [[2, 3], []]),
            [[1, 2, 3], [3]])

    def test_transform_of_several_streams(self):
        def build(s, t, u):
            return s.context().transform(
                [s, t, u], lambda batches: batches[0].union(batches[2]).union(batches[1]))

        self.assertEqual(self.results(build, [[1]], [[2]], [[3]], ordered=True), [[1, 3, 2]])


class Pairs(StreamTest):
    def test_group_by_key_keeps_the_order_of_values(self):
        self.assertEqual(self.results(lambda s: s.groupByKey(), WORDS),
                         [[("a", [1, 1]), ("b", [1])], [("", [1, 1])], []])
        many = [[(i % 7, i) for i in range(5000)]]
        self.assertEqual(
            self.results(lambda s: s.groupByKey(), many),
            [[(key, list(range(key, 5000, 7))) for key in range(7)]])

    def test_reduce_by_key(self):
        self.assertEqual(self.results(lambda s: s.reduceByKey(operator.add), WORDS),
                         [[("a", 2), ("b", 1)], [("", 2)], []])

    def test_map_values_and_flat_map_values(self):
        self.assertEqual(
            self.results(lambda s: s.reduceByKey(operator.add).mapValues(lambda v: v + 10), WORDS),
            [[("a", 12), ("b", 11)], [("", 12)], []])
        self.assertEqual(
            self.results(lambda s: s.reduceByKey(operator.add).flatMapValues(
                lambda v: [v, v + 10]), WORDS),
            [[("a", 12), ("a", 2), ("b", 1), ("b", 11)], [("", 12), ("", 2)], []])

    def test_combine_by_key(self):
        self.assertEqual(
            self.results(lambda s: s.combineByKey(lambda v: [v], lambda c, v: c + [v],
                                                  lambda c, d: c + d), WORDS),
            [[("a", [1, 1]), ("b", [1])], [("", [1, 1])], []])

    def test_partition_by(self):
        self.assertEqual(self.results(lambda s: s.partitionBy(4), WORDS),
                         [sorted(batch) for batch in WORDS])

    def joined(self, operation):
        here = [[("a", 1), ("b", 1)], [("a", 1), ("", 1)], [("", 1)], []]
        there = [[("a", "x"), ("b", "x")], [("b", "x"), ("", "x")], [], [("", "x")]]
        return self.results(lambda s, t: getattr(s, operation)(t), here, there)

    def test_joins(self):
        self.assertEqual(self.joined("join"),
                         [[("a", (1, "x")), ("b", (1, "x"))], [("", (1, "x"))], [], []])
        self.assertEqual(
            self.joined("leftOuterJoin"),
            [[("a", (1, "x")), ("b", (1, "x"))], [("", (1, "x")), ("a", (1, None))],
             [("", (1, None))], []])
        self.assertEqual(
            self.joined("rightOuterJoin"),
            [[("a", (1, "x")), ("b", (1, "x"))], [("", (1, "x")), ("b", (None, "x"))], [],
             [("", (None, "x"))]])
        self.assertEqual(
            self.joined("fullOuterJoin"),
            [[("a", (1, "x")), ("b", (1, "x"))],
             [("", (1, "x")), ("a", (1, None)), ("b", (None, "x"))], [("", (1, None))],
             [("", (None, "x"))]])

    def test_cogroup(self):
        here = [[("a", 1), ("a", 1), ("b", 1)], [("a", 1), ("", 1)], [("", 1)], []]
        there = [[("a", "x"), ("a", "x"), ("b", "x")], [("b", "x"), ("", "x")], [], []]
        self.assertEqual(
            self.results(lambda s, t: s.cogroup(t), here, there),
            [[("a", ([1, 1], ["x", "x"])), ("b", ([1], ["x"]))],
             [("", ([1], ["x"])), ("a", ([1], [])), ("b", ([], ["x"]))], [("", ([1], []))], []])

    def test_equal_keys_are_one_and_look_like_the_first(self):
        batch = [(True, 1), (1, 1), (1.0, 1), (0, 1), (-0.0, 1), (None, 1), ((1, "x"), 1),
                 ((True, "x"), 1), (b"x", 1), ("x", 1), (frozenset([1, 2]), 1),
                 (frozenset([2.0, 1]), 1)]
        made = self.results(lambda s: s.reduceByKey(operator.add), [batch])[0]
        self.assertEqual(
            sorted(made, key=repr),
            sorted([(True, 3), (0, 2), (None, 1), ((1, "x"), 2), (b"x", 1), ("x", 1),
                    (frozenset([1, 2]), 2)], key=repr))
        self.assertIs(next(key for key, count in made if count == 3), True)

    def test_keys_of_a_state_look_like_the_first(self):
        made = self.results(
            lambda s: s.updateStateByKey(lambda new, old: (old or 0) + sum(new)),
            [[(True, 1)], [(1, 1), (2.5, 1)], []])
        self.assertEqual([repr(batch) for batch in made],
                         ["[(True, 1)]", "[(2.5, 1), (True, 2)]", "[(2.5, 1), (True, 2)]"])


class Windows(StreamTest):
    ELEMENTS = [[0], [1], [2], [3], [4], [5]]
    BIG = ones("a|a b|a b c|a b|a||a|a b|a b c|a b|a|")
    BIG_SUMS = [[("a", 1)], [("a", 2), ("b", 1)], [("a", 2), ("b", 2), ("c", 1)],
                [("a", 2), ("b", 2), ("c", 1)], [("a", 2), ("b", 1)], [("a", 1)], [("a", 1)],
                [("a", 2), ("b", 1)], [("a", 2), ("b", 2), ("c", 1)],
                [("a", 2), ("b", 2), ("c", 1)], [("a", 2), ("b", 1)], [("a", 1)]]

    def test_window(self):
        self.assertEqual(
            self.results(lambda s: s.window(0.1, 0.05), self.ELEMENTS),
            [[0], [0, 1], [1, 2], [2, 3], [3, 4], [4, 5]])

    def test_reduce_by_key_and_window(self):
        def plain(stream):
            return stream.reduceByKeyAndWindow(operator.add, None, 0.1, 0.05)

        self.assertEqual(self.results(plain, ones("a|a")), [[("a", 1)], [("a", 2)]])
        self.assertEqual(self.results(plain, ones("a|a b")), [[("a", 1)], [("a", 2), ("b", 1)]])
        self.assertEqual(self.results(plain, ones("a|a||")),
                         [[("a", 1)], [("a", 2)], [("a", 1)], []])
        self.assertEqual(self.results(plain, self.BIG), self.BIG_SUMS)

    def test_the_same_with_an_inverse(self):
        self.assertEqual(
            self.results(lambda s: s.reduceByKeyAndWindow(operator.add, operator.sub, 0.1, 0.05),
                         ones("a|a||")),
            [[("a", 1)], [("a", 2)], [("a", 1)], [("a", 0)]])
        self.assertEqual(
            self.results(lambda s: s.reduceByKeyAndWindow(
                operator.add, operator.sub, 0.1, 0.05,
                filterFunc=lambda pair: pair[1] != 0), self.BIG),
            self.BIG_SUMS)

    def test_a_window_as_long_as_its_slide(self):
        sums = self.results(lambda s: s.reduceByKeyAndWindow(operator.add, None, 0.05, 0.05),
                            ones("a a|a b|"))
        self.assertEqual(sums, [[("a", 2)], [("a", 1), ("b", 1)], []])

    def test_group_by_key_and_window(self):
        numbered = [[("a", 1)], [("a", 2), ("b", 3)], [], []]
        self.assertEqual(
            self.results(lambda s: s.groupByKeyAndWindow(0.1, 0.05), numbered),
            [[("a", [1])], [("a", [1, 2]), ("b", [3])], [("a", [2]), ("b", [3])], []])

    def test_counts_of_windows(self):
        batches = [[], ["x", "y"], ["x"], [], []]
        self.assertEqual(self.results(lambda s: s.countByWindow(0.1, 0.05), batches),
                         [[], [2], [3], [1], [0]])
        self.assertEqual(
            self.results(lambda s: s.countByValueAndWindow(0.1, 0.05), batches),
            [[], [("x", 1), ("y", 1)], [("x", 2), ("y", 1)], [("x", 1)], []])

    def test_reduce_by_window(self):
        batches = [[1, 2], [3], [], []]
        self.assertEqual(
            self.results(lambda s: s.reduceByWindow(operator.add, None, 0.1, 0.05), batches),
            [[3], [6], [3], []])
        self.assertEqual(
            self.results(lambda s: s.reduceByWindow(operator.add, operator.sub, 0.1, 0.05),
                         batches),
            [[3], [6], [3], [0]])

    def test_times_that_are_no_multiples_are_refused(self):
        with self.assertRaisesRegex(ValueError, "multiples"):
            self.results(lambda s: s.window(0.07), self.ELEMENTS)


class States(StreamTest):
    UPDATES = ones("a|a b|a b c|a b|a|")

    @staticmethod
    def total(new, old):
        return (old or 0) + sum(new)

    def test_update_state_by_key(self):
        self.assertEqual(
            self.results(lambda s: s.updateStateByKey(self.total), self.UPDATES),
            [[("a", 1)], [("a", 2), ("b", 1)], [("a", 3), ("b", 2), ("c", 1)],
             [("a", 4), ("b", 3), ("c", 1)], [("a", 5), ("b", 3), ("c", 1)],
             [("a", 5), ("b", 3), ("c", 1)]])

    def test_initial_states(self):
        self.assertEqual(
            self.results(lambda s: s.updateStateByKey(
                self.total, initialRDD=s.context().sparkContext.parallelize(
                    [("a", 1), ("c", 2)])), self.UPDATES),
            [[("a", 2), ("c", 2)], [("a", 3), ("b", 1), ("c", 2)],
             [("a", 4), ("b", 2), ("c", 3)], [("a", 5), ("b", 3), ("c", 3)],
             [("a", 6), ("b", 3), ("c", 3)], [("a", 6), ("b", 3), ("c", 3)]])

    def test_none_removes_a_key(self):
        self.assertEqual(
            self.results(lambda s: s.updateStateByKey(lambda new, old: sum(new) or None),
                         ones("a|b|")),
            [[("a", 1)], [("b", 1)], []])

    def test_map_with_state(self):
        def count(key, value, state):
            state.update((state.getOption() or 0) + value)
            return state.get()

        snapshots = {}

        def build(stream):
            made = stream.mapWithState(count)
            made.stateSnapshots().foreachRDD(
                lambda rdd: snapshots.__setitem__(rdd.id(), sorted(rdd.collect())))
            return made

        batches = [[]] + self.UPDATES
        self.assertEqual(self.results(build, batches),
                         [[], [1], [1, 2], [1, 2, 3], [3, 4], [5], []])
        self.assertEqual(
            [snapshots[n] for n in range(1, 8)],
            [[], [("a", 1)], [("a", 2), ("b", 1)], [("a", 3), ("b", 2), ("c", 1)],
             [("a", 4), ("b", 3), ("c", 1)], [("a", 5), ("b", 3), ("c", 1)],
             [("a", 5), ("b", 3), ("c", 1)]])

    def test_several_records_of_a_key_see_each_others_state(self):
        def numbered(key, value, state):
            state.update((state.getOption() or 0) + 1)
            return (value, state.get())

        self.assertEqual(
            self.results(lambda s: s.mapWithState(numbered), [[("k", "x"), ("k", "y")]]),
            [[("x", 1), ("y", 2)]])

    def test_an_idle_key_times_out(self):
        def seen(key, value, state):
            if state.isTimingOut():
                return (key, "gone", state.get())
            state.update(value)
            return (key, value)

        self.assertEqual(
            self.results(lambda s: s.mapWithState(seen, timeout=0.1), [[("a", 1)]], batches=4),
            [[("a", 1)], [], [], [("a", "gone", 1)]])

    def test_a_removed_state_cannot_be_changed(self):
        def twice(key, value, state):
            state.remove()
            state.update(1)

        ssc_error = None
        try:
            self.results(lambda s: s.mapWithState(twice), [[("a", 1)]])
        except Exception as error:  # noqa: BLE001
            ssc_error = str(error)
        self.assertIn("the state was removed in this call", ssc_error or "")


if __name__ == "__main__":
    unittest.main()
