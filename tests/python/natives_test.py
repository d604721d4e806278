"""Functions that the engine does itself mean what they mean in CPython."""

import collections
import math
import operator
import os
import random
import unittest

from support import StreamTest, wait_until
from tidemill import _forms
from tidemill.streaming import StreamingContext

LINES = int(os.environ.get("TIDEMILL_RANDOM_LINES", "100000"))

# What texts are made of: words, all kinds of white space, letters whose case is long or depends on
# their neighbours, bytes that are no UTF-8.
PIECES = [b" ", b" ", b"  ", b"\t", b"\r", b"\x0b", b"\x0c", b"\x1c", b"\x1f", b"\x00", b"a", b"B",
          b"word", b"Word", b"WORD", "é".encode(), "ÉÀ".encode(), "İ".encode(), "ß".encode(),
          "ΑΣ".encode(), "ǅ".encode(), "日本".encode(), "\U0001f600".encode(), "\u00a0".encode(),
          "\u0085".encode(), "\u1680".encode(), "\u2003".encode(), "\u2028".encode(),
          "\u205f".encode(), "\u3000".encode(), "\u200b".encode(), b"\xff", b"\xc3", b"\xe2\x80",
          b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\xaf", b",", b";", b"1", b"-"]


def random_line(rng):
    kind = rng.random()
    if kind < 0.05:
        return b""
    if kind < 0.5:  # the common case: ASCII
        return b" ".join(rng.choice([b"the", b"Tide", b"mill", b"", b"of", b"x" * rng.randrange(90)])
                         for _ in range(rng.randrange(1, 12)))
    return b"".join(rng.choice(PIECES) for _ in range(rng.randrange(12)))


def module_split(line):
    return line.split(";")


# (what the engine does itself, what it does not know and means the same)
FLAT_MAPS = [
    (lambda line: line.split(" "), lambda line: [w for w in line.split(" ")]),
    (lambda line: line.split(), lambda line: [w for w in line.split()]),
    (str.split, lambda line: list(line.split())),
    (lambda s: s.split(","), lambda line: list(line.split(","))),
    (module_split, lambda line: list(line.split(";"))),
    (lambda line: line.split("ß"), lambda line: list(line.split("ß"))),
    (lambda line: line.split("  "), lambda line: list(line.split("  "))),
    (lambda line: line.split("\r"), lambda line: list(line.split("\r"))),
]
MAPS = [
    (lambda x: x.lower(), lambda x: "" + x.lower()),
    (str.upper, lambda x: "" + x.upper()),
    (str.strip, lambda x: "" + x.strip()),
    (lambda x: (x, 1), lambda x: (x, int("1"))),
    (lambda x: (x, -7), lambda x: (x, int("-7"))),
]
FILTERS = [
    (lambda x: x, lambda x: x if x else None), (bool, lambda x: x != "" or False),
    (len, lambda x: bool(len(x) + 0)), (lambda x: len(x) > 0, lambda x: 0 < len(x)),
    (lambda x: x != "", lambda x: not x == ""),
]


class Texts(StreamTest):
    def compare(self, build):
        """build(lines) -> pairs of streams, whose elements must be the same in every batch."""
        directory = self.temporary_directory()
        rng = random.Random(11)
        lines = [random_line(rng) for _ in range(LINES)]
        for number in range(4):
            with open(os.path.join(directory, f"{number}.txt"), "wb") as file:
                for line in lines[number::4]:
                    file.write(line.replace(b"\n", b"") + rng.choice([b"\n", b"\r\n"]))
                if number == 3:
                    file.write(b"the last line has no end \xff")
        ssc = StreamingContext(interval=0.1)
        source = ssc.textFileStream(directory, existing="take")
        seen, compared = [], []
        for known, other in build(source):
            found = {}

            def keep(rdd, found=found):
                found[rdd.id()] = collections.Counter(rdd.collect())

            def check(rdd, found=found):
                made = collections.Counter(rdd.collect())
                compared.append(sum(made.values()))
                if made != found[rdd.id()]:
                    wrong = (made - found[rdd.id()], found[rdd.id()] - made)
                    seen.append([side.most_common(3) for side in wrong])

            known.foreachRDD(keep)
            other.foreachRDD(check)
        total = []
        source.count().foreachRDD(lambda rdd: total.append(rdd.first()))
        ssc.start()
        wait_until(lambda: sum(total) >= LINES + 1 or StreamingContext.getActive() is not ssc, 200)
        ssc.stop(stopGraceFully=True)
        self.assertEqual(sum(total), LINES + 1)
        self.assertEqual(seen, [])
        self.assertGreater(sum(compared), LINES)

    def test_splitting(self):
        self.compare(lambda lines: [(lines.flatMap(known), lines.flatMap(other))
                                    for known, other in FLAT_MAPS])

    def test_maps_and_filters_of_lines(self):
        self.compare(lambda lines: [(lines.map(known), lines.map(other)) for known, other in MAPS]
                     + [(lines.filter(known), lines.filter(other)) for known, other in FILTERS])

    def test_chains_and_sums(self):
        def opaque(x):
            return list(x)

        def build(lines):
            words = lines.flatMap(lambda line: line.split(" "))
            same = lines.flatMap(lambda line: opaque(line.split(" ")))
            yield (words.map(str.lower).filter(lambda w: w).map(lambda w: (w, 3))
                   .reduceByKey(lambda a, b: a + b),
                   same.map(lambda w: "" + w.lower()).filter(lambda w: len(w) >= 1)
                   .map(lambda w: (w, 1 + 2)).reduceByKey(lambda a, b: b + a))
            yield words.countByValue(), same.map(lambda w: (w, 1)).reduceByKey(operator.add)
            yield words.count(), same.count()
            yield words.cache().union(lines), same.union(lines.map(lambda x: "" + x))
            ones = words.map(lambda w: (w, 1))
            yield ones.groupByKey().mapValues(len), same.map(lambda w: (w, 2 - 1)).groupByKey(
                ).mapValues(lambda v: len(v))
            sums = ones.reduceByKey(operator.add)
            yield (sums.reduceByKey(lambda a, b: a + b).mapValues(lambda v: v * 2),
                   same.map(lambda w: (w, 2)).reduceByKey(lambda a, b: b + a))
            yield sums.map(lambda kv: kv[1]).reduce(max), sums.map(
                lambda kv: kv[1]).reduce(lambda a, b: a if a > b else b)

        self.compare(build)


def random_operand(rng):
    return rng.choice([
        rng.randrange(-5, 5), 2**63 - rng.randrange(3), -2**63 + rng.randrange(3),
        rng.randrange(-2**80, 2**80), rng.uniform(-1, 1), math.nan, math.inf, 0.0, -0.0, True,
        False])


class Operands(StreamTest):
    def test_reductions_mean_what_they_mean_in_python(self):
        rng = random.Random(5)
        pairs = [(i // 4, random_operand(rng)) for i in range(20000)]
        pairs += [(f"t{i // 4}", rng.choice(["a", "é", ""])) for i in range(2000)]
        pairs += [(f"l{i // 4}", [rng.randrange(3)]) for i in range(2000)]

        def greater(a, b):
            return max([a, b])

        def build(stream):
            numbers = stream.filter(lambda kv: isinstance(kv[0], int))
            made = []
            for known, other in ((operator.add, lambda a, b: a.__class__.__add__ and a + b + 0
                                  if isinstance(a, (int, float)) and False else (a + b)),
                                 (max, greater), (min, lambda a, b: min([a, b])),
                                 (lambda a, b: a - b, lambda a, b: (a - b))):
                of = stream if known is operator.add else numbers
                made.append((of.reduceByKey(known), of.reduceByKey(lambda a, b, f=other: f(a, b))))
            return made

        ssc = StreamingContext(interval=0.05)
        stream = ssc.queueStream([pairs])
        results = []
        for known, other in build(stream):
            results.append(([], []))
            known.foreachRDD(lambda rdd, to=results[-1][0]: to.extend(rdd.collect()))
            other.foreachRDD(lambda rdd, to=results[-1][1]: to.extend(rdd.collect()))
        ssc.start()
        self.assertTrue(ssc.awaitBatch(1))
        ssc.stop()
        for known, other in results:
            self.assertGreater(len(known), 1000)
            self.assertEqual(sorted(map(repr, known)), sorted(map(repr, other)))


class Forms(unittest.TestCase):
    def test_forms_are_found(self):
        for function, form in (
                (lambda line: line.split(" "), ("splitAt", " ", 0)), (module_split,
                                                                      ("splitAt", ";", 0)),
                (lambda word: (word, 1), ("pair", "", 1)), (operator.add, ("add", "", 0)),
                (lambda x, y: x + y, ("add", "", 0)), (lambda a, b: max(a, b), ("maximum", "", 0))):
            self.assertEqual(_forms.form_of(function), form)

    def test_what_only_looks_like_a_form_is_not_taken_for_it(self):
        separator = " "
        max = min  # noqa: A001, F841
        for function in (lambda a, b: b + a, lambda w: (w, True), lambda w: (w, 1.0),
                         lambda w: (w, 10**6), lambda line: line.split(separator),
                         lambda line: line.split(""), lambda line: line.split(" ", 1),
                         lambda line, sep=" ": line.split(" "), lambda *x: x,
                         lambda x: (yield x), lambda a, b: max(a, b), lambda a, b: a + a,
                         lambda w: (1, w), lambda x: x.split, print):
            self.assertEqual(_forms.form_of(function)[0], "", function.__code__.co_code
                             if hasattr(function, "__code__") else function)

    def test_a_builtin_that_the_module_names_anew_is_not_the_builtin(self):
        space = {"max": min}
        exec("f = lambda a, b: max(a, b)", space)
        self.assertEqual(_forms.form_of(space["f"])[0], "")


if __name__ == "__main__":
    unittest.main()
