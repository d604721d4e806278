"""Counts the words of the lines that a server sends by SQL, in batches of a second.

Usage: sql_network_wordcount.py HOST PORT

    nc -lk 9999                                                      # type lines here
    python examples/python/sql_network_wordcount.py localhost 9999   # in another terminal
"""

import sys

from tidemill import SparkContext
from tidemill.streaming import StreamingContext

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    host, port = sys.argv[1], int(sys.argv[2])
    sc = SparkContext("local[2]", "SqlNetworkWordCount")
    ssc = StreamingContext(sc, 1)
    # A column of the whole line, and of that a row for each word.
    lines = ssc.socketTextStream(host, port).fields(by="regex", pattern="(.*)", fields={"word": 1})
    words = lines.explode("word", " ").where("word <> ''")
    counts = words.sql("select word, count(*) as total from stream group by word")
    counts.top(["total", "word asc"]).pprint()
    ssc.start()
    ssc.awaitTermination()
