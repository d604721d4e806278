"""course_words.py FUNCTIONS PORT DIRECTORY LINES [COUNTS]: the word count that courses begin with,
for python_words.py and python_workers.py; its functions are called by threads, or by the processes
that WORKERS=processes asks for. FUNCTIONS: known (as they are taught), or opaque (of the same
meaning on this text, and not known to the engine). Ends when LINES lines are counted, and prints
the seconds from the start on; with COUNTS writes "word<tab>count" of all batches to that file."""

import collections
import os
import sys

import counted_run
from tidemill import SparkContext
from tidemill.streaming import StreamingContext

functions, port, directory, wanted = sys.argv[1:5]
sc = SparkContext("local[2]", "NetworkWordCount")
ssc = StreamingContext(sc, 1, workers=os.environ.get("WORKERS", "threads"))
ssc.checkpoint(directory)
lines = ssc.socketTextStream("localhost", int(port))
if functions == "known":
    words = lines.flatMap(lambda line: line.split(" ")).filter(lambda word: word)
    counts = words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b)
else:
    words = lines.flatMap(lambda line: [w for w in line.split(" ") if w])
    counts = words.map(lambda word: (word, len("1"))).reduceByKey(lambda a, b: b + a)
total = collections.Counter()
if len(sys.argv) > 5:
    counts.foreachRDD(lambda rdd: total.update(rdd.collectAsMap()))
else:
    counts.pprint()
counted_run.run(ssc, int(wanted))
if len(sys.argv) > 5:
    with open(sys.argv[5], "w", encoding="utf-8") as out:
        out.writelines(f"{word}\t{count}\n" for word, count in sorted(
            total.items(), key=lambda pair: pair[0].encode()))
