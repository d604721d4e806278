"""The Python of the guide's page on rows, as it stands there."""

import contextlib
import datetime
import io
import json
import os
import re
import socket
import unittest

from support import Program, StreamTest, free_port, wait_until
from tidemill.streaming import StreamingContext

GUIDE = os.path.join(os.path.dirname(__file__), "../../docs/guide")


def blocks(page):
    """The page's blocks of Python; the first is a whole program."""
    with open(os.path.join(GUIDE, page), encoding="utf-8") as file:
        return re.findall(r"^```python\n(.*?)^```", file.read(), re.S | re.M)


class Rows(StreamTest):
    def test_the_program_counts_what_it_is_sent(self):
        port = free_port()
        text = blocks("python_rows.md")[0]
        directory = os.path.join(self.temporary_directory(), "requests.data")
        for old, new in (("9999", str(port)), ('"requests.data"', repr(directory)),
                         ("interval=1.0", "interval=0.1"), ("slide=10", "slide=0.1")):
            self.assertIn(old, text)
            text = text.replace(old, new)
        program = Program(self, text, environment={"PYTHONUNBUFFERED": "1"}).start()
        lines = [{"path": path, "status": status, "ms": ms} for path, status, ms in
                 [("/a", 500, 7), ("/a", 503, 9.5), ("/b", 200, 1), ("/health", 500, 2)] * 3]

        def connected():
            try:
                return socket.create_connection(("127.0.0.1", port))
            except OSError:
                return None

        connections = []
        self.assertTrue(wait_until(lambda: connections.append(connected()) or connections[-1]),
                        program.err)
        connections[-1].sendall("".join(json.dumps(line) + "\n" for line in lines).encode())
        self.addCleanup(connections[-1].close)
        self.assertTrue(wait_until(lambda: "1 groups, requests in all: 6\n" in program.out),
                        program.out + program.err)
        self.assertIn("{'path': '/a', 'n': 6, 'worst': 9.5}", program.out)

    def test_the_other_blocks_run(self):
        parts = blocks("python_rows.md")[1:]
        self.assertGreaterEqual(len(parts), 4)
        ssc = StreamingContext(interval=0.05)
        names = {"datetime": datetime, "lines": ssc.queueStream(
            [['{"path": "/a", "user": {"id": 7}, "took": 2}', '{"path": "/b", "user": {"id": 8}}']],
            default=[])}
        printed = io.StringIO()
        redirected = contextlib.redirect_stdout(printed)
        redirected.__enter__()
        self.addCleanup(redirected.__exit__, None, None, None)
        for part in parts:
            exec(part, names)
        seen = []
        names["known"].foreachBatch(lambda batch: seen.extend(batch.tuples()))
        ssc.start()
        try:
            self.assertTrue(ssc.awaitBatch(3))
        finally:
            ssc.stop()
        self.assertIn("('/a', 1)\n('/b', 1)\n", printed.getvalue())
        self.assertEqual(sorted(seen), [(7, "/a", 2.0, None), (8, "/b", None, None)])


if __name__ == "__main__":
    unittest.main()
