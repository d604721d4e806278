#!/usr/bin/env python3
"""tools/campaign on programs that are none: what it makes of what they say. Arguments: its path."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

CAMPAIGN = sys.argv.pop(1)


class Campaign(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def program(self, name, script):
        path = os.path.join(self.directory.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + script)
        os.chmod(path, 0o755)

    def run_campaign(self, *arguments):
        return subprocess.run(
            [CAMPAIGN, *arguments, "--programs", self.directory.name, "--reports",
             self.directory.name], capture_output=True, text=True, check=False, timeout=60)

    def report(self, name):
        with open(os.path.join(self.directory.name, name), encoding="utf-8") as file:
            return file.read()

    def test_nothing_found_is_a_report_and_code_0(self):
        self.program("kill_test", 'echo "campaign: step $TIDEMILL_KILLS $TIDEMILL_KILLS kills"\n'
                                  'echo "campaign: fired 7 kills during trim"\n')
        ended = self.run_campaign("kills", "--count", "9", "--seed", "4")
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        self.assertIn("9/9 kills", ended.stdout)
        report = self.report("kills-4.txt")
        self.assertIn("tools/campaign kills --count 9 --seed 4", report)
        self.assertIn("7  kills during trim", report)
        self.assertIn("TIDEMILL_KILLS=9 TIDEMILL_SEED=4", report)

    def test_what_is_found_is_named_and_code_1(self):
        self.program("kill_test", 'echo "campaign: violation line 7 counts twice"\n'
                                  'echo "[  FAILED  ] Kill.Nothing (3 ms)"\nexit 1\n')
        ended = self.run_campaign("kills", "--json")
        self.assertEqual(ended.returncode, 1)
        told = json.loads(self.report("kills-1.json"))
        self.assertEqual(told["violations"],
                         ["kill_test: line 7 counts twice", "kill_test: Kill.Nothing failed"])
        self.assertEqual(told["count"], 5000)

    def test_a_program_that_crashes_is_found(self):
        self.program("kill_test", "kill -SEGV $$\n")
        ended = self.run_campaign("kills", "--smoke")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("ended with signal 11", self.report("kills-1.txt"))

    def test_what_cannot_be_run_is_said(self):
        self.program("power_cut_test", "echo 'f.cc:9: Skipped'\necho 'there is no mkfs'\n"
                                       "echo '[  SKIPPED ] On/Cut.Loses/xfs (0 ms)'\n")
        ended = self.run_campaign("power-cuts", "--smoke")
        self.assertEqual(ended.returncode, 3)
        self.assertIn("xfs with 24KiB: there is no mkfs", self.report("power-cuts-1.txt"))

    def test_refusals_that_need_not_be_are_no_violations(self):
        self.program("bit_flip_test", 'echo "campaign: false-refusal of FORMAT"\n')
        ended = self.run_campaign("bit-flips", "--smoke")
        self.assertEqual(ended.returncode, 0)
        self.assertIn("of FORMAT", self.report("bit-flips-1.txt"))

    def test_wrong_arguments_are_code_2(self):
        for wrong in (["nonsense"], ["kills", "--count", "0"], ["all", "--count", "3"]):
            self.assertEqual(self.run_campaign(*wrong).returncode, 2, wrong)

    def test_list_names_each_layer_and_so_does_the_page(self):
        page = os.path.join(os.path.dirname(CAMPAIGN), "..", "docs", "proof.md")
        with open(page, encoding="utf-8") as file:
            text = file.read()
        listed = self.run_campaign("list").stdout
        layers = [line.split(":")[0] for line in listed.splitlines() if line[0] != " "]
        self.assertGreater(len(layers), 10)
        for layer in layers:
            self.assertIn(f"tools/campaign {layer}", text)


if __name__ == "__main__":
    unittest.main()
