"""Counts the words of the text files that appear in a directory (Spark's hdfs_wordcount.py).

Usage: watch_directory.py DIRECTORY

Move files in when they are complete; names that begin with '.' or end in .tmp are not seen.
"""

import sys

from tidemill.streaming import StreamingContext

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    ssc = StreamingContext(interval=1.0)
    counts = (ssc.textFileStream(sys.argv[1])
              .flatMap(lambda line: line.split(" "))
              .map(lambda word: (word, 1))
              .reduceByKey(lambda a, b: a + b))
    counts.pprint()
    ssc.start()
    ssc.awaitTermination()
