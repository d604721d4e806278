"""Tidemill for Python: pyspark.streaming's programs on Tidemill's engine, exact across crashes.

    from tidemill import SparkContext
    from tidemill.streaming import StreamingContext

    sc = SparkContext("local[2]", "NetworkWordCount")
    ssc = StreamingContext(sc, 1)
    ssc.checkpoint("wordcount.data")            # nothing is lost or counted twice, even by kill -9
    lines = ssc.socketTextStream("localhost", 9999)
    counts = (lines.flatMap(lambda line: line.split(" "))
                   .map(lambda word: (word, 1))
                   .reduceByKey(lambda a, b: a + b))
    counts.pprint()
    ssc.start()
    ssc.awaitTermination()
"""

from tidemill._native import StreamingError
from tidemill.accumulators import Accumulator, AccumulatorParam
from tidemill.context import Broadcast, SparkConf, SparkContext
from tidemill.rdd import RDD
from tidemill.storage import StorageLevel

__all__ = ["Accumulator", "AccumulatorParam", "Broadcast", "RDD", "SparkConf", "SparkContext",
           "StorageLevel", "StreamingError"]
