"""Accumulators: values that a job's functions add to, exact across crashes.

    dropped = sc.accumulator(0)

    def wanted(word):
        if word in STOP_WORDS:
            dropped.add(1)
            return False
        return True

    words.filter(wanted).pprint()

What a batch adds counts once, whatever is killed and run again, and however many outputs read the
stream. docs/guide/from_pyspark.md says where functions may add.
"""

import functools
import types

from tidemill import _native


class AccumulatorParam:
    """How values of a kind are added up; override both."""

    def zero(self, value):
        """What adding begins with, for an accumulator whose first value is `value`."""
        raise NotImplementedError

    def addInPlace(self, value1, value2):
        """Both added up; may change and return the first."""
        raise NotImplementedError


_ZEROS = {int: 0, float: 0.0, complex: 0.0j}


class Accumulator:
    """A value to add to; SparkContext.accumulator() makes it."""

    def __init__(self, name, value, accum_param=None):
        if accum_param is None and type(value) not in _ZEROS:
            raise TypeError(f"accumulator: no default accumulator param for type {type(value)}: "
                            "give an AccumulatorParam, which says how such values are added up")
        self._native = _native.Accumulator(name, value, _ZEROS.get(type(value)), accum_param)

    @property
    def name(self):
        """Under which the value is found again after a restart."""
        return self._native.name()

    def add(self, term):
        """Adds to the value, inside of a function of the job."""
        self._native.add(term)

    def __iadd__(self, term):
        """The same: name += term."""
        self._native.add(term)
        return self

    @property
    def value(self):
        """The value after the last complete batch; in a function of transform or foreachRDD with
        what the batch has added so far."""
        return self._native.value()

    @value.setter
    def value(self, value):
        raise AttributeError("an accumulator's value is not set: it is the sum of what the job's "
                             "functions have added, also after a crash")

    def __reduce__(self):
        raise TypeError("an accumulator cannot be pickled: it is part of a job's state already")

    def __repr__(self):
        return f"Accumulator<name={self.name}, value={self.value}>"

    def __str__(self):
        return str(self.value)


_made_inside = False  # some function of a job makes accumulators itself


def are_made_inside():
    """Whether a function that a job was given names SparkContext.accumulator."""
    return _made_inside


def used_by(function):
    """Whether a function names an Accumulator, as far as one can see: what it captured, names of
    its module, its defaults, what belongs to its object, and the same of functions it names."""
    return _Search().finds(function)


class _Search:
    """Goes through what a function can reach by names."""

    def __init__(self):
        self._seen = set()

    def finds(self, value):
        """Whether an Accumulator is reached from `value`."""
        if isinstance(value, Accumulator):
            return True
        if id(value) in self._seen:
            return False
        self._seen.add(id(value))
        if isinstance(value, types.FunctionType):
            return self._in_function(value)
        if isinstance(value, types.MethodType):
            return self.finds(value.__func__) or self._in_object(value.__self__)
        if isinstance(value, functools.partial):
            return any(map(self.finds, (value.func, *value.args, *value.keywords.values())))
        if callable(value) and not isinstance(value, type):
            return self._in_object(value) or self.finds(getattr(type(value), "__call__", None))
        return False

    def _in_function(self, function):
        global _made_inside
        names = set(_names_of(function.__code__))
        _made_inside = _made_inside or "accumulator" in names
        known = function.__globals__
        reached = [cell.cell_contents for cell in function.__closure__ or () if not _empty(cell)]
        reached += function.__defaults__ or ()
        reached += (function.__kwdefaults__ or {}).values()
        reached += (known[name] for name in names if name in known)
        # All of them, for what is made inside.
        return any([self.finds(value) or self._in_object(value, shallow=True)
                    for value in reached])

    def _in_object(self, value, shallow=False):
        if isinstance(value, (list, tuple, set)):
            return any(isinstance(part, Accumulator) for part in value)
        held = value if isinstance(value, dict) else getattr(value, "__dict__", None)
        if not isinstance(held, dict) or isinstance(value, (types.ModuleType, type)):
            return False
        return any(isinstance(part, Accumulator) or (not shallow and self.finds(part))
                   for part in held.values())


def _empty(cell):
    try:
        return cell.cell_contents is cell
    except ValueError:
        return True


def _names_of(code):
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names_of(constant)
