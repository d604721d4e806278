"""Joins the words of a stream with a table, and shows the happiest and the saddest of the last ten
seconds (Spark's network_wordjoinsentiments.py).

Usage: word_sentiments.py HOST PORT TABLE

TABLE is a file of lines "word TAB number", -5 very sad to 5 very happy.
"""

import sys

from tidemill import SparkContext
from tidemill.streaming import StreamingContext


def to_pair(line):
    """(word, number) of a line of the table."""
    word, number = line.split("\t")
    return word, int(number)


def show(title, ascending):
    """An output that prints five words, the extreme ones first."""
    def output(rdd):
        print(title, flush=True)
        for weight, word in rdd.sortByKey(ascending).take(5):
            print(f"  {word}: {weight}", flush=True)
    return output


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    host, port, table = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    sc = SparkContext(appName="WordSentiments")
    ssc = StreamingContext(sc, 1)
    sentiments = sc.textFile(table).map(to_pair)
    counts = (ssc.socketTextStream(host, port)
              .flatMap(lambda line: line.split(" "))
              .map(lambda word: (word, 1))
              .reduceByKeyAndWindow(lambda a, b: a + b, lambda a, b: a - b, 10, 1,
                                    filterFunc=lambda pair: pair[1] != 0))
    weights = (counts.transform(lambda rdd: sentiments.join(rdd))
               .map(lambda joined: (joined[1][0] * joined[1][1], joined[0])))
    weights.foreachRDD(show("happiest words:", ascending=False))
    weights.foreachRDD(show("saddest words:", ascending=True))
    ssc.start()
    ssc.awaitTermination()
