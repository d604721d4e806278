"""The page of a job in headless Chromium: clicked through, and screenshots for people to look at.

page_test.py PROGRAM DIRECTORY [ARGUMENTS OF unittest]: screenshots go to DIRECTORY. Ends with 77
where Chromium or its driver for Python is missing.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import Select
except ImportError:
    print("python3-selenium is not installed")
    sys.exit(77)

PROGRAM = ""
SCREENSHOTS = ""
LONGEST = 30.0

COUNTS = """
[[step]]
do = "split"
[[step]]
do = "count"
name = "counts"
[[step]]
do = "running_totals"
name = "totals"
[[output]]
to = "print"
from = "counts"
"""


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_until(holds, seconds=LONGEST):
    """What `holds()` gave when it was first true, or in the end."""
    deadline = time.monotonic() + seconds
    while True:
        value = holds()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(0.05)


class Daemon:
    """`tidemill run` of a job with a page, in a directory of its own."""

    def __init__(self, job, page="", checkpoint="200ms", interval="100ms", source=None):
        self.directory = tempfile.mkdtemp(prefix="tidemill-page-")
        self.port, self.text_port = free_port(), free_port()
        source = source or f'type = "listen"\nport = {self.text_port}\n'
        page = page.replace("DIRECTORY", self.directory)
        with open(self.path("job.toml"), "w", encoding="utf-8") as file:
            file.write(f'[job]\nname = "mill"\ninterval = "{interval}"\n'
                       f'[checkpoint]\ninterval = "{checkpoint}"\n'
                       f'[page]\nlisten = "{self.port}"\n{page}\n[[source]]\n{source}\n{job}')

    def path(self, name):
        return os.path.join(self.directory, name)

    def start(self):
        with open(self.path("out"), "a") as out, open(self.path("err"), "a") as err:
            self.process = subprocess.Popen(
                [PROGRAM, "run", self.path("job.toml"), "--data-dir", self.path("data")],
                stdout=out, stderr=err, stdin=subprocess.DEVNULL)
        if not wait_until(lambda: "page: http" in self.errors() or self.process.poll() is not None):
            raise AssertionError(self.errors())
        return self

    def errors(self):
        with open(self.path("err"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def feed(self, text):
        def connected():
            try:
                return socket.create_connection(("127.0.0.1", self.text_port), 5)
            except ConnectionRefusedError:
                return None
        with wait_until(connected) as client:
            client.settimeout(LONGEST)
            client.sendall(text.encode())

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        options = Options()
        options.binary_location = shutil.which("chromium")
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu",
                         "--disable-dev-shm-usage", "--window-size=1200,1500"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        cls.browser = webdriver.Chrome(service=Service(shutil.which("chromedriver")),
                                       options=options)

    @classmethod
    def tearDownClass(cls):
        cls.browser.quit()

    def tearDown(self):
        self.browser.get("about:blank")

    def run_job(self, job=COUNTS, **more):
        daemon = Daemon(job, **more)
        self.addCleanup(daemon.end)
        return daemon.start()

    def open(self, daemon):
        self.browser.get_log("browser")
        self.browser.get(f"http://127.0.0.1:{daemon.port}/")

    def get(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector):
        """As it is in the document: elements are made anew while we look."""
        return self.browser.execute_script(
            "const e = document.querySelector(arguments[0]); return e ? e.textContent : ''", selector)

    def await_text(self, selector, wanted):
        found = wait_until(lambda: wanted in self.text(selector))
        self.assertTrue(found, f"{selector} is {self.text(selector)!r}, without {wanted!r}")

    def screenshot(self, name):
        self.browser.save_screenshot(os.path.join(SCREENSHOTS, name + ".png"))

    def dark(self, on):
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": "dark" if on else "light"}]})

    def assert_nothing_was_said_in_the_console(self):
        said = [entry for entry in self.browser.get_log("browser")
                if entry["level"] == "SEVERE" and "favicon" not in entry["message"]]
        self.assertEqual(said, [])

    # A row may be made anew between finding and clicking it.
    def click(self, selector):
        clicked = wait_until(lambda: self.browser.execute_script(
            "const e = document.querySelector(arguments[0]); if (e) e.click(); return e !== null",
            selector))
        self.assertTrue(clicked, f"there is no {selector}")

    def test_a_stranger_sees_what_runs_and_whether_it_keeps_up(self):
        daemon = self.run_job()
        self.open(daemon)
        daemon.feed("mill tide mill\n" * 1000)
        self.await_text("#verdict", "Well")
        self.await_text("#words", "keeps up")
        self.await_text("#job", "mill")
        self.assertEqual(self.browser.title, "Well – mill")
        self.await_text("#tiles", "1,000")
        self.await_text("#sources", "listen")
        self.await_text("#plan", "totals")
        self.await_text("#batches", "1,000")
        # Not before something has been drawn.
        wait_until(lambda: self.browser.execute_script("return batches.length") > 30)
        self.dark(False)
        light = self.get("body").value_of_css_property("background-color")
        self.screenshot("healthy-light")
        self.dark(True)
        self.assertNotEqual(light, self.get("body").value_of_css_property("background-color"))
        self.screenshot("healthy-dark")
        self.dark(False)
        self.assert_nothing_was_said_in_the_console()

    def test_it_asks_nobody_but_the_job(self):
        daemon = self.run_job()
        self.open(daemon)
        self.await_text("#verdict", "Well")
        asked = self.browser.execute_script(
            "return performance.getEntriesByType('resource').map(e => new URL(e.name).host)")
        self.assertEqual({host for host in asked if host}, {f"127.0.0.1:{daemon.port}"})

    def test_a_batch_opens_and_the_table_holds_still(self):
        daemon = self.run_job()
        self.open(daemon)
        self.await_text("#verdict", "Well")
        self.click("#batches tr.batch")
        self.await_text("#batches tr.detail", "print")
        self.get("body").send_keys("h")
        self.await_text("#pause", "Go on")
        newest = self.text("#batches tr.batch td")
        time.sleep(1.5)
        self.assertEqual(self.text("#batches tr.batch td"), newest)
        self.get("body").send_keys("h")
        self.assertTrue(wait_until(lambda: self.text("#batches tr.batch td") != newest))
        # And without a mouse.
        self.get("body").send_keys("h")
        self.get("#batches tr.batch:nth-child(4)").send_keys(Keys.ENTER)
        self.await_text("#batches tr.detail", "print")
        self.assert_nothing_was_said_in_the_console()

    def test_any_key_can_be_looked_into(self):
        daemon = self.run_job()
        self.open(daemon)
        daemon.feed("mill tide mill\nmint\n")
        self.await_text("#tiles", "of batch")
        self.assertTrue(wait_until(lambda: "totals" in self.text("#table")))
        Select(self.get("#table")).select_by_visible_text("totals")
        self.get("body").send_keys("/")
        self.browser.switch_to.active_element.send_keys("mi" + Keys.ENTER)

        def has_both():
            self.click("#search button")
            time.sleep(0.3)
            return "mill" in self.text("#rows") and "mint" in self.text("#rows")
        self.assertTrue(wait_until(has_both), self.text("#rows"))
        self.assertNotIn("tide", self.text("#rows"))
        self.click("#rows tr.row")
        self.await_text("#rows tr.detail", "batch")
        self.click("#largest")
        self.assertTrue(wait_until(lambda: self.text("#rows tr.row td").strip() == "mill"),
                        self.text("#rows"))
        self.assert_nothing_was_said_in_the_console()

    def test_what_peers_send_is_never_markup(self):
        daemon = self.run_job()
        self.open(daemon)
        daemon.feed("<img/src=x/onerror=document.title='owned'>\n")
        self.assertTrue(wait_until(lambda: "totals" in self.text("#table")))
        Select(self.get("#table")).select_by_visible_text("totals")

        def is_shown():
            self.click("#largest")
            time.sleep(0.3)
            return "<img" in self.text("#rows")
        self.assertTrue(wait_until(is_shown), self.text("#rows"))
        self.assertEqual(self.all("main img"), [])
        self.assertNotEqual(self.browser.title, "owned")

    def test_a_job_that_falls_behind_says_so(self):
        work = "word"
        for _ in range(12):
            work = f"md5({work})"
        # In small batches, so that many are late, and not one long.
        daemon = self.run_job(f"""
