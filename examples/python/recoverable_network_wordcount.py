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
    dropped = sc.accumulator(0, name="dropped")  # goes on exactly after every crash

    def is_wanted(pair):
        word, count = pair
        if word in unwanted.value:
            dropped.add(count)
        return word not in unwanted.value

    def append(time, rdd):
        kept = dict(sorted(rdd.filter(is_wanted).collect()))
        with open(output, "a", encoding="utf-8") as file:
            file.write(f"{rdd.id()} {time} {kept} dropped {dropped.value} so far\n")

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
