"""Keys are equal bytes when they are equal in Python, and values come back as they were."""

import collections
import itertools
import math
import os
import random
import subprocess
import sys
import unittest

from tidemill import _native


def random_text(rng):
    alphabet = "ab é日\U0001f600\0\n\udc80"
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(6)))


def random_number(rng):
    return rng.choice([
        lambda: rng.randrange(-3, 4), lambda: rng.randrange(-2**70, 2**70),
        lambda: rng.choice([2**63, -2**63, 2**63 - 1, 2**64, -2**63 - 1, 255, 256, -256]),
        lambda: float(rng.randrange(-3, 4)), lambda: rng.uniform(-2, 2),
        lambda: rng.choice([0.0, -0.0, math.inf, -math.inf, 1e300, 2.0**64, 5e-324]),
        lambda: rng.choice([True, False])])()


def random_key(rng, depth=0):
    kinds = [random_text, random_number, lambda r: None,
             lambda r: bytes(r.randrange(256) for _ in range(r.randrange(4)))]
    if depth < 2:
        kinds.append(lambda r: tuple(random_key(r, depth + 1) for _ in range(r.randrange(3))))
        kinds.append(lambda r: frozenset(random_key(r, depth + 1) for _ in range(r.randrange(3))))
    return rng.choice(kinds)(rng)


class Color(int):
    """Compares as int does."""


Point = collections.namedtuple("Point", "x y")


class Keys(unittest.TestCase):
    def test_bytes_are_equal_exactly_when_keys_are(self):
        rng = random.Random(1)
        keys = [random_key(rng) for _ in range(1500)]
        encoded = [_native.encodeKey(key) for key in keys]
        equal = 0
        for (a, x), (b, y) in itertools.combinations(zip(keys, encoded), 2):
            self.assertEqual(a == b, x == y, (a, b))
            equal += a == b
        self.assertGreater(equal, 1000)

    def test_a_key_comes_back_equal_and_a_plain_one_as_it_was(self):
        rng = random.Random(2)
        plain = 0
        for _ in range(20000):
            key = random_key(rng)
            back = _native.decodeKey(_native.encodeKey(key))
            self.assertEqual(back, key)
            if _native.isPlainKey(key):
                plain += 1
                self.assertTrue(same(back, key), (back, key))
        self.assertGreater(plain, 5000)

    def test_text_is_its_utf8(self):
        for text in ("", "word", "né", "日本", "\0"):
            self.assertEqual(_native.encodeKey(text), text.encode())

    def test_numbers_lie_in_their_order(self):
        rng = random.Random(3)
        numbers = sorted(random_number(rng) for _ in range(2000))
        whole = [n for n in numbers if math.isfinite(n) and n == int(n)]
        self.assertEqual(sorted(whole, key=_native.encodeKey), whole)

    def test_every_nan_is_one_key(self):
        self.assertEqual(_native.encodeKey(math.nan), _native.encodeKey(-math.nan))
        self.assertTrue(math.isnan(_native.decodeKey(_native.encodeKey(math.nan))))

    def test_subclasses_are_what_they_inherit(self):
        self.assertEqual(_native.encodeKey(Color(3)), _native.encodeKey(3))
        self.assertEqual(_native.encodeKey(Point(1, 2)), _native.encodeKey((1, 2)))
        self.assertFalse(_native.isPlainKey(Point(1, 2)))

    def test_others_are_refused_with_what_to_do(self):
        for key in ([1], {"a": 1}, {1}, object(), 1j, (1, [2])):
            with self.assertRaisesRegex(Exception, r"keys are str, bytes, int.*such as str\(key\)"):
                _native.encodeKey(key)

    def test_damaged_bytes_are_refused(self):
        for damaged in (b"\xf9", b"\xf9\x85\x01", b"\xfa\x01", b"\xfc\x05a", b"\xff"):
            with self.assertRaises(Exception):
                _native.decodeKey(damaged)


def random_value(rng, depth=0):
    kinds = [lambda: random_key(rng, 2)]
    if depth < 3:
        several = lambda: [random_value(rng, depth + 1) for _ in range(rng.randrange(4))]  # noqa: E731
        kinds += [several, lambda: tuple(several()),
                  lambda: {random_key(rng): random_value(rng, depth + 1)
                           for _ in range(rng.randrange(4))},
                  lambda: {random_key(rng) for _ in range(rng.randrange(4))},
                  lambda: frozenset(random_key(rng) for _ in range(rng.randrange(4)))]
    return rng.choice(kinds)()


def shape(value):
    """What is the same for values that are equal and of the same types all the way down."""
    if isinstance(value, (set, frozenset)):
        return type(value), sorted(map(repr, map(shape, value)))
    if isinstance(value, (list, tuple)):
        return type(value), [shape(part) for part in value]
    if isinstance(value, dict):
        return type(value), [(shape(key), shape(held)) for key, held in value.items()]
    return type(value), repr(value)


def same(a, b):
    return shape(a) == shape(b)


class Values(unittest.TestCase):
    def test_a_value_comes_back_as_it_was(self):
        rng = random.Random(4)
        for _ in range(20000):
            value = random_value(rng)
            back = _native.decodeValue(_native.encodeValue(value))
            self.assertTrue(same(back, value), (value, back))

    def test_others_are_pickled(self):
        for value in (1j, Point(1, 2), collections.OrderedDict(a=1), collections.Counter("aab"),
                      range(3), bytearray(b"x")):
            back = _native.decodeValue(_native.encodeValue(value))
            self.assertEqual(back, value)
            self.assertIs(type(back), type(value))

    def test_what_holds_itself_comes_back(self):
        value = [1]
        value.append(value)
        back = _native.decodeValue(_native.encodeValue(value))
        while back[0] == 1 and back[1] is not back[1][1]:
            back = back[1]
        self.assertEqual(back[0], 1)

    def test_what_cannot_be_pickled_is_said(self):
        with self.assertRaisesRegex(Exception, "pickle"):
            _native.encodeValue(lambda: None)

    def test_bytes_cut_short_are_refused(self):
        rng = random.Random(5)
        for _ in range(300):
            encoded = _native.encodeValue(random_value(rng))
            for end in range(len(encoded)):
                with self.assertRaises(Exception):
                    _native.decodeValue(encoded[:end])

    def test_bytes_do_not_depend_on_the_seed_of_hashes(self):
        script = ("from tidemill import _native\n"
                  "value = {'k': {'a', 'b', 'c', 1, 2.5, None}, 'f': frozenset('xyz')}\n"
                  "print(_native.encodeValue(value).hex(), "
                  "_native.encodeKey(frozenset(['a', 'b', ('c', 1)])).hex())")
        made = {subprocess.run([sys.executable, "-c", script], check=True, capture_output=True,
                               env=dict(os.environ, PYTHONHASHSEED=str(seed))).stdout
                for seed in range(5)}
        self.assertEqual(len(made), 1)


class Documented(unittest.TestCase):
    def test_the_example_of_the_format_page(self):
        page = os.path.join(os.path.dirname(__file__), "../../docs/formats/python_values.md")
        with open(page, encoding="utf-8") as file:
            rows = [line.split("|")[1:4] for line in file.read().split("## Example")[1].splitlines()
                    if line.startswith("| `")]
        self.assertGreater(len(rows), 8)
        for shown, key, value in rows:
            made = eval(shown.strip(" `"))  # an object as Python writes it
            self.assertEqual(_native.encodeKey(made), bytes.fromhex(key.strip(" `")), shown)
            self.assertEqual(_native.encodeValue(made), bytes.fromhex(value.strip(" `")), shown)


if __name__ == "__main__":
    unittest.main()
