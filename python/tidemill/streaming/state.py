"""State: a key's state in the hands of a mapWithState function."""


class State:
    """Of one key, inside one call."""

    __slots__ = ("_value", "_exists", "_timing_out", "_changed", "_removed")

    def __init__(self, value, exists, timing_out):
        self._value = value
        self._exists = exists
        self._timing_out = timing_out
        self._changed = False
        self._removed = False

    def exists(self):
        """Whether the key has a state."""
        return self._exists

    def get(self):
        """The state; KeyError when there is none."""
        if not self._exists:
            raise KeyError("State.get: the key has no state; ask exists() first")
        return self._value

    def getOption(self):
        """The state, or None."""
        return self._value if self._exists else None

    def update(self, newState):
        """Gives the key a new state."""
        self._require_open("update")
        self._value, self._exists, self._changed = newState, True, True

    def remove(self):
        """Takes the key's state away."""
        self._require_open("remove")
        self._value, self._exists = None, False
        self._changed = self._removed = True

    def isTimingOut(self):
        """Whether this is the last call for the key, which was idle for too long."""
        return self._timing_out

    def _require_open(self, what):
        if self._removed:
            raise ValueError(f"State.{what}: the state was removed in this call")
        if self._timing_out:
            raise ValueError(f"State.{what}: the key is timing out")


def mapping(function):
    """`function` of one record as the engine calls it: for all records of a key in a batch."""

    def all_of_key(key, values, value, exists):
        if values is None:
            return [function(key, None, State(value, exists, True))], False, True, value
        made, changed = [], False
        for record in values:
            state = State(value, exists, False)
            made.append(function(key, record, state))
            changed = changed or state._changed
            value, exists = state._value, state._exists
        return made, changed, exists, value

    return all_of_key
