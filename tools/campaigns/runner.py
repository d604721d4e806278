"""Runs the test programs of a layer, and gathers what they say (tests/support/campaign.h)."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time

SECONDS_BETWEEN_LINES = 5


class Running:
    """One process, its output read by a thread of its own."""

    def __init__(self, run, directory, log, lines):
        self.run, self.done, self.total, self.unit = run, 0, 0, "tests"
        self.passed, self.skipped, self.failed = 0, [], []
        self.why_skipped, self.before = "", ""
        command = [os.path.join(directory, run.program), "--gtest_color=no", *run.arguments]
        if run.tests:
            command.append(f"--gtest_filter={run.tests}")
        if run.repeats > 1:
            command.append(f"--gtest_repeat={run.repeats}")
        environment = dict(os.environ, TIDEMILL_CAMPAIGN="1")
        environment.update({name: str(value) for name, value in run.environment.items()})
        variables = [f"{name}={value}" for name, value in run.environment.items()]
        self.command = " ".join([*variables, *(f"'{a}'" if "*" in a else a for a in command)])
        log.write(f"==> {run.name}: {self.command}\n")
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True)
        threading.Thread(target=self._read, args=(lines,), daemon=True).start()

    def _read(self, lines):
        for line in self.process.stdout:
            lines.put((self, line.decode(errors="replace").rstrip("\n")))
        self.process.wait()
        lines.put((self, None))

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)


class Campaign:
    """All runs of a layer. `result` is what the report says."""

    def __init__(self, layer, runs, directory, log):
        self.layer, self.waiting, self.directory, self.log = layer, list(runs), directory, log
        self.lines, self.active, self.ended = queue.Queue(), [], []
        self.fired, self.violations, self.false_refusals = {}, [], []
        self.figures, self.skipped = [], []
        self.begin = self.said = time.monotonic()

    def run(self):
        try:
            while self.waiting or self.active:
                while self.waiting and len(self.active) < self.layer.side_by_side:
                    self.active.append(
                        Running(self.waiting.pop(0), self.directory, self.log, self.lines))
                self._take()
                if time.monotonic() - self.said >= SECONDS_BETWEEN_LINES:
                    self.say()
        finally:
            for running in self.active:
                running.kill()
        self.say()

    def _take(self):
        try:
            running, line = self.lines.get(timeout=1)
        except queue.Empty:
            return
        if line is None:
            self._end(running)
            return
        self.log.write(line + "\n")
        if running.before.endswith(": Skipped"):
            running.why_skipped = line
        running.before = line
        if line.startswith("campaign: "):
            self._hear(running, line.removeprefix("campaign: "))
        else:
            self._hear_test(running, line)

    def _hear(self, running, words):
        what, _, rest = words.partition(" ")
        if what == "step":
            done, total, running.unit = rest.split(" ", 2)
            running.done, running.total = int(done), int(total)
        elif what == "fired":
            times, _, name = rest.partition(" ")
            self.fired[name] = self.fired.get(name, 0) + int(times)
        elif what == "violation":
            self._found(running, rest)
        elif what == "false-refusal":
            self.false_refusals.append(rest)
        elif what == "figure":
            self.figures.append(rest)

    def _hear_test(self, running, line):
        """What GoogleTest says of a test that has ended."""
        name = line[13:].split(" (")[0]
        if line.startswith("[       OK ]"):
            running.passed += 1
        elif line.startswith("[  FAILED  ]") and line.endswith("ms)"):
            running.failed.append(name)
            self._found(running, f"{name} failed")
        elif line.startswith("[  SKIPPED ]") and line.endswith("ms)"):
            running.skipped.append(name)
        elif line.startswith("[==========]") and " ran" not in line and running.run.counts_tests:
            tests = next((int(word) for word in line.split() if word.isdigit()), 0)
            running.total = running.total or tests * running.run.repeats
        elif line.startswith("stat::number_of_executed_units:"):  # libFuzzer's
            self.fired[f"executions of {running.run.name}"] = int(line.split()[-1])
        if running.run.counts_tests:
            running.done = running.passed + len(running.failed)

    def _found(self, running, what):
        self.violations.append(f"{running.run.name}: {what}")
        print(f"  FOUND  {running.run.name}: {what}", flush=True)

    def _end(self, running):
        self.active.remove(running)
        self.ended.append(running)
        code = running.process.returncode
        if code != 0 and not running.failed:
            how = f"signal {-code}" if code < 0 else f"code {code}"
            self._found(running, f"ended with {how}")
        if running.skipped and running.passed == 0:
            self.skipped.append(f"{running.run.name}: {running.why_skipped or 'skipped'}")
        if running.run.counts_tests and running.passed:
            name = f"tests of {running.run.program}"
            self.fired[name] = self.fired.get(name, 0) + running.passed

    def seconds(self):
        return time.monotonic() - self.begin

    def say(self):
        """One line: how much is done of how much, how fast, what was found."""
        self.said = time.monotonic()
        everyone = self.ended + self.active
        done = sum(running.done for running in everyone)
        total = sum(running.total for running in everyone)
        units = {running.unit for running in everyone if running.total}
        unit = units.pop() if len(units) == 1 else "steps"
        rate = done / max(self.seconds(), 0.001)
        more = f", {len(self.waiting)} runs to come" if self.waiting else ""
        print(f"  {self.seconds():6.0f} s  {done}/{total} {unit}, {rate:.3g} a second, "
              f"found {len(self.violations)}{more}", flush=True)
        sys.stdout.flush()
