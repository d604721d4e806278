"""Results of jobs that are killed in their seventh batch are those of jobs that are not."""

import ast
import collections
import os
import re
import unittest

from support import Program, StreamTest, wait_until

# Takes one batch after another; in its first life it kills itself behind batch `killed`.
PROGRAM = """
import os, signal, sys
from tidemill.streaming import StreamingContext

directory, out, case, batches, killed = sys.argv[1:]
ssc = StreamingContext(interval=0.05, directory=directory)
killed = int(killed) if not os.path.exists(directory) else 0
queue = eval(batches)

def note(time, rdd):
    with open(out, "a") as file:
        file.write(repr((rdd.id(), round(time.timestamp() * 1000), rdd.collect())) + "\\n")
    if rdd.id() == killed:
        os.kill(os.getpid(), signal.SIGKILL)

pairs = ssc.queueStream(queue, default=[]).map(lambda word: (word, 1))
add = lambda a, b: a + b
if case == "state":
    made = pairs.updateStateByKey(lambda new, old: (old or 0) + sum(new))
elif case == "window":
    made = pairs.reduceByKeyAndWindow(add, lambda a, b: a - b, 0.2)
else:
    made = pairs.reduceByKey(add)
    made.saveAsTextFiles(out + ".files")
made.foreachRDD(note)
ssc.start()
ssc.awaitTermination()
"""


class Killed(StreamTest):
    def noted(self, case, batches, killed):
        """(time, elements) of each batch up to the tenth, by its number."""
        base = self.temporary_directory()
        self.out = os.path.join(base, "out")
        program = Program(self, PROGRAM, os.path.join(base, "data"), self.out, case, batches,
                          str(killed))
        self.assertEqual(program.run().process.returncode, -9, program.err)

        def read():
            with open(self.out, encoding="utf-8") as file:
                return [ast.literal_eval(line) for line in file.read().splitlines()]

        self.assertEqual(read()[-1][0], killed)
        program.start()
        self.assertTrue(wait_until(lambda: read()[-1][0] > 10), program.err)
        program.kill()
        made = {}
        again = 0
        for id, time, elements in read():
            again += id in made
            self.assertEqual(made.setdefault(id, (time, sorted(elements))),
                             (time, sorted(elements)), f"batch {id} ran again")
        self.assertEqual(again, 1, "the last batch runs again, and no other")
        self.assertEqual(list(made)[:10], list(range(1, 11)))
        return {id: made[id] for id in range(1, 11)}

    def test_a_state_counts_each_batch_once(self):
        made = self.noted("state", '[["a"]] * 40', 7)
        self.assertEqual([elements for _, elements in made.values()],
                         [[("a", n)] for n in range(1, 11)])

    def test_a_window_holds_the_batches_of_its_time(self):
        made = self.noted("window", '[["a"]] * 40', 7)
        for time, elements in made.values():
            inside = sum(time - 200 < other <= time for other, _ in made.values())
            self.assertEqual(elements, [("a", inside)])
        counts = [elements[0][1] for _, elements in made.values()]
        self.assertEqual(counts[:7], [1, 2, 3, 4, 4, 4, 4])

    def test_files_are_those_of_each_batch(self):
        made = self.noted("files", '[["a", "a", "b"], ["", ""], []] * 10', 3)
        cycle = [[("a", 2), ("b", 1)], [("", 2)], []]
        # What the first life had not taken is gone with it, and its queue begins anew.
        self.assertEqual([elements for _, elements in made.values()][:3], cycle)
        files = {}
        for path in os.listdir(os.path.dirname(self.out)):
            match = re.fullmatch(r"out\.files-(\d+)", path)
            if match:
                lines = files[int(match[1])] = []
                directory = os.path.join(os.path.dirname(self.out), path)
                for part in os.listdir(directory):
                    if part.startswith("part-"):
                        with open(os.path.join(directory, part), encoding="utf-8") as file:
                            lines += map(ast.literal_eval, file.read().splitlines())
        for time, elements in made.values():
            self.assertEqual(sorted(files[time]), elements)
        kinds = collections.Counter(str(elements) for _, elements in made.values())
        self.assertEqual(len(kinds), 3)


if __name__ == "__main__":
    unittest.main()
