"""Rows: typed columns out of lines, worked on without Python, looked at as columns."""

import collections
import contextlib
import datetime
import json
import os
import random
import sqlite3
import unittest

from support import Program, Sender, StreamTest, free_port, wait_until
from tidemill import StreamingError
from tidemill.streaming import StreamingContext

try:
    import numpy
except ImportError:
    numpy = None
try:
    import pandas
except ImportError:
    pandas = None
try:
    import pyarrow
except ImportError:
    pyarrow = None

UTC = datetime.timezone.utc


class RowTest(StreamTest):
    def batches(self, build, *batches, interval=0.03, **options):
        """The RowBatches of the rows that build(lines) declares."""
        ssc = StreamingContext(interval=interval, **options)
        made = {}
        build(ssc.queueStream(list(batches), default=[])).foreachBatch(
            lambda batch: made.__setitem__(batch.id, batch))
        ssc.start()
        try:
            if not ssc.awaitBatch(len(batches)):
                ssc.awaitTermination(1)
        finally:
            ssc.stop()
        return [made[id] for id in range(1, len(batches) + 1)]

    def rows(self, build, *batches, **options):
        """Their rows, sorted."""
        return [sorted(batch.tuples(), key=repr)
                for batch in self.batches(build, *batches, **options)]


REQUESTS = ['{"path": "/a", "status": 200, "ms": 1.5, "tags": ["x", "y"]}',
            '{"path": "/b", "status": 500, "ms": 4, "tags": []}',
            '{"path": "/a", "status": 404, "ms": null}']
FIELDS = {"path": str, "status": int, "ms": {"type": float, "optional": True},
          "tags": {"optional": True}}


