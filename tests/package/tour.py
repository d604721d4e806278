#!/usr/bin/env python3
"""tour.py PAGE: types the commands of a page into a shell, and compares what they print.

Blocks of ```sh are typed, in their order, into one shell. A block of ```text that follows is what
the one before it prints: `…` in a line stands for anything, a line of it alone for any lines.
Ports 9998 and 4040 are replaced by free ones. The working directory is a new one.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

LONGEST_S = 120
END = "-- end of block"


def blocks_of(page):
    """(line, commands, printed or None) of each block of commands."""
    found, kind, text, begin = [], None, [], 0
    for number, line in enumerate(page.splitlines(), 1):
        if kind is None and line.startswith("```"):
            kind, text, begin = line[3:], [], number
        elif line == "```":
            if kind == "sh":
                found.append([begin, "\n".join(text), None])
            elif kind == "text" and found and found[-1][2] is None:
                found[-1][2] = text
            kind = None
        elif kind is not None:
            text.append(line)
    return found


def pattern_of(lines):
    """A regular expression of what may be printed."""
    parts = []
    for line in lines:
        if line == "…":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(".*".join(re.escape(part) for part in line.split("…")) + r"\n")
    return re.compile("".join(parts))


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return str(taken.getsockname()[1])


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        page = file.read()
    for port in ("9998", "4040"):
        page = re.sub(rf"\b{port}\b", free_port(), page)
    blocks = blocks_of(page)
    if not blocks:
        sys.exit("no block of commands")
    directory = tempfile.mkdtemp(prefix="tidemill-tour-")
    shell = subprocess.Popen(["bash"], cwd=directory, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             start_new_session=True)
    # A command that hangs ends the tour: all of its processes are in one session.
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(shell.pid, signal.SIGKILL))
    failed = None
    for line, commands, printed in blocks:
        signal.alarm(LONGEST_S)
        shell.stdin.write(commands + f"\nended=$?; echo; echo '{END}' $ended\n")
        shell.stdin.flush()
        got, ended, code = "", False, 0
        for out in shell.stdout:
            if out.startswith(END):
                ended = True
                code = int(out[len(END):])
                break
            got += out
        got = got.removesuffix("\n")
        if not ended:
            failed = f"line {line}: the commands did not come to an end"
        elif code != 0:
            failed = f"line {line}: the last command ends with {code}"
        elif printed is not None and not pattern_of(printed).fullmatch(got):
            failed = f"line {line}: it prints something else"
        print(f"$ {commands}\n{got}", end="")
        if failed:
            break
    signal.alarm(0)
    os.killpg(shell.pid, signal.SIGKILL)
    shell.wait()
    shutil.rmtree(directory, ignore_errors=True)
    if failed:
        sys.exit(f"FAILED, {sys.argv[1]}, {failed}")
    print("the tour is as the page says")


if __name__ == "__main__":
    main()
