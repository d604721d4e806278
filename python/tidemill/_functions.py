"""Functions that the engine and the wrappers share."""

import datetime
import hashlib
import inspect

from tidemill._forms import form_of


def drop_first(held, leaving):
    """What is left of a window's values when the oldest ones leave."""
    return held[len(leaving):]


def has_value(pair):
    """Whether a window still holds something of a key."""
    return bool(pair[1])


def code_of(function):
    """A text that is the same for functions of the same code in every run of the program."""
    code = getattr(function, "__code__", None)
    if code is None:
        module = getattr(function, "__module__", None) or type(function).__module__
        name = getattr(function, "__qualname__", None) or type(function).__qualname__
        return f"{module}.{name}"
    digest = hashlib.blake2b(digest_size=8)
    _add_code(digest, code)
    return digest.hexdigest()


def _add_code(digest, code):
    digest.update(code.co_code)
    digest.update(repr(code.co_names).encode())
    for constant in code.co_consts:
        if inspect.iscode(constant):
            _add_code(digest, constant)
        elif isinstance(constant, frozenset):
            digest.update(repr(sorted(map(repr, constant))).encode())
        else:
            digest.update(repr(constant).encode())


def native(function, operation):
    """`function` as the extension takes it."""
    if not callable(function):
        raise TypeError(f"{operation} takes a function, and was given {function!r}")
    return (function, code_of(function), *form_of(function))


def argument_count(function):
    """How many arguments a function of batches wants: those without a default."""
    code = getattr(function, "__code__", None)
    if code is not None:
        count = code.co_argcount - len(function.__defaults__ or ())
        return count - 1 if inspect.ismethod(function) else count
    return sum(parameter.default is parameter.empty and parameter.kind in (
        parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
               for parameter in inspect.signature(function).parameters.values())


def to_datetime(millis):
    """A batch's time as programs see it: local time, without a zone."""
    return datetime.datetime.fromtimestamp(millis / 1000.0)


def to_millis(time):
    """A time that a program gave: a datetime, or seconds since 1970."""
    if isinstance(time, datetime.datetime):
        return round(time.timestamp() * 1000)
    return round(time * 1000)