class Operations(RowTest):
    def test_columns_have_names_types_and_values(self):
        batch, empty = self.batches(lambda lines: lines.fields("json", FIELDS), REQUESTS, [])
        self.assertEqual({name: column.type for name, column in batch.items()},
                         {"path": "text", "status": "int", "ms": "float", "tags": "json"})
        self.assertEqual(batch.count(), 3)
        self.assertEqual(list(batch["path"]), ["/a", "/b", "/a"])
        self.assertEqual(batch["ms"].tolist(), [1.5, 4.0, None])
        self.assertEqual(batch["ms"].null_count, 1)
        self.assertEqual(batch["tags"].tolist(), [["x", "y"], [], None])
        self.assertEqual(batch["status"][1], 500)
        self.assertEqual(batch.rows()[1], {"path": "/b", "status": 500, "ms": 4.0, "tags": []})
        self.assertEqual((empty.count(), empty.rows()), (0, []))

    def test_row_by_row(self):
        def build(lines):
            rows = lines.fields(by="json", fields=FIELDS)
            return (rows.where("status >= 400").compute(kind="status / 100", path="upper(path)")
                    .rename(ms="took").drop("tags").select("path", "kind", "took"))
        self.assertEqual(self.rows(build, REQUESTS)[0], [("/A", 4, None), ("/B", 5, 4.0)])
        self.assertEqual(
            self.rows(lambda lines: lines.fields("json", FIELDS).explode("tags").select("tags"),
                      REQUESTS)[0], [("x",), ("y",)])
        self.assertEqual(
            self.rows(lambda lines: lines.fields("split", {"a": 1, "b": {"at": 2, "type": int}},
                                                 separator=";").distinct("a").top(["b", "a asc"],
                                                                                  n=2),
                      ["x;1", "x;2", "y;5", "z;5"])[0], [("y", 5), ("z", 5)])

    def test_aggregates_of_batches_windows_and_for_ever(self):
        def fields(lines):
            return lines.fields("split", {"key": 1, "n": {"at": 2, "type": int}})
        batches = ["a 1", "b 2", "a 3"], ["a 10"], []
        compute = {"total": "sum(n)", "rows": "count()"}
        self.assertEqual(
            self.rows(lambda lines: fields(lines).aggregate("key", compute), *batches),
            [[("a", 4, 2), ("b", 2, 1)], [("a", 10, 1)], []])
        self.assertEqual(
            self.rows(lambda lines: fields(lines).aggregate(
                "key", compute, where="n < 10", having="total > 2"), *batches),
            [[("a", 4, 2)], [], []])
        self.assertEqual(
            self.rows(lambda lines: fields(lines).aggregate("key", compute, window=3600), *batches),
            [[("a", 4, 2), ("b", 2, 1)], [("a", 14, 3), ("b", 2, 1)], [("a", 14, 3), ("b", 2, 1)]])
        self.assertEqual(
            self.rows(lambda lines: fields(lines).aggregate(
                "key", compute, running=True, name="totals"), *batches),
            [[("a", 4, 2), ("b", 2, 1)], [("a", 14, 3)], []])
        self.assertEqual(
            self.rows(lambda lines: fields(lines).aggregate([], {"n": "max(n)"}), *batches)[:2],
            [[(3,)], [(10,)]])

    def test_joins_unions_and_queries(self):
        def two(lines):
            rows = lines.fields("split", {"key": 1, "n": {"at": 2, "type": int}})
            return rows.where("n < 10"), rows.where("n >= 10").rename(n="large")
        lines = ["a 1", "b 2", "a 30"]
        self.assertEqual(self.rows(lambda s: two(s)[0].join(two(s)[1], on="key"), lines)[0],
                         [("a", 1, 30)])
        self.assertEqual(self.rows(lambda s: two(s)[0].join(two(s)[1], "key", "left"), lines)[0],
                         [("a", 1, 30), ("b", 2, None)])
        self.assertEqual(
            self.rows(lambda s: two(s)[0].union(two(s)[1].rename(large="n")), lines)[0],
            [("a", 1), ("a", 30), ("b", 2)])
        self.assertEqual(
            self.rows(lambda s: two(s)[0].sql(
                "select key, sum(n) as n, count(*) as c from stream group by key"), lines)[0],
            [("a", 1, 1), ("b", 2, 1)])
        self.assertEqual(
            self.rows(lambda s: two(s)[0].sql(
                "select key, n + large as both from stream join large_ones using (key)",
                large_ones=two(s)[1]), lines)[0], [("a", 31)])

    def test_lines_that_python_made_and_rows_that_python_takes(self):
        def build(lines):
            return (lines.map(lambda line: line.replace("-", " ")).fields(
                "split", {"word": 1, "n": {"at": 2, "type": int}}))
        made = self.results(
            lambda stream: build(stream).toDStream().map(lambda row: (row["word"], row["n"]))
            .reduceByKey(lambda a, b: a + b), [["a-1", "b-2", "a-3"]])
        self.assertEqual(made, [[("a", 4), ("b", 2)]])
        with self.assertRaisesRegex(StreamingError, "needs lines, of type str, and was given 5"):
            self.rows(lambda stream: stream.map(lambda x: 5).fields("split", {"a": 1}), ["x"])

    def test_times_nulls_json_and_text_that_is_no_utf_8(self):
        batch, = self.batches(
            lambda lines: lines.fields("split", {
                "at": {"at": 1, "type": datetime.datetime},
                "n": {"at": 2, "type": int, "null": "-"}, "b": {"at": 3, "type": bool}}),
            ["1969-12-31T23:59:59.999999Z 1 true", "2024-02-29T12:30:59Z - false"])
        self.assertEqual(batch.tuples(), [
            (datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), 1, True),
            (datetime.datetime(2024, 2, 29, 12, 30, 59, tzinfo=UTC), None, False)])
        texts = ['"a\\n\\u00e9"', '"é"', "1", "1.5", "true", "null", '{"a": [1]}', '""']
        batch, = self.batches(lambda lines: lines.fields("json", {"x": {"at": "/x"}}),
                              ['{"x": %s}' % text for text in texts])
        self.assertEqual(batch["x"].tolist(), [json.loads(text) for text in texts])
        port = free_port()
        ssc = StreamingContext(interval=0.03)
        seen = []
        ssc.listenTextStream("127.0.0.1", port).fields("split", {"a": 1}).foreachBatch(
            lambda batch: seen.extend(batch["a"]))
        ssc.start()
        import socket
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"caf\xc3\xa9\nx\xff\n")
        self.assertTrue(wait_until(lambda: len(seen) == 2), seen)
        ssc.stop()
        self.assertEqual(seen, ["café", "x�"])

    def test_errors_say_what_and_what_may_have_been_meant(self):
        def refuses(text, build, kind=ValueError):
            ssc = StreamingContext(interval=1)
            with self.assertRaisesRegex(kind, text):
                build(ssc.queueStream([]).fields("json", FIELDS))
        refuses('did you mean "status"', lambda rows: rows.where("statu > 1"))
        refuses("is true or false", lambda rows: rows.where("status + 1"))
        refuses("pathh", lambda rows: rows.select("pathh"))
        refuses("pathh", lambda rows: rows.aggregate("pathh", {"n": "count()"}))
        refuses("need a name", lambda rows: rows.aggregate("path", {"n": "count()"}, running=True))
        refuses("either of a window or running", lambda rows: rows.aggregate(
            "path", {"n": "count()"}, running=True, window=1, name="x"))
        refuses("'sideways'", lambda rows: rows.join(rows, "path", "sideways"))
        refuses("sql", lambda rows: rows.sql("select nothing from stream"))
        refuses("not there", lambda rows: rows.toRows(), AttributeError)
        lines = StreamingContext(interval=1).queueStream([])
        with self.assertRaisesRegex(ValueError, "it is one of 'split'"):
            lines.fields("jason", {"a": 1})
        with self.assertRaisesRegex(TypeError, "int, float, bool, str"):
            lines.fields("split", {"a": {"at": 1, "type": complex}})
        with self.assertRaisesRegex(StreamingError, "status"):
            self.rows(lambda s: s.fields("json", FIELDS), ['{"path": "/", "status": "x"}'])
        self.assertEqual(
            self.rows(lambda s: s.fields("json", FIELDS).select("status"),
                      ['{"path": "/", "status": "x"}', *REQUESTS], errorPolicy="skip")[0],
            [(200,), (404,), (500,)])

    def test_printing_and_files(self):
        base = self.temporary_directory()
        program = Program(self, """
import sys
from tidemill.streaming import StreamingContext
ssc = StreamingContext(interval=0.05)
rows = ssc.queueStream([["a 1", "b 2", "c 3"]], default=[]).fields(
    "split", {"word": 1, "n": {"at": 2, "type": int}})
rows.pprint(2)
rows.saveAsTextFiles(sys.argv[1] + "/text")
rows.saveAsJsonLines(sys.argv[1] + "/json")
rows.saveAsCsv(sys.argv[1] + "/csv")
ssc.start()
ssc.awaitBatch(2)
ssc.stop()
""", base).run()
        self.assertEqual(program.process.returncode, 0, program.err)
        self.assertIn("{'word': 'a', 'n': 1}\n{'word': 'b', 'n': 2}\n...\n", program.out)
        self.assertTrue(any(name.startswith("text-") for name in os.listdir(base)))
        for kind, expected in (("json", '"word": "a", "n": 1'), ("csv", "word,n\na,1\n")):
            name, = (name for name in os.listdir(os.path.join(base, kind)) if name[0].isalnum())
            with open(os.path.join(base, kind, name), encoding="utf-8") as file:
                self.assertIn(expected.replace('": ', '":').replace(", ", ","),
                              file.read().replace('": ', '":').replace(", ", ","))


    def test_a_table_of_sqlite(self):
        path = os.path.join(self.temporary_directory(), "rows.db")
        ssc = StreamingContext(interval=0.03)
        rows = ssc.queueStream([["a 1", "b 2"], ["a 5"]], default=[]).fields(
            "split", {"word": 1, "n": {"at": 2, "type": int}})
        with self.assertRaisesRegex(ValueError, "mode is 'sometimes'"):
            rows.toSqlite(path, "words", mode="sometimes")
        rows.toSqlite(path, "words", mode="upsert", key="word", create=True)
        ssc.start()
        self.assertTrue(ssc.awaitBatch(3))
        ssc.stop()
        with contextlib.closing(sqlite3.connect(path)) as database:
            self.assertEqual(database.execute("select word, n from words order by word").fetchall(),
                             [("a", 5), ("b", 2)])


