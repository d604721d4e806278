"""Counts words since the beginning: the counts are in a directory and outlive every crash.

Usage: stateful_network_wordcount.py HOST PORT DIRECTORY

Kill it with kill -9 and start it again: it goes on with the counts it had.
"""

import sys

from tidemill.streaming import StreamingContext


def add(new_values, count):
    """The new count of a word."""
    return sum(new_values, count or 0)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    host, port, directory = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    ssc = StreamingContext(directory=directory, interval=1.0)
    # Taken once, when the directory is new.
    begin_with = ssc.sparkContext.parallelize([("hello", 1), ("world", 1)])
    counts = (ssc.socketTextStream(host, port)
              .flatMap(lambda line: line.split(" "))
              .map(lambda word: (word, 1))
              .updateStateByKey(add, initialRDD=begin_with, name="counts"))
    counts.pprint()
    ssc.start()
    ssc.awaitTermination()
