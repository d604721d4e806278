"""pyspark_words.py FUNCTIONS PORT DIRECTORY LINES [COUNTS]: course_words.py's program on pyspark,
for python_words.py --pyspark: with its write-ahead log, on two local threads. FUNCTIONS: known or
opaque, as there; the JVM is up before the clock starts."""

import collections
import os
import sys
import threading
import time

from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext, StreamingListener

functions, port, directory, wanted = sys.argv[1:5]
os.environ["PYSPARK_PYTHON"] = sys.executable
conf = SparkConf().setMaster("local[2]").setAppName("NetworkWordCount")
conf.set("spark.streaming.receiver.writeAheadLog.enable", "true")
conf.set("spark.ui.enabled", "false").set("spark.driver.memory", "3g")
sc = SparkContext(conf=conf)
sc.setLogLevel("ERROR")
ssc = StreamingContext(sc, 1)
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
done = threading.Event()


class Lines(StreamingListener):
    """Notes when all lines are counted."""

    counted = 0

    def onBatchCompleted(self, batchCompleted):
        self.counted += batchCompleted.batchInfo().numRecords()
        if self.counted >= int(wanted):
            done.set()


ssc.addStreamingListener(Lines())
begin = time.monotonic()
ssc.start()
done.wait()
took = time.monotonic() - begin
ssc.stop()
print(f"seconds {took:.6f}", file=sys.stderr)
if len(sys.argv) > 5:
    with open(sys.argv[5], "w", encoding="utf-8") as out:
        out.writelines(f"{word}\t{count}\n" for word, count in sorted(
            total.items(), key=lambda pair: pair[0].encode()))
