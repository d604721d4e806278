"""The seed of Python's hashes shows neither in results nor in what is stored."""

import os
import unittest

from support import Program, StreamTest
from tidemill import _native

PROGRAM = """
import sys
from tidemill import _native
from tidemill.streaming import StreamingContext

def counted(key, value, state):
    state.update((state.getOption() or {}) | {word: len(word) for word in sorted(value)})
    return state.get()

ssc = StreamingContext(interval=0.05, directory=sys.argv[1])
words = ssc.queueStream([["tide mill tide", "a mill"], ["b tide"], [], ["mill pond é 日本"]],
                        default=[]).flatMap(lambda line: line.split(" "))
pairs = words.map(lambda word: (frozenset([word, "x", ("y", word)]), {word, "z" + word}))
states = pairs.updateStateByKey(lambda new, old: (old or set()).union(*new) | {"y", "z"},
                                name="sets")
mapped = pairs.mapWithState(counted, name="dicts")
shown = []
# Windows that nothing leaves, however late a batch is.
for stream in (states, mapped.map(lambda made: sorted(made.items())), pairs.groupByKey(),
               words.countByValueAndWindow(3600, 0.05, name="values"),
               pairs.groupByKeyAndWindow(3600, 0.05, name="groups"), pairs.join(pairs),
               mapped.stateSnapshots().map(lambda pair: (pair[0], sorted(pair[1].items())))):
    made = {}
    shown.append(made)
    stream.foreachRDD(lambda rdd, made=made: made.__setitem__(
        rdd.id(), _native.encodeValue(rdd.collect()).hex()))
ssc.start()
ssc.awaitBatch(5)
ssc.stop(stopGraceFully=True)
for made in shown:
    print([made[id] for id in range(1, 6)])
"""


class Seeds(StreamTest):
    def run_with(self, seed):
        """What the program prints, and the rows that it leaves."""
        directory = os.path.join(self.temporary_directory(), "data")
        program = Program(self, PROGRAM, directory, environment={"PYTHONHASHSEED": seed}).run()
        self.assertEqual(program.process.returncode, 0, program.err)
        generations = os.path.join(directory, "generations")
        newest = max(name for name in os.listdir(generations) if name[0].isdigit())
        return program.out, _native.storedRows(os.path.join(generations, newest))

    def test_the_seed_of_hashes_shows_nowhere(self):
        runs = [self.run_with(seed) for seed in ("0", "1", "4242")]
        first_out, first_rows = runs[0]
        self.assertGreater(len(first_out), 2000)
        for operator in ("sets", "dicts", "values", "groups"):
            self.assertGreaterEqual(sum(row[0] == operator for row in first_rows), 6, operator)
        for out, rows in runs[1:]:
            self.assertEqual(out, first_out)
            self.assertEqual(states_of(rows), states_of(first_rows))
            self.assertEqual(windows_of(rows), windows_of(first_rows))


def states_of(rows):
    """All bytes of the states."""
    return [row for row in rows if row[0] in ("sets", "dicts")]


def windows_of(rows):
    """Of windows the first table, which is the result: rows of others are found by times."""
    return [row for row in rows if row[0] in ("values", "groups") and row[1] == 0]


if __name__ == "__main__":
    unittest.main()
