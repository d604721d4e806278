"""heavy_lines.py WORKERS PORT DIRECTORY LINES [COUNTS]: a function of some microseconds on each line,
for python_workers.py, called by WORKERS: threads or processes. Ends when LINES lines are
through, and prints the seconds from the start on; with COUNTS writes the sums to that file."""

import collections
import sys

import counted_run
from tidemill import SparkContext
from tidemill.streaming import StreamingContext

workers, port, directory, wanted = sys.argv[1:5]


def weighed(line):
    """A number of a line, by a loop over its bytes."""
    weight = 7
    for byte in line.encode():
        weight = (weight * 31 + byte) % 65521
    return weight % 100, 1


sc = SparkContext("local[2]", "HeavyLines")
ssc = StreamingContext(sc, 1, directory=directory, workers=workers)
counts = ssc.socketTextStream("localhost", int(port)).map(weighed).reduceByKey(lambda a, b: a + b)
total = collections.Counter()
counts.foreachRDD(lambda rdd: total.update(rdd.collectAsMap()))
counted_run.run(ssc, int(wanted))
if len(sys.argv) > 5:
    with open(sys.argv[5], "w", encoding="utf-8") as out:
        out.writelines(f"{key}\t{count}\n" for key, count in sorted(total.items()))
