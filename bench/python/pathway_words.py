"""pathway_words.py FUNCTIONS PORT DIRECTORY LINES [COUNTS]: course_words.py's program on Pathway,
for python_words.py --pathway: running counts, given out every second, input and state kept in
DIRECTORY. FUNCTIONS is ignored: Pathway calls them all."""

import socket
import sys
import time

import pathway as pw

_, port, directory, wanted = sys.argv[1:5]
counts = {}


class Lines(pw.io.python.ConnectorSubject):
    """What a connection brings."""

    def run(self):
        left = int(wanted)
        with socket.create_connection(("localhost", int(port))) as connection:
            for line in connection.makefile("r", encoding="utf-8", newline="\n"):
                self.next(line=line.rstrip("\n"))
                left -= 1
                if left == 0:
                    return


class Line(pw.Schema):
    """A table of lines."""

    line: str


@pw.udf
def split(line: str) -> list[str]:
    """The words of a line."""
    return [w for w in line.split(" ") if w]


def changed(key, row, time, is_addition):
    """Keeps the newest count of a word."""
    if is_addition:
        counts[row["word"]] = row["count"]


lines = pw.io.python.read(Lines(), schema=Line, autocommit_duration_ms=1000, name="lines")
words = lines.select(word=split(lines.line)).flatten(pw.this.word)
totals = words.groupby(words.word).reduce(words.word, count=pw.reducers.count())
pw.io.subscribe(totals, on_change=changed)
begin = time.monotonic()
pw.run(monitoring_level=pw.MonitoringLevel.NONE,
       persistence_config=pw.persistence.Config(pw.persistence.Backend.filesystem(directory)))
print(f"seconds {time.monotonic() - begin:.6f}", file=sys.stderr)
if len(sys.argv) > 5:
    with open(sys.argv[5], "w", encoding="utf-8") as out:
        out.writelines(f"{word}\t{count}\n" for word, count in sorted(
            counts.items(), key=lambda pair: pair[0].encode()))
