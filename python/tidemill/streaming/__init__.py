"""Streams: StreamingContext and DStream, with the names and meanings of pyspark.streaming."""

from tidemill.streaming.context import StreamingContext
from tidemill.streaming.dstream import DStream
from tidemill.streaming.listener import StreamingListener
from tidemill.streaming.state import State

__all__ = ["DStream", "State", "StreamingContext", "StreamingListener"]
