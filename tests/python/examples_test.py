"""The programs in examples/python, run as their first lines say."""

import glob
import os
import signal
import socket
import subprocess
import sys
import threading
import unittest

from support import Program, StreamTest, free_port, wait_until

EXAMPLES = os.path.join(os.path.dirname(__file__), "../../examples/python")


class Example(Program):
    """One of them, started with arguments."""

    def __init__(self, test, name, *arguments):
        super().__init__(test, "", *map(str, arguments), environment={"PYTHONUNBUFFERED": "1"})
        self.path = os.path.join(EXAMPLES, name)


class Server:
    """Listens, and sends everyone who connects what it is given."""

    def __init__(self, test):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._connection = None
        self._connected = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()
        test.addCleanup(self.close)

    def _accept(self):
        while True:
            try:
                self._connection, _ = self._listener.accept()
            except OSError:
                return
            self._connected.set()

    def send(self, text):
        assert self._connected.wait(30)
        self._connection.sendall(text.encode())

    def reconnect(self):
        self._connected.clear()

    def close(self):
        self._listener.close()
        if self._connection is not None:
            self._connection.close()


class Examples(StreamTest):
    def stop(self, program):
        program.process.send_signal(signal.SIGINT)
        self.assertEqual(program.process.wait(30), 0, program.err)

    def test_network_wordcount(self):
        server = Server(self)
        program = Example(self, "network_wordcount.py", "localhost", server.port).start()
        server.send("to be or not to be\n")
        self.assertTrue(wait_until(lambda: "('be', 2)" in program.out), program.err)
        self.stop(program)

    def test_stateful_network_wordcount_goes_on_after_a_kill(self):
        server = Server(self)
        directory = os.path.join(self.temporary_directory(), "data")
        program = Example(self, "stateful_network_wordcount.py", "localhost", server.port,
                          directory).start()
        server.send("hello again\n")
        self.assertTrue(wait_until(lambda: "('hello', 2)" in program.out), program.err)
        server.reconnect()
        program.kill()
        program.start()
        server.send("hello again\n")
        self.assertTrue(wait_until(lambda: "('hello', 3)" in program.out), program.err)
        self.stop(program)

    def test_recoverable_network_wordcount(self):
        server = Server(self)
        base = self.temporary_directory()
        output = os.path.join(base, "output")
        program = Example(self, "recoverable_network_wordcount.py", "localhost", server.port,
                          os.path.join(base, "data"), output).start()
        server.send("a word\n")

        def written(text):
            if not os.path.exists(output):
                return False
            with open(output, encoding="utf-8") as file:
                return text in file.read()

        self.assertTrue(wait_until(lambda: written("{'word': 1} dropped 1 so far\n")), program.err)
        server.reconnect()
        program.kill()
        program.start()
        server.send("b other a\n")
        self.assertTrue(wait_until(lambda: written("{'other': 1} dropped 3 so far\n")), program.err)
        self.stop(program)

    def test_sql_network_wordcount(self):
        server = Server(self)
        program = Example(self, "sql_network_wordcount.py", "localhost", server.port).start()
        server.send("to be or  not to be\n")
        self.assertTrue(wait_until(lambda: "{'word': 'be', 'total': 2}\n"
                                   "{'word': 'to', 'total': 2}\n"
                                   "{'word': 'not', 'total': 1}" in program.out),
                        program.out + program.err)
        self.stop(program)

    def test_watch_directory(self):
        directory = self.temporary_directory()
        program = Example(self, "watch_directory.py", directory).start()
        with open(os.path.join(directory, "new"), "w", encoding="utf-8") as file:
            file.write("words of a file\n")
        self.assertTrue(wait_until(lambda: "('words', 1)" in program.out), program.err)
        self.stop(program)

    def test_queue_stream(self):
        program = Example(self, "queue_stream.py").run()
        self.assertEqual(program.process.returncode, 0, program.err)
        self.assertEqual(program.out.count("(7, 100)"), 5)

    def test_word_sentiments(self):
        server = Server(self)
        table = os.path.join(self.temporary_directory(), "table")
        with open(table, "w", encoding="utf-8") as file:
            file.write("good\t3\nbad\t-3\nsplendid\t5\n")
        program = Example(self, "word_sentiments.py", "localhost", server.port, table).start()
        server.send("good good bad day\n")
        self.assertTrue(wait_until(
            lambda: "happiest words:\n  good: 6\n  bad: -3\nsaddest words:\n  bad: -3\n  good: 6"
            in program.out), program.out + program.err)
        self.stop(program)

    def test_user_sessions(self):
        port = free_port()
        directory = os.path.join(self.temporary_directory(), "data")
        program = Example(self, "user_sessions.py", port, directory).start()

        def connected():
            try:
                with socket.create_connection(("127.0.0.1", port)) as connection:
                    connection.sendall(b"ann opens\nann closes\n")
                return True
            except OSError:
                return False

        self.assertTrue(wait_until(connected), program.err)
        self.assertTrue(wait_until(lambda: "ann: closes, number 2" in program.out), program.err)
        self.stop(program)

    def test_each_says_how_it_is_used(self):
        for path in glob.glob(os.path.join(EXAMPLES, "*.py")):
            if path.endswith("queue_stream.py"):
                continue
            ended = subprocess.run([sys.executable, path], capture_output=True, check=False,
                                   timeout=60)
            self.assertEqual(ended.returncode, 1, path)
            self.assertIn(b"Usage: " + os.path.basename(path).encode(), ended.stderr)


if __name__ == "__main__":
    unittest.main()
