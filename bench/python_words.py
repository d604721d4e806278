#!/usr/bin/env python3
"""python_words.py BIN PYTHON TEXT [--lambda] [--pyspark=PYTHON] [--json]: python.words, the word
count of the course in Python with a data directory, next to the same program in C++; with --lambda
python.lambda, the same with functions that the engine does not know. BIN: the directory of the
benchmark programs; PYTHON: an interpreter that finds the package. With --pyspark, an interpreter
that finds pyspark, next to the same program there, with its write-ahead log:
python.words.pyspark, python.lambda.pyspark; with --bytewax or --pathway next to those. By turns,
three times each; counts are compared word for word first."""

import filecmp
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
RUNS = 3
# Other engines, and how much text each is given: as much as takes it some seconds.
PEERS = {"pyspark": 64 << 20, "bytewax": 4 << 20, "pathway": 64 << 20}


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def run(binaries, command, text, lines, *more):
    """Seconds that `command` PORT DIRECTORY LINES takes for what the feeder sends."""
    port = free_port()
    directory = tempfile.mkdtemp(prefix="tidemill-bench-")
    feeder = subprocess.Popen([os.path.join(binaries, "feeder"), str(port), text],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.2)
        ended = subprocess.run(
            [*command, str(port), os.path.join(directory, "data"), str(lines), *more],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if ended.returncode != 0:
            sys.exit(f"{command} failed:\n{ended.stderr}")
        return float(next(line.split()[1] for line in ended.stderr.splitlines()
                          if line.startswith("seconds ")))
    finally:
        feeder.kill()
        feeder.wait()
        shutil.rmtree(directory, ignore_errors=True)


def part_of(text, size, path):
    """Writes the first `size` bytes of whole lines to `path`; returns how many lines and words."""
    with open(text, "rb") as whole, open(path, "wb") as part:
        bytes_ = whole.read(size)
        bytes_ = bytes_[:bytes_.rindex(b"\n") + 1]
        part.write(bytes_)
    return bytes_.count(b"\n"), len(bytes_.split())


def main():
    options = [argument for argument in sys.argv[1:] if argument.startswith("--")]
    peer, interpreter = next((tuple(option[2:].split("=", 1)) for option in options
                              if option[2:].split("=")[0] in PEERS), (None, None))
    binaries, python, text = [a for a in sys.argv[1:] if not a.startswith("--")]
    opaque = "--lambda" in options
    functions = "opaque" if opaque else "known"
    native = [os.path.join(binaries, "course_words")]
    if peer:
        native = [interpreter, os.path.join(HERE, "python", f"{peer}_words.py"), functions]
    program = [python, os.path.join(HERE, "python", "course_words.py"), functions]

    with tempfile.TemporaryDirectory() as work:
        part = os.path.join(work, "text")
        lines, _ = part_of(text, min(8 << 20, PEERS.get(peer, 8 << 20)), part)
        counts = [os.path.join(work, name) for name in ("native", "python")]
        run(binaries, native, part, lines, counts[0])
        run(binaries, program, part, lines, counts[1])
        if not filecmp.cmp(*counts, shallow=False):
            sys.exit("the two programs counted differently")
        # As much as takes some seconds; a rate is of words.
        sizes = {native[0]: 512 << 20, program[0]: 512 << 20}
        if opaque:
            sizes = {native[0]: 64 << 20, program[0]: 64 << 20}
        if peer:
            sizes[native[0]] = PEERS[peer]
        rates = {native[0]: [], program[0]: []}
        for _ in range(RUNS):
            for command in (native, program):
                lines, words = part_of(text, sizes[command[0]], part)
                rates[command[0]].append(words / run(binaries, command, part, lines) / 1e6)
    ours, reference = rates[program[0]], rates[native[0]]
    name = ("python.lambda" if opaque else "python.words") + (f".{peer}" if peer else "")
    value, other = statistics.median(ours), statistics.median(reference)
    for what, each in (("tidemill", ours), (peer or "native", reference)):
        print(f"{what}: {min(each):.3g} to {max(each):.3g} million words/s", file=sys.stderr)
    if "--json" in options:
        print(json.dumps({"name": name, "value": value, "unit": "million words/s",
                          "ratio": value / other, "reference": other}))
    else:
        print(f"{name:16} {value:10.4g} million words/s  ratio {value / other:.3g} "
              f"(reference {other:.4g})")


if __name__ == "__main__":
    main()
