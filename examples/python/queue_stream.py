"""A stream of RDDs that the program makes itself: how many numbers there are by their last digit.

Usage: queue_stream.py
"""

from tidemill import SparkContext
from tidemill.streaming import StreamingContext

if __name__ == "__main__":
    sc = SparkContext(appName="QueueStream")
    ssc = StreamingContext(sc, 1)
    queue = [sc.parallelize(range(1, 1001), 10) for _ in range(5)]
    digits = ssc.queueStream(queue).map(lambda number: (number % 10, 1))
    digits.reduceByKey(lambda a, b: a + b).pprint()
    ssc.start()
    ssc.awaitBatch(5)
    ssc.stop(stopGraceFully=True)