class Arrays(RowTest):
    def setUp(self):
        lines = [f"{i} {i / 4} {i % 2} {'-' if i % 3 == 0 else i} w{i}é"
                 for i in range(3000)]
        self.batch, = self.batches(lambda s: s.fields("split", {
            "i": {"at": 1, "type": int}, "f": {"at": 2, "type": float},
            "b": {"at": 3, "type": bool}, "n": {"at": 4, "type": int, "null": "-"}, "w": 5}), lines)

    def test_buffers_show_numbers_in_place(self):
        view = memoryview(self.batch["i"])
        self.assertTrue(view.readonly)
        self.assertEqual((view.format, view.tolist()), ("q", list(range(3000))))
        self.assertEqual(memoryview(self.batch["f"]).tolist(), [i / 4 for i in range(3000)])
        self.assertEqual(memoryview(self.batch["b"]).tolist(), [i % 2 == 1 for i in range(3000)])
        with self.assertRaises(TypeError):
            memoryview(self.batch["w"])
        del self.batch
        self.assertEqual(view[2999], 2999)

    @unittest.skipIf(numpy is None, "numpy is not installed")
    def test_numpy(self):
        arrays = self.batch.numpy()
        self.assertEqual(arrays["i"].dtype, numpy.int64)
        self.assertEqual(arrays["f"].sum(), sum(i / 4 for i in range(3000)))
        self.assertEqual(arrays["n"].tolist(), [None if i % 3 == 0 else i for i in range(3000)])
        self.assertEqual(arrays["w"][7], "w7é")
        self.assertEqual(numpy.asarray(self.batch["b"]).sum(), 1500)

    @unittest.skipIf(pyarrow is None, "pyarrow is not installed")
    def test_pyarrow(self):
        table = self.batch.toArrow()
        table.validate(full=True)
        for name, column in self.batch.items():
            self.assertEqual(table[name].to_pylist(), column.tolist())


    @unittest.skipIf(pandas is None, "pandas is not installed")
    def test_pandas(self):
        frame = self.batch.toDF()
        self.assertEqual(list(frame.columns), ["i", "f", "b", "n", "w"])
        self.assertEqual(frame["i"].sum(), sum(range(3000)))
        self.assertEqual(frame["n"].isna().sum(), 1000)
        self.assertEqual(frame["n"].sum(), sum(i for i in range(3000) if i % 3))
        self.assertEqual(frame["w"][2999], "w2999é")


