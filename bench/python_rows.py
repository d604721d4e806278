#!/usr/bin/env python3
"""python_rows.py BIN PYTHON [--json]: python.rows, running groups of an access log from a socket to
JSON lines with a data directory, as a Python program next to the same as a job file under `tidemill
run`, in MB/s. BIN: the directory of the benchmark programs; PYTHON: an interpreter that finds the
package. By turns, three times each; the groups are compared first."""

import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
RUNS = 3
LINES = 100_000

JOB = """
[job]
name = "bench"
interval = "250ms"
[[source]]
type = "socket"
port = {port}
[[step]]
do = "fields"
by = "split"
separator = " "
[step.fields]
path = {{at = 7, type = "text"}}
status = {{at = 9, type = "text"}}
bytes = {{at = 10, type = "int"}}
[[step]]
name = "groups"
do = "aggregate"
key = ["status", "path"]
compute = {{n = "count()", total = "sum(bytes)", most = "max(bytes)"}}
running = true
[[output]]
to = "json_lines"
path = "{results}"
"""


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def write_log(path):
    """An access log of LINES lines; how many bytes."""
    rng = random.Random(7)
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(LINES):
            page = rng.randrange(100) * rng.randrange(100)
            status = rng.choice(["200", "200", "200", "304", "404", "500"])
            file.write(f'10.0.{rng.randrange(256)}.{rng.randrange(256)} - - '
                       f'[01/Mar/2024:12:00:00 +0000] "GET /articles/{page}.html HTTP/1.1" '
                       f'{status} {rng.randrange(60_000)}\n')
    return os.path.getsize(path)


def run(binaries, command, log, repeat):
    """Seconds from the first byte that was sent until the program has ended; and its groups."""
    work = tempfile.mkdtemp(prefix="tidemill-bench-")
    port, results = free_port(), os.path.join(work, "results")
    try:
        feeder = subprocess.Popen([os.path.join(binaries, "feeder"), str(port), log, "0",
                                   str(repeat)], stdout=subprocess.PIPE, text=True)
        time.sleep(0.3)
        with open(os.path.join(work, "err"), "w+", encoding="utf-8") as err:
            program = subprocess.Popen(command(port, work, results), stderr=err,
                                       stdout=subprocess.DEVNULL)
            sent, _ = feeder.communicate()
            program.send_signal(signal.SIGTERM)
            if program.wait() != 0:
                err.seek(0)
                sys.exit(f"{program.args} failed:\n{err.read()}")
        ended = time.time()
        groups = {}
        for name in sorted(n for n in os.listdir(results) if n.endswith(".jsonl")):
            with open(os.path.join(results, name), encoding="utf-8") as file:
                for line in file:
                    row = json.loads(line)
                    groups[row["status"], row["path"]] = (row["n"], row["total"], row["most"])
        return ended - json.loads(sent)["first"], groups
    finally:
        shutil.rmtree(work, ignore_errors=True)


def main():
    binaries, python = [a for a in sys.argv[1:] if not a.startswith("--")]

    def job_file(port, work, results):
        job = os.path.join(work, "job.toml")
        with open(job, "w", encoding="utf-8") as file:
            file.write(JOB.format(port=port, results=results))
        return [os.path.join(binaries, "tidemill"), "run", job, "--data-dir",
                os.path.join(work, "data")]

    def program(port, work, results):
        return [python, os.path.join(HERE, "python", "course_rows.py"), str(port),
                os.path.join(work, "data"), results]

    with tempfile.TemporaryDirectory() as work:
        log = os.path.join(work, "log")
        size = write_log(log)
        (_, expected), (_, groups) = run(binaries, job_file, log, 1), run(binaries, program, log, 1)
        if groups != expected or sum(n for n, _, _ in groups.values()) != LINES:
            sys.exit("the two came to different groups")
        repeat = (1 << 30) // size
        rates = {job_file: [], program: []}
        for _ in range(RUNS):
            for each in rates:
                seconds, _ = run(binaries, each, log, repeat)
                rates[each].append(size * repeat / seconds / 1e6)
    value, other = statistics.median(rates[program]), statistics.median(rates[job_file])
    if "--json" in sys.argv:
        print(json.dumps({"name": "python.rows", "value": value, "unit": "MB/s",
                          "ratio": value / other, "reference": other}))
    else:
        print(f"python.rows      {value:10.4g} MB/s  ratio {value / other:.3g} "
              f"(reference {other:.4g})")


if __name__ == "__main__":
    main()
