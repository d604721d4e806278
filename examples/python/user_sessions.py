"""Sessions of users by mapWithState: how much each did until it was silent for a while.

Usage: user_sessions.py PORT DIRECTORY

Lines "user action" may be sent by anyone who connects: nc localhost PORT
"""

import sys

from tidemill.streaming import StreamingContext


def session(user, action, state):
    """Called for each action, and once more when the user was silent for ten seconds."""
    if state.isTimingOut():
        return f"{user} has left after {state.get()} actions"
    state.update((state.getOption() or 0) + 1)
    return f"{user}: {action}, number {state.get()}"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    ssc = StreamingContext(directory=sys.argv[2], interval=1.0)
    actions = (ssc.listenTextStream("127.0.0.1", int(sys.argv[1]))
               .filter(lambda line: " " in line)
               .map(lambda line: tuple(line.split(" ", 1))))
    sessions = actions.mapWithState(session, timeout=10, name="sessions")
    sessions.pprint()
    ssc.start()
    ssc.awaitTermination()
