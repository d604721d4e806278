"""A word count that is built by a function, as getOrCreate wants it, and appends each batch to a
file, without some words.

Usage: recoverable_network_wordcount.py HOST PORT DIRECTORY OUTPUT

After a crash the last recorded batch may come once more, under the same id: the file's lines name
the id, so that a reader can tell.
"""

import sys

from tidemill import SparkContext
from tidemill.streaming import StreamingContext

UNWANTED = {"a", "b", "c"}


def create(host, port, output):
    """The context of the program; called at every start."""
    sc = SparkContext(appName="RecoverableNetworkWordCount")
    ssc = StreamingContext(sc, 1)
    unwanted = sc.broadcast(UNWANTED)

    def append(time, rdd):
        kept = rdd.filter(lambda pair: pair[0] not in unwanted.value)
        dropped = rdd.count() - kept.count()
        with open(output, "a", encoding="utf-8") as file:
            file.write(f"{rdd.id()} {time} {dict(sorted(kept.collect()))} dropped {dropped}\n")

    words = ssc.socketTextStream(host, port).flatMap(lambda line: line.split(" "))
    words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b).foreachRDD(append)
    return ssc


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    _, host_name, port_number, checkpoint, output_path = sys.argv
    context = StreamingContext.getOrCreate(
        checkpoint, lambda: create(host_name, int(port_number), output_path))
    context.start()
    context.awaitTermination()
