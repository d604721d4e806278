"""course_rows.py PORT DIRECTORY RESULTS: running groups of an access log that is dialled at PORT,
as JSON lines, for python_rows.py. Ends on SIGTERM with all that was received."""

import sys

from tidemill.streaming import StreamingContext

port, directory, results = sys.argv[1:]
ssc = StreamingContext(directory=directory, interval=0.25)
rows = ssc.socketTextStream("127.0.0.1", int(port)).fields(
    by="split", separator=" ",
    fields={"path": {"at": 7, "type": str}, "status": {"at": 9, "type": str},
            "bytes": {"at": 10, "type": int}})
rows.aggregate(["status", "path"], {"n": "count()", "total": "sum(bytes)", "most": "max(bytes)"},
               running=True, name="groups").saveAsJsonLines(results)
ssc.start()
ssc.awaitTermination()