[[step]]
do = "fields"
by = "split"
fields = {{word = 1}}
[[step]]
do = "compute"
compute = {{hash = "{work}"}}
[[step]]
do = "aggregate"
name = "totals"
key = ["hash"]
running = true
compute = {{n = "count()"}}
[limits]
max_batch_bytes = "256KiB"
""", interval="20ms")
        self.open(daemon)
        self.await_text("#verdict", "Well")
        lines = "".join(f"word-{i}\n" for i in range(200_000))
        for _ in range(12):
            daemon.feed(lines)
        self.await_text("#words", "the last batch began")
        self.assertEqual(self.text("#verdict"), "Behind")
        self.assertIn("behind", self.get("#health").get_attribute("class"))
        self.screenshot("behind")
        self.await_text("#verdict", "Well")

    def test_a_source_whose_peer_is_away_is_named(self):
        nobody = free_port()
        daemon = self.run_job(source=f'type = "socket"\nhost = "127.0.0.1"\nport = {nobody}')
        self.open(daemon)
        self.await_text("#sources", "Connection refused")
        self.await_text("#words", str(nobody))
        self.assertNotEqual(self.text("#verdict"), "Well")
        self.screenshot("source-away")

    def test_a_job_that_is_killed_and_comes_back(self):
        daemon = self.run_job()
        self.open(daemon)
        self.await_text("#verdict", "Well")
        daemon.process.send_signal(signal.SIGKILL)
        daemon.process.wait()
        self.await_text("#verdict", "No answer")
        self.assertIn("No answer", self.browser.title)
        self.screenshot("stopped")
        daemon.start()
        self.await_text("#verdict", "Well")

    def test_a_token_is_asked_for_once(self):
        daemon = Daemon(COUNTS, page='token_file = "DIRECTORY/token"')
        with open(daemon.path("token"), "w") as file:
            file.write("correct-horse-battery\n")
        os.chmod(daemon.path("token"), 0o600)
        self.addCleanup(daemon.end)
        daemon.start()
        self.open(daemon)
        self.await_text("#words", "who have its token")
        self.get("#token").send_keys("wrong" + Keys.ENTER)
        self.await_text("#words", "That is not the token")
        self.get("#token").clear()
        self.get("#token").send_keys("correct-horse-battery" + Keys.ENTER)
        self.await_text("#verdict", "Well")
        self.assertFalse(self.get("#login").is_displayed())
        self.browser.refresh()
        self.await_text("#verdict", "Well")

    def test_a_hundred_steps_and_a_thousand_batches_a_minute(self):
        steps = "".join(f'[[step]]\ndo = "filter"\ndrop = "^#"\nname = "step{i}"\n'
                        for i in range(100))
        daemon = self.run_job(steps + COUNTS, interval="50ms")
        self.open(daemon)
        self.await_text("#verdict", "Well")
        wait_until(lambda: self.browser.execute_script("return batches.length") > 100)
        self.await_text("#plan", "step99")
        # Answers a click at once.
        begin = time.monotonic()
        self.click("#batches tr.batch")
        self.await_text("#batches tr.detail", "print")
        self.assertLess(time.monotonic() - begin, 1.0)
        self.assertLessEqual(len(self.all("#batches tr.batch")), 20)
        self.assert_nothing_was_said_in_the_console()


if __name__ == "__main__":
    PROGRAM, SCREENSHOTS = sys.argv[1:3]
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        print("chromium and chromium-driver are not installed")
        sys.exit(77)
    os.makedirs(SCREENSHOTS, exist_ok=True)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
