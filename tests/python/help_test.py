"""help() says something of everything, and hints of types name types."""

import inspect
import typing
import unittest

import support  # noqa: F401
import tidemill
import tidemill.accumulators
import tidemill.rdd
import tidemill.rows
import tidemill.streaming
import tidemill.streaming.kafka
import tidemill.streaming.listener
import tidemill.streaming.state
from tidemill import _native

MODULES = [tidemill, tidemill.accumulators, tidemill.rdd, tidemill.rows, tidemill.streaming,
           tidemill.streaming.kafka, tidemill.streaming.listener, tidemill.streaming.state]


def classes():
    found = {value for module in MODULES for name, value in vars(module).items()
             if inspect.isclass(value) and not name.startswith("_")
             and value.__module__.startswith("tidemill")}
    return sorted(found - {_native.StreamingError}, key=lambda each: each.__qualname__)


class Help(unittest.TestCase):
    def test_everything_public_is_described(self):
        seen = 0
        for module in MODULES:
            self.assertTrue(module.__doc__, module)
        for each in classes():
            self.assertTrue(each.__doc__, each)
            for name, value in inspect.getmembers(each):
                described = inspect.isroutine(value) or isinstance(value, property)
                if name.startswith("_") or not described or hasattr(dict, name):
                    continue
                self.assertTrue(inspect.getdoc(value), f"{each.__qualname__}.{name}")
                seen += 1
        self.assertGreater(seen, 200)

    def test_hints_of_types_name_what_there_is(self):
        names = {each.__name__: each for each in classes()}
        names["rows"] = tidemill.rows
        hinted = 0
        for each in (tidemill.SparkContext, tidemill.rows.Rows, tidemill.streaming.DStream,
                     tidemill.streaming.StreamingContext):
            for name, value in vars(each).items():
                function = getattr(value, "__func__", getattr(value, "fget", value))
                if name.startswith("_") or not inspect.isfunction(function):
                    continue
                hints = typing.get_type_hints(function, localns=names)
                self.assertIn("return", hints, f"{each.__qualname__}.{name}")
                hinted += 1
        self.assertGreater(hinted, 90)


if __name__ == "__main__":
    unittest.main()
