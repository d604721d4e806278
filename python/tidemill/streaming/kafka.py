"""Streams of Kafka topics: each record once, whatever is killed when (docs/guide/kafka.md)."""

import collections
import math

_Record = collections.namedtuple("_Record", "key value topic partition offset timestamp headers")


class KafkaMessageAndMetadata(_Record):
    """A record: key and value as the decoders made them, timestamp in milliseconds since 1970 (-1:
    none), headers as a list of (name, bytes or None). pyspark called the value `message`."""

    __slots__ = ()

    @property
    def message(self):
        """The value."""
        return self.value


def utf8_decoder(s):
    """Text of UTF-8; None stays None."""
    return None if s is None else s.decode("utf-8")


def _start_of(start):
    if start in ("earliest", "latest"):
        return start
    if (isinstance(start, bool) or not isinstance(start, (int, float)) or not math.isfinite(start)
            or start < 0):
        raise ValueError(f"kafkaStream: start is {start!r}: it is 'earliest', 'latest' or a time "
                         "in seconds since 1970")
    return round(start * 1000)


def _records(ssc, brokers, topics, pattern, group, start, onLostData, properties):
    if onLostData not in ("stop", "skip"):
        raise ValueError(f"kafkaStream: onLostData is {onLostData!r}: it is 'stop' or 'skip'")
    names = [topics] if isinstance(topics, str) else list(topics or [])
    given = {str(name): str(value) for name, value in (properties or {}).items()}
    return ssc._opened(ssc._native.kafkaStream(brokers, names, pattern or "", group,
                                               _start_of(start), onLostData == "skip", given))


class KafkaUtils:
    """The names that pyspark.streaming had until Spark 3.0."""

    @staticmethod
    def createDirectStream(ssc, topics, kafkaParams, fromOffsets=None, keyDecoder=utf8_decoder,
                           valueDecoder=utf8_decoder, messageHandler=None):
        """(key, value) of each record, or what messageHandler(KafkaMessageAndMetadata) gives.

        kafkaParams: "metadata.broker.list" or "bootstrap.servers", "group.id" (default: tidemill),
        "auto.offset.reset": "smallest" or "earliest", "largest" or "latest" (default: latest, as
        it was there); others go to librdkafka."""
        if fromOffsets:
            raise ValueError("createDirectStream: fromOffsets is not there: positions are kept in "
                             "the data directory; kafkaStream(start=…) begins at a time")
        params = dict(kafkaParams)
        brokers = params.pop("bootstrap.servers", None)
        brokers = params.pop("metadata.broker.list", brokers) if brokers is None else brokers
        params.pop("metadata.broker.list", None)
        if not brokers:
            raise ValueError('createDirectStream: kafkaParams names no "bootstrap.servers"')
        reset = params.pop("auto.offset.reset", "largest")
        starts = {"smallest": "earliest", "earliest": "earliest", "largest": "latest",
                  "latest": "latest"}
        if reset not in starts:
            raise ValueError(f"createDirectStream: auto.offset.reset is {reset!r}: it is one of "
                             f"{', '.join(starts)}")
        return decoded(_records(ssc, brokers, topics, None, params.pop("group.id", "tidemill"),
                                starts[reset], "stop", params),
                       keyDecoder, valueDecoder, messageHandler)


def decoded(records, keyDecoder, valueDecoder, messageHandler):
    """A stream of native records as programs see them."""
    if messageHandler is None:
        return records.map(lambda r: (keyDecoder(r[0]), valueDecoder(r[1])))
    return records.map(lambda r: messageHandler(
        KafkaMessageAndMetadata(keyDecoder(r[0]), valueDecoder(r[1]), *r[2:])))