class Random(RowTest):
    def test_random_rows_are_what_python_makes_of_them(self):
        rng = random.Random(11)
        batches = [[{"key": rng.choice(["a", "b", "c", "é"]), "n": rng.randrange(-50, 50),
                     "x": rng.choice([None, rng.uniform(-1, 1)])}
                    for _ in range(rng.randrange(4000))] for _ in range(4)]
        lines = [[json.dumps(row) for row in batch] for batch in batches]
        fields = {"key": str, "n": int, "x": {"type": float, "optional": True}}
        compute = {"rows": "count()", "total": "sum(n)", "least": "min(n)", "most": "max(n)",
                   "xs": "count(x)"}

        def expected(rows):
            groups = collections.defaultdict(list)
            for row in rows:
                if row["n"] % 3 != 0 and (row["n"] > 0 or row["x"] is None):
                    groups[row["key"]].append(row)
            return sorted(((key, len(group), sum(r["n"] for r in group),
                            min(r["n"] for r in group), max(r["n"] for r in group),
                            sum(r["x"] is not None for r in group))
                           for key, group in groups.items()), key=repr)

        condition = "n % 3 <> 0 and (n > 0 or x is null)"
        self.assertEqual(
            self.rows(lambda s: s.fields("json", fields).where(condition).aggregate("key", compute),
                      *lines), [expected(batch) for batch in batches])
        self.assertEqual(
            self.rows(lambda s: s.fields("json", fields).aggregate(
                "key", compute, where=condition, window=3600), *lines),
            [expected(sum(batches[:i + 1], [])) for i in range(4)])
        self.assertEqual(
            self.rows(lambda s: s.fields("json", fields).select("x", "key", "n"), *lines),
            [sorted([(r["x"], r["key"], r["n"]) for r in batch], key=repr) for batch in batches])


PROGRAM = """
import sys
from tidemill.streaming import StreamingContext

directory, port, out = sys.argv[1:]
ssc = StreamingContext(directory=directory, interval=0.05)
rows = ssc.acknowledgedTextStream("127.0.0.1", int(port)).fields("json", {"key": str, "n": int})
compute = {"rows": "count()", "total": "sum(n)"}
rows.aggregate("key", compute, window=3600, slide=0.05, name="window").foreachBatch(
    lambda batch: open(out, "w").write(repr(sorted(batch.tuples()))))
rows.aggregate("key", compute, running=True, name="running").saveAsCsv(out + ".running")
ssc.start()
ssc.awaitTermination()
"""


class Killed(RowTest):
    def test_windows_and_running_groups_are_exact_after_kills(self):
        rng = random.Random(5)
        kills = int(os.environ.get("TIDEMILL_KILLS", "6"))
        rows = [{"key": f"k{rng.randrange(30)}", "n": rng.randrange(1000)} for _ in range(3000)]
        base = self.temporary_directory()
        out, port = os.path.join(base, "out"), free_port()
        program = Program(self, PROGRAM, os.path.join(base, "data"), str(port), out)
        lines = [json.dumps(row) for row in rows]
        for life in range(kills):
            program.start()
            sender = Sender(port, "s", lines[:(len(lines) // kills) * (life + 1)])
            sender.send_for(rng.uniform(0.3, 1.0)) or sender.send_for(0.5)
            program.kill()
        program.start()
        self.assertTrue(wait_until(lambda: Sender(port, "s", lines).send_for(5), 60), program.err)
        totals = collections.defaultdict(lambda: (0, 0))
        for row in rows:
            count, total = totals[row["key"]]
            totals[row["key"]] = (count + 1, total + row["n"])
        expected = sorted((key, *values) for key, values in totals.items())

        def shown():
            try:
                with open(out, encoding="utf-8") as file:
                    return eval(file.read() or "None")
            except (OSError, SyntaxError):
                return None

        self.assertTrue(wait_until(lambda: shown() == expected), (shown(), program.err))

        def running():
            last = {}
            for name in sorted(n for n in os.listdir(out + ".running") if n.endswith(".csv")):
                with open(os.path.join(out + ".running", name), encoding="utf-8") as file:
                    for line in file.read().splitlines()[1:]:
                        key, count, total = line.split(",")
                        last[key] = (int(count), int(total))
            return last

        # The batch's next output.
        self.assertTrue(wait_until(lambda: running() == dict(totals)), (running(), totals))


if __name__ == "__main__":
    unittest.main()
