"""Random graphs with Python functions against a naive model, in memory and with kills."""

import ast
import collections
import itertools
import os
import random
import sys
import time
import unittest

from random_graphs import Graph
from support import Program, StreamTest
from tidemill.streaming import StreamingContext

GRAPHS = int(os.environ.get("TIDEMILL_PYTHON_GRAPHS", "200"))
KILLED = int(os.environ.get("TIDEMILL_PYTHON_KILLED_GRAPHS", "16"))
FIRST_SEED = int(os.environ.get("TIDEMILL_SEED", "1"))
INTERVAL_MILLIS = 10

# Writes a line for each batch of each stream, with how many elements the stream has had so far.
PROGRAM = """
import sys, time
sys.path.insert(0, sys.argv[1])
from random_graphs import Graph
from tidemill.streaming import StreamingContext

seed, life, directory = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
out = open(sys.argv[5], "ab", 0)
ssc = StreamingContext(interval=0.01, directory=directory,
                       workers=("threads", "processes")[(seed + life) % 2])

def note(node, stream):
    had = ssc.sparkContext.accumulator(0, name=str(node))

    def write(time, rdd):
        rdd.foreach(lambda element: had.add(1))
        elements = [repr(element) for element in rdd.collect()]
        line = repr((node, rdd.id(), round(time.timestamp() * 1000), elements, had.value))
        out.write((line + "\\n").encode())

    stream.foreachRDD(write)

for node, stream in enumerate(Graph(seed, 10).build(ssc, life, 200)):
    note(node, stream)
ssc.start()
ssc.awaitTermination()
"""


def value_of(text):
    """What repr() wrote; frozensets are no literals."""
    return eval(text, {"frozenset": frozenset, "__builtins__": {}})


class Graphs(StreamTest):
    def compare(self, graph, seen, times):
        """`seen`: by stream and batch, elements; `times`: of batches."""
        for at in times.values():
            self.assertEqual(at % graph.interval, 0, "a batch that is off the grid")
        inputs = [{times[id]: batch for id, batch in seen[node].items()}
                  for node in range(Graph.INPUTS)]
        histories = graph.model(inputs)
        for node, history in enumerate(histories):
            made = {times[id]: sorted(map(repr, batch)) for id, batch in seen[node].items()}
            expected = {at: sorted(map(repr, batch)) for at, batch in history.items()}
            self.assertEqual(made, expected, f"seed {graph.seed}, stream {node}: "
                                             f"TIDEMILL_SEED={graph.seed} runs it again")

    def test_in_memory(self):
        kinds = collections.Counter()
        elements = 0
        for seed in range(FIRST_SEED, FIRST_SEED + GRAPHS):
            graph = Graph(seed, INTERVAL_MILLIS)
            ssc = StreamingContext(interval=INTERVAL_MILLIS / 1000,
                                   workers=("threads", "processes")[seed % 2])
            seen, times = collections.defaultdict(dict), {}

            def note(node, stream, seen=seen, times=times):
                def take(at, rdd):
                    times[rdd.id()] = round(at.timestamp() * 1000)
                    seen[node][rdd.id()] = rdd.collect()
                stream.foreachRDD(take)

            for node, stream in enumerate(graph.build(ssc, 0, 6)):
                note(node, stream)
            ssc.start()
            self.assertTrue(ssc.awaitBatch(8), f"seed {seed}")
            ssc.stop()
            # A batch may have been under way: its streams are complete or not there at all.
            whole = min(max(seen[node]) for node in range(Graph.INPUTS))
            seen = {node: {id: batch for id, batch in batches.items() if id <= whole}
                    for node, batches in seen.items()}
            self.compare(graph, collections.defaultdict(dict, seen),
                         {id: at for id, at in times.items() if id <= whole})
            kinds += graph.kinds
            elements += sum(len(b) for batches in seen.values() for b in batches.values())
        if GRAPHS >= 100:
            self.assertEqual(len(kinds), 6, kinds)
            self.assertGreater(elements, GRAPHS * 50)

    def test_with_kills(self):
        kills = 0
        for seed in range(FIRST_SEED, FIRST_SEED + KILLED):
            graph = Graph(seed, INTERVAL_MILLIS)
            base = self.temporary_directory()
            rng = random.Random(seed)
            seen, times = collections.defaultdict(dict), {}
            self.had = collections.defaultdict(dict)
            for life in range(3):
                out = os.path.join(base, f"out-{life}")
                program = Program(self, PROGRAM, os.path.dirname(__file__), str(seed), str(life),
                                  os.path.join(base, "data"), out).start()
                deadline = time.monotonic() + 30
                while os.path.getsize(out) == 0 if os.path.exists(out) else True:
                    self.assertLess(time.monotonic(), deadline, program.err)
                    self.assertIsNone(program.process.poll(), program.err)
                    time.sleep(0.01)
                time.sleep(rng.uniform(0, 0.3))
                self.assertIsNone(program.process.poll(), program.err)
                program.kill()
                kills += 1
                self.take(out, seen, times)
            self.drop_unfinished(graph, seen, times)
            self.compare(graph, seen, times)
            self.check_inputs(graph, seen)
            for node, batches in seen.items():
                sums = itertools.accumulate(len(batches[id]) for id in sorted(batches))
                self.assertEqual([self.had[node][id] for id in sorted(batches)], list(sums),
                                 f"seed {seed}, stream {node}")
        self.assertGreaterEqual(kills, 3 * KILLED)

    def take(self, path, seen, times):
        """What a life wrote; what was written before is written alike."""
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        for line in lines[:-1]:  # behind the last line end: nothing, or half a line
            node, id, at, elements, had = ast.literal_eval(line)
            self.assertEqual(self.had[node].setdefault(id, had), had, "a batch that ran again")
            elements = [value_of(element) for element in elements]
            if id in seen[node]:
                self.assertEqual(sorted(map(repr, seen[node][id])), sorted(map(repr, elements)))
                self.assertEqual(times[id], at)
            seen[node][id], times[id] = elements, at

    def drop_unfinished(self, graph, seen, times):
        """The last batch may have reached some streams only."""
        last = max(times)
        del times[last]
        for batches in seen.values():
            batches.pop(last, None)
        self.assertEqual(sorted(seen[0]), list(range(1, last)), "batches are dense")
        self.assertEqual(sorted(seen[1]), list(range(1, last)), "batches are dense")

    def check_inputs(self, graph, seen):
        """Of each life's pushes a prefix came, each element once and in order."""
        for node in range(Graph.INPUTS):
            came = [element for id in sorted(seen[node]) for element in seen[node][id]]
            self.assertEqual(len({value for _, value in came}), len(came))
            for life in range(3):
                pushed = [e for batch in graph.inputs(life, 200)[node] for e in batch]
                of_life = [e for e in came if e[1] // 100000 == life]
                self.assertEqual(of_life, pushed[:len(of_life)])


if __name__ == "__main__":
    sys.exit(unittest.main())
