"""Counts the words of the lines that a server sends, in batches of a second.

Usage: network_wordcount.py HOST PORT

    nc -lk 9999                                                  # type lines here
    python examples/python/network_wordcount.py localhost 9999   # in another terminal
"""

import sys

from tidemill import SparkContext
from tidemill.streaming import StreamingContext

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    host, port = sys.argv[1], int(sys.argv[2])
    sc = SparkContext("local[2]", "NetworkWordCount")
    ssc = StreamingContext(sc, 1)
    lines = ssc.socketTextStream(host, port)
    words = lines.flatMap(lambda line: line.split(" "))
    counts = words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b)
    counts.pprint()
    ssc.start()
    ssc.awaitTermination()
