"""Kafka from Python: records in, records out, each once, against a real broker."""

import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

from support import StreamTest, free_port, wait_until
from tidemill.streaming import StreamingContext
from tidemill.streaming.kafka import KafkaMessageAndMetadata, KafkaUtils

BROKER = os.path.join(os.path.dirname(__file__), "..", "kafka", "broker")
CANNOT_BE_HAD = 77


def broker(*arguments):
    return subprocess.run([BROKER, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True)


class Kafka(StreamTest):
    @classmethod
    def setUpClass(cls):
        prepared = broker("prepare")
        if prepared.returncode == CANNOT_BE_HAD:
            raise unittest.SkipTest("Kafka's programs cannot be had: " + prepared.stderr)
        assert prepared.returncode == 0, prepared.stderr
        cls.data = tempfile.mkdtemp(prefix="tidemill-python-kafka-")
        port = free_port()
        started = broker("start", str(port), os.path.join(cls.data, "broker"))
        assert started.returncode == 0, started.stderr
        cls.addClassCleanup(broker, "kill", os.path.join(cls.data, "broker"))
        cls.brokers = f"127.0.0.1:{port}"

    def write(self, topic, elements, **options):
        """Sends elements to a topic, by a job."""
        ssc = StreamingContext(interval=0.05, directory=self.temporary_directory() + "/out")
        ssc.queueStream([elements]).toKafka(self.brokers, topic, create=True, **options)
        ssc.start()
        self.assertTrue(ssc.awaitBatch(2, 60))
        ssc.stop(stopGraceFully=True)

    def read(self, count, open_stream):
        """The first `count` elements of a stream."""
        ssc = StreamingContext(interval=0.05)
        seen = []
        open_stream(ssc).foreachRDD(lambda rdd: seen.extend(rdd.collect()))
        ssc.start()
        try:
            self.assertTrue(wait_until(lambda: len(seen) >= count, 60), seen)
        finally:
            ssc.stop()
        return seen

    def test_what_is_sent_is_read_with_keys_values_and_none(self):
        sent = [("k", "v"), (b"\xff", b"\x00raw"), (None, "alone"), ("tombstone", None), "value"]
        self.write("kinds", sent)
        read = self.read(5, lambda ssc: ssc.kafkaStream(self.brokers, ["kinds"], group="a",
                                                        keyDecoder=bytes_of, valueDecoder=bytes_of))
        self.assertCountEqual(read, [(b"k", b"v"), (b"\xff", b"\x00raw"), (None, b"alone"),
                                     (b"tombstone", None), (None, b"value")])

    def test_a_message_handler_sees_all_of_a_record(self):
        self.write("whole", [("k", "v")])
        (record,) = self.read(1, lambda ssc: ssc.kafkaStream(
            self.brokers, "whole", messageHandler=lambda record: record))
        self.assertIsInstance(record, KafkaMessageAndMetadata)
        self.assertEqual((record.key, record.value, record.topic, record.offset),
                         ("k", "v", "whole", 0))
        self.assertEqual([name for name, _ in record.headers], ["tidemill-batch"])
        self.assertGreater(record.timestamp, 1_600_000_000_000)

    def test_the_names_of_older_pyspark(self):
        self.write("direct", [("a", "1"), ("b", "2")])
        read = self.read(2, lambda ssc: KafkaUtils.createDirectStream(
            ssc, ["direct"], {"metadata.broker.list": self.brokers,
                              "auto.offset.reset": "smallest"}))
        self.assertCountEqual(read, [("a", "1"), ("b", "2")])

    def test_a_killed_program_counts_every_record_once(self):
        words = [(None, f"word{i % 17}") for i in range(3000)]
        self.write("words", words)
        program = textwrap.dedent("""
            import sys
            from tidemill import SparkContext
            from tidemill.streaming import StreamingContext
            ssc = StreamingContext(SparkContext("local[2]"), 0.05)
            ssc.checkpoint(sys.argv[1])
            counts = ssc.kafkaStream(sys.argv[2], ["words"], group="kills").map(
                lambda r: (r[1], 1)).updateStateByKey(lambda new, old: (old or 0) + sum(new))
            counts.foreachRDD(lambda rdd: print(sorted(rdd.collect()), flush=True))
            ssc.start()
            ssc.awaitTermination()
            """)
        directory = self.temporary_directory() + "/data"
        expected = sorted((f"word{k}", sum(1 for i in range(3000) if i % 17 == k))
                          for k in range(17))
        for _ in range(4):
            child = subprocess.Popen([sys.executable, "-c", program, directory, self.brokers],
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            child.stdout.readline()
            child.kill()
            child.wait()
            child.stdout.close()
        child = subprocess.Popen([sys.executable, "-c", program, directory, self.brokers],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            last = ""
            for _ in range(1200):
                last = child.stdout.readline().strip()
                if last == str(expected):
                    break
            self.assertEqual(last, str(expected))
        finally:
            child.kill()
            child.wait()
            child.stdout.close()

    def test_what_cannot_be_is_said(self):
        ssc = StreamingContext(interval=0.05)
        with self.assertRaisesRegex(ValueError, "start is 'now'"):
            ssc.kafkaStream(self.brokers, ["t"], start="now")
        with self.assertRaisesRegex(ValueError, "say either topics or a pattern"):
            ssc.kafkaStream(self.brokers)
        with self.assertRaisesRegex(ValueError, "onLostData is 'maybe'"):
            ssc.kafkaStream(self.brokers, ["t"], onLostData="maybe")
        with self.assertRaisesRegex(ValueError, "fromOffsets is not there"):
            KafkaUtils.createDirectStream(ssc, ["t"], {"bootstrap.servers": "b:1"}, {1: 2})
        with self.assertRaisesRegex(ValueError, "auto.offset.reset is 'none'"):
            KafkaUtils.createDirectStream(ssc, ["t"], {"bootstrap.servers": "b:1",
                                                       "auto.offset.reset": "none"})
        with self.assertRaisesRegex(ValueError, 'names no "bootstrap.servers"'):
            KafkaUtils.createDirectStream(ssc, ["t"], {})


def bytes_of(data):
    return data


if __name__ == "__main__":
    unittest.main()
