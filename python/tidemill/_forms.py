"""Functions whose meaning the engine knows, so that it need not call them.

A function is known when it is one of Python's own, or when its code is that of a form below: the
same instructions, whatever its parameters are called. The result is Python's in every case; what
the engine cannot do itself for a value, such as the lower case of letters beyond ASCII, it asks
Python for.
"""

import builtins
import dis
import operator
import types

# Other integers than small ones could leave the engine's 64 bits when they are added up.
_MOST = 1024

_IGNORED = {"RESUME", "CACHE", "NOP", "PRECALL", "PUSH_NULL", "COPY_FREE_VARS"}
_NAMED = {"LOAD_GLOBAL", "LOAD_METHOD", "LOAD_ATTR"}


def _shape(code):
    """What functions of one form have in common, and their constants."""
    steps, constants = [], []
    for step in dis.get_instructions(code):
        if step.opname in _IGNORED:
            continue
        if step.opname in ("LOAD_CONST", "LOAD_SMALL_INT", "RETURN_CONST"):
            constants.append(step.argval)
            steps.append(step.opname.replace("LOAD_SMALL_INT", "LOAD_CONST"))
        elif step.opname in _NAMED:
            steps.append((step.opname, step.argval))
        else:
            steps.append((step.opname, step.arg))
    return (code.co_argcount, *steps), constants


def _no_constants(constants):
    return constants == [] and ("", 0)


def _separator(constants):
    (text,) = constants
    return type(text) is str and text != "" and (text, 0)


def _small_number(constants):
    (number,) = constants
    return type(number) is int and -_MOST <= number <= _MOST and ("", number)


def _exactly(*expected):
    def check(constants):
        same = [type(c) for c in constants] == [type(e) for e in expected]
        return same and constants == list(expected) and ("", 0)
    return check


_FORMS = {}
for _form, _check, _example in (
        ("split", _no_constants, lambda x: x.split()),
        ("splitAt", _separator, lambda x: x.split(" ")),
        ("lower", _no_constants, lambda x: x.lower()),
        ("upper", _no_constants, lambda x: x.upper()),
        ("strip", _no_constants, lambda x: x.strip()),
        ("pair", _small_number, lambda x: (x, 1)),
        ("itself", _no_constants, lambda x: x),
        ("truth", _no_constants, lambda x: bool(x)),
        ("length", _no_constants, lambda x: len(x)),
        ("longerThanNothing", _exactly(0), lambda x: len(x) > 0),
        ("notEmptyText", _exactly(""), lambda x: x != ""),
        ("add", _no_constants, lambda a, b: a + b),
        ("subtract", _no_constants, lambda a, b: a - b),
        ("maximum", _no_constants, lambda a, b: max(a, b)),
        ("minimum", _no_constants, lambda a, b: min(a, b))):
    _FORMS[_shape(_example.__code__)[0]] = (_form, _check)

# By identity: equality of functions is theirs to define.
_PYTHONS = {id(function): form for function, form in (
    (operator.add, "add"), (operator.sub, "subtract"), (max, "maximum"), (min, "minimum"),
    (str.split, "split"), (str.lower, "lower"), (str.upper, "upper"), (str.strip, "strip"),
    (bool, "truth"), (len, "length"))}

_PLAIN_FLAGS = ~(0x04 | 0x08 | 0x20 | 0x80 | 0x100 | 0x200)  # no *args, generators, coroutines


def form_of(function):
    """(name, text, number) of the form of a function; the name is empty when it has none."""
    known = _PYTHONS.get(id(function))
    if known is not None:
        return known, "", 0
    if type(function) is not types.FunctionType:
        return "", "", 0
    code = function.__code__
    if (code.co_flags & ~_PLAIN_FLAGS or code.co_freevars or code.co_cellvars
            or code.co_kwonlyargcount or function.__defaults__ or function.__kwdefaults__):
        return "", "", 0
    shape, constants = _shape(code)
    form, check = _FORMS.get(shape, ("", None))
    found = check(constants) if check is not None else False
    if not found or any(_is_not_builtin(function, name) for name in code.co_names):
        return "", "", 0
    return (form, *found)


def _is_not_builtin(function, name):
    if not hasattr(builtins, name):
        return False  # a method's
    value = getattr(builtins, name)
    return function.__globals__.get(name, value) is not value
