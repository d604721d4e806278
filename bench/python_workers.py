#!/usr/bin/env python3
"""python_workers.py BIN PYTHON TEXT [--json]: python.workers, functions that worker processes call
next to the same that threads of one process call, which Python lets run one at a time: a function
of some microseconds a line, and the word count of the course, whose functions take less than
the way to a process and back. BIN, PYTHON as for python_words.py. By turns, three times each;
results are compared first."""

import filecmp
import json
import os
import statistics
import sys
import tempfile

from python_words import HERE, RUNS, part_of, run

MODES = ("processes", "threads")


def rates(binaries, program, text, size, label):
    """Lines a second of both, run by run."""
    with tempfile.TemporaryDirectory() as work:
        part = os.path.join(work, "text")
        lines, _ = part_of(text, 4 << 20, part)
        counts = [os.path.join(work, mode) for mode in MODES]
        for mode, path in zip(MODES, counts):
            run(binaries, program(mode), part, lines, path)
        if not filecmp.cmp(*counts, shallow=False):
            sys.exit(f"{label}: processes and threads counted differently")
        lines, _ = part_of(text, size, part)
        made = {mode: [] for mode in MODES}
        for _ in range(RUNS):
            for mode in MODES:
                made[mode].append(lines / run(binaries, program(mode), part, lines))
    return made


def main():
    binaries, python, text = [a for a in sys.argv[1:] if not a.startswith("--")]

    def heavy(mode):
        return [python, os.path.join(HERE, "python", "heavy_lines.py"), mode]

    def light(mode):
        return ["env", f"WORKERS={mode}", python, os.path.join(HERE, "python", "course_words.py"),
                "opaque"]

    for name, program, size in (("python.workers", heavy, 32 << 20),
                                ("python.workers.light", light, 32 << 20)):
        made = rates(binaries, program, text, size, name)
        ratios = sorted(a / b for a, b in zip(made["processes"], made["threads"]))
        value = statistics.median(made["processes"]) / 1e3
        if "--json" in sys.argv:
            print(json.dumps({"name": name, "value": value, "unit": "thousand lines/s",
                              "ratio": statistics.median(ratios), "ratio_min": ratios[0],
                              "ratio_max": ratios[-1]}))
        else:
            print(f"{name:20} {value:10.4g} thousand lines/s  ratio to threads "
                  f"{statistics.median(ratios):.3g} ({ratios[0]:.3g} to {ratios[-1]:.3g})")


if __name__ == "__main__":
    main()
