"""The wheel carries all that the package needs, and is small."""

import os
import subprocess
import sys
import unittest

from support import StreamTest
import tidemill

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
BUILT = os.environ.get("TIDEMILL_PYTHON_BUILT", os.path.dirname(tidemill.__file__))
SIZE_MOST = 20_000_000

PROGRAM = """
import os, sys

def loaded():
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return {line.split(None, 5)[5].strip() for line in maps if ".so" in line}

before = loaded()  # what Python itself needs
import tidemill
from tidemill.streaming import StreamingContext

ssc = StreamingContext(interval=0.05, directory=sys.argv[1])
lines = ssc.queueStream([["a 1", "b 2", "a 3"]], default=[])
seen, counts = [], []
lines.fields("split", {"key": 1, "n": {"at": 2, "type": int}}).aggregate(
    "key", {"n": "sum(n)"}).foreachBatch(lambda batch: seen.extend(batch.tuples()))
lines.map(lambda line: (line[0], 1)).updateStateByKey(
    lambda new, old: (old or 0) + sum(new)).foreachRDD(lambda rdd: counts.append(rdd.collect()))
ssc.start()
assert ssc.awaitBatch(2)
ssc.stop(stopGraceFully=True)
assert sorted(seen) == [("a", 4), ("b", 2)], seen
assert sorted(counts[-1]) == [("a", 2), ("b", 1)], counts
here = os.path.dirname(tidemill.__file__)
print(here)
for path in sorted(loaded() - before):
    print(path)
"""


class Wheel(StreamTest):
    def test_a_fresh_environment_needs_nothing_else(self):
        sys.path.insert(0, os.path.join(ROOT, "python"))
        self.addCleanup(sys.path.pop, 0)
        import wheel_backend
        base = self.temporary_directory()
        name = wheel_backend.pack(BUILT, base)
        wheel = os.path.join(base, name)
        self.assertLess(os.path.getsize(wheel), SIZE_MOST)
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        place = os.path.join(base, "env")

        def run(*command):
            done = subprocess.run(command, env=environment, capture_output=True, text=True,
                                  check=False, cwd=base)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            return done.stdout

        run(sys.executable, "-m", "venv", place)
        python = os.path.join(place, "bin", "python")
        run(python, "-m", "pip", "install", "--no-index", "--no-deps", wheel)
        here, *loaded = run(python, "-c", PROGRAM, os.path.join(base, "data")).splitlines()
        self.assertTrue(here.startswith(place), here)
        own = [path for path in loaded if path.startswith(here)]
        self.assertGreater(len(own), 10, loaded)
        carried = tuple(os.listdir(os.path.join(here, "libs")))
        others = [path for path in loaded if os.path.basename(path).startswith(carried)
                  and path not in own]
        self.assertEqual(others, [], "the system's are loaded instead")
        run(python, "-m", "pip", "check")
        run(python, "-m", "pip", "uninstall", "-y", "tidemill")
        self.assertFalse(os.path.exists(here))


if __name__ == "__main__":
    unittest.main()
