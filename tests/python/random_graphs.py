"""Random graphs of streams with Python functions, beside a naive model that computes every batch
anew from all batches before it. The same seed draws the same graph in every process."""

import collections
import operator
import random

KEYS = ["a", "b", "", "é日本", 1, 2.5, ("t", 1), None, b"x", frozenset([7]), "a longer key " * 3]
RECORDS_MOST = 150


class History(dict):
    """A stream's batches by their time in milliseconds; no entry: the stream has no batch then."""

    slide = 0  # how far they lie apart


class Clock:
    """When batches of the job were, and its zero time."""

    def __init__(self, times, interval):
        self.times, self.interval = sorted(times), interval
        self.zero = self.times[0] - interval


def grouped(pairs):
    """Key: its values."""
    groups = collections.defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


# An operation draws its parameters and gives (build(*streams), compute(clock, *histories)); what
# keeps something takes a name behind the streams.


def each(function):
    """A computation of one batch at a time."""

    def compute(clock, *parents):
        made = History({time: function(*(parent[time] for parent in parents))
                        for time in parents[0]})
        made.slide = parents[0].slide
        return made

    return compute


def narrow(rng):
    step = rng.randrange(1, 5)
    return rng.choice([
        (lambda s: s.map(lambda p: (p[0], p[1] + 1)),
         each(lambda b: [(k, v + 1) for k, v in b])),
        (lambda s: s.map(lambda p: ((p[0], p[1] % step), p[1])),
         each(lambda b: [((k, v % step), v) for k, v in b])),
        (lambda s: s.map(lambda p: (p[1] % step, p[1])),
         each(lambda b: [(v % step, v) for k, v in b])),
        (lambda s: s.flatMap(lambda p: [p] * (p[1] % 3)),
         each(lambda b: [p for p in b for _ in range(p[1] % 3)])),
        (lambda s: s.flatMap(lambda p: ((p[0], p[1] * i) for i in range(2))),
         each(lambda b: [(k, v * i) for k, v in b for i in range(2)])),
        (lambda s: s.filter(lambda p: p[1] % (step + 1)),
         each(lambda b: [p for p in b if p[1] % (step + 1)])),
        (lambda s: s.filter(lambda p: p[0]), each(lambda b: [p for p in b if p[0]])),
        (lambda s: s.mapValues(lambda v: v * 3 - step),
         each(lambda b: [(k, v * 3 - step) for k, v in b])),
        (lambda s: s.flatMapValues(lambda v: range(v % 3)),
         each(lambda b: [(k, i) for k, v in b for i in range(v % 3)])),
        (lambda s: s.mapPartitions(lambda part: ((k, v - 1) for k, v in part)),
         each(lambda b: [(k, v - 1) for k, v in b])),
        (lambda s: s.repartition(3).persist(), each(list)),
        (lambda s: s.partitionBy(2), each(list)),
        (lambda s: s.transform(lambda rdd: rdd.filter(lambda p: p[1] > step).distinct()),
         each(lambda b: list({p for p in b if p[1] > step}))),
    ])


def counts(rng):
    return rng.choice([
        (lambda s: s.count().map(lambda n: ("count", n)), each(lambda b: [("count", len(b))])),
        (lambda s: s.countByValue().map(lambda p: (p[0][0], p[0][1] + p[1])),
         each(lambda b: [(p[0], p[1] + n) for p, n in collections.Counter(b).items()])),
        (lambda s: s.map(lambda p: p[1]).reduce(max).map(lambda v: ("most", v)),
         each(lambda b: [("most", max(v for _, v in b))] if b else [])),
    ])


REDUCTIONS = [(operator.add, sum), (lambda a, b: a + b, sum), (lambda a, b: b + a, sum), (max, max),
              (lambda a, b: a if a < b else b, min)]


def reduced(rng):
    function, of_all = rng.choice(REDUCTIONS)
    return rng.choice([
        (lambda s: s.reduceByKey(function),
         each(lambda b: [(k, of_all(v)) for k, v in grouped(b).items()])),
        (lambda s: s.groupByKey().mapValues(lambda vs: len(vs) * 7 + max(vs)),
         each(lambda b: [(k, len(v) * 7 + max(v)) for k, v in grouped(b).items()])),
        (lambda s: s.combineByKey(lambda v: (v, 1), lambda c, v: (c[0] + v, c[1] + 1),
                                  lambda a, b: (a[0] + b[0], a[1] + b[1]))
                    .mapValues(lambda c: c[0] * 2 + c[1]),
         each(lambda b: [(k, sum(v) * 2 + len(v)) for k, v in grouped(b).items()])),
    ])


def pairs_of(here, there, left, right):
    """What a join makes of two batches."""
    here, there = grouped(here), grouped(there)
    for key in {**here, **there}:
        first, second = here.get(key, []), there.get(key, [])
        for a in first or ([None] if right else []):
            for b in second or ([None] if left else []):
                yield key, (a, b)


def one_value(both):
    """The two values of a join as one."""
    return ((both[0] or 0) * 31 + (both[1] or 0) * 7 + both.count(None)) % 10007


def joined(rng):
    name, left, right = rng.choice([("join", False, False), ("leftOuterJoin", True, False),
                                    ("rightOuterJoin", False, True), ("fullOuterJoin", True, True)])
    return rng.choice([
        (lambda s, t: getattr(s, name)(t).mapValues(one_value),
         each(lambda a, b: [(k, one_value(v)) for k, v in pairs_of(a, b, left, right)])),
        (lambda s, t: s.cogroup(t).mapValues(lambda g: sum(g[0]) * 31 + len(g[1])),
         each(lambda a, b: [(k, sum(grouped(a)[k]) * 31 + len(grouped(b)[k]))
                            for k in {**grouped(a), **grouped(b)}])),
        (lambda s, t: s.union(t), each(lambda a, b: a + b)),
        (lambda s, t: s.transformWith(lambda a, b: a.union(b.map(lambda p: (p[0], -p[1]))), t),
         each(lambda a, b: a + [(k, -v) for k, v in b])),
    ])


def windowed(rng):
    length, every = rng.randrange(1, 5), rng.choice([1, 1, 2])
    function, of_all = rng.choice(REDUCTIONS)

    def times(s):
        slide = s.slide_of * every
        return s.slide_of * length / 1000, slide / 1000

    def over(make):
        def compute(clock, parent):
            made = History()
            made.slide = parent.slide * every
            seen = False
            for time in clock.times:
                held = [p for at in sorted(parent) if time - parent.slide * length < at <= time
                        for p in parent[at]]
                seen = seen or any(parent[at] for at in parent if at <= time)
                if (time - clock.zero) % made.slide == 0:
                    made[time] = make(held, seen)
            return made

        return compute

    def with_times(build):
        def on(stream, name):
            made = build(stream, *times(stream), name)
            made.slide_of = stream.slide_of * every
            return made

        return on

    return rng.choice([
        (with_times(lambda s, n, e, name: s.window(n, e, name=name)),
         over(lambda held, seen: held)),
        (with_times(lambda s, n, e, name: s.reduceByKeyAndWindow(function, None, n, e, name=name)),
         over(lambda held, seen: [(k, of_all(v)) for k, v in grouped(held).items()])),
        (with_times(lambda s, n, e, name: s.mapValues(lambda v: 1).reduceByKeyAndWindow(
            lambda a, b: a + b, lambda a, b: a - b, n, e, filterFunc=lambda p: p[1] > 0,
            name=name)),
         over(lambda held, seen: [(k, len(v)) for k, v in grouped(held).items()])),
        (with_times(lambda s, n, e, name: s.groupByKeyAndWindow(n, e, name=name).mapValues(
            lambda vs: sum(vs) + len(vs))),
         over(lambda held, seen: [(k, sum(v) + len(v)) for k, v in grouped(held).items()])),
        (with_times(lambda s, n, e, name: s.countByValueAndWindow(n, e, name=name).map(
            lambda p: (p[0][0], p[0][1] + p[1]))),
         over(lambda held, seen: [(p[0], p[1] + n)
                                  for p, n in collections.Counter(held).items()])),
        (with_times(lambda s, n, e, name: s.countByWindow(n, e, name=name).map(
            lambda n: ("count", n))),
         over(lambda held, seen: [("count", len(held))] if seen else [])),
        (with_times(lambda s, n, e, name: s.map(lambda p: p[1]).reduceByWindow(
            function, None, n, e, name=name).map(lambda v: ("all", v))),
         over(lambda held, seen: [("all", of_all([v for _, v in held]))] if held else [])),
    ])


def with_state(rng):
    gone = rng.randrange(3, 8)

    def update(new, old):
        total = ((old or (0, 0))[0] + sum(new)) % 10007
        return None if total % gone == 0 else (total, len(new))

    def count(key, value, state):
        state.update((state.getOption() or 0) + 1)
        if state.get() == gone:
            state.remove()
            return (key, 0)
        return (key, state.get())

    def updated(clock, parent):
        states, made = {}, History()
        made.slide = parent.slide
        for time in sorted(parent):
            groups = grouped(parent[time])
            for key in list({**states, **groups}):
                after = update(groups.get(key, []), states.get(key))
                if after is None:
                    states.pop(key, None)
                else:
                    states[key] = after
            made[time] = [(k, v[0] + v[1]) for k, v in states.items()]
        return made

    def counted(snapshots):
        def compute(clock, parent):
            states, made = {}, History()
            made.slide = parent.slide
            for time in sorted(parent):
                out = []
                for key, _ in parent[time]:
                    states[key] = (states.get(key, 0) + 1) % gone
                    out.append((key, states[key]))
                    if states[key] == 0:
                        del states[key]
                made[time] = list(states.items()) if snapshots else out
            return made

        return compute

    return rng.choice([
        (lambda s, name: s.updateStateByKey(update, name=name).mapValues(lambda v: v[0] + v[1]),
         updated),
        (lambda s, name: s.mapWithState(count, name=name), counted(False)),
        (lambda s, name: s.mapWithState(count, name=name).stateSnapshots(), counted(True)),
    ])


KINDS = [(narrow, 1), (narrow, 1), (narrow, 1), (counts, 1), (reduced, 1), (reduced, 1),
         (joined, 2), (windowed, 1), (windowed, 1), (with_state, 1)]


class Graph:
    """A drawn graph: two inputs and some operations on what is there already."""

    INPUTS = 2

    def __init__(self, seed, interval):
        self.seed, self.interval = seed, interval
        rng = random.Random(f"graph {seed}")
        clock = Clock([(i + 1) * interval for i in range(5)], interval)
        self._nodes = [None] * self.INPUTS
        histories = []
        for queue in self.inputs(0, 5):
            histories.append(History(zip(clock.times, queue)))
            histories[-1].slide = interval
        self.kinds = collections.Counter()
        wanted = rng.randrange(3, 9)
        for _ in range(40):
            if len(self._nodes) == self.INPUTS + wanted:
                break
            kind, parents = rng.choice(KINDS)
            first = rng.randrange(len(self._nodes))
            second = rng.choice([i for i, history in enumerate(histories)
                                 if history.slide == histories[first].slide])
            build, compute = kind(rng)
            chosen = [first, second][:parents]
            made = compute(clock, *(histories[i] for i in chosen))
            if made.slide > 4 * interval or max(map(len, made.values()), default=0) > RECORDS_MOST:
                continue
            self.kinds[kind.__name__] += 1
            histories.append(made)
            self._nodes.append((build, compute, chosen))

    def inputs(self, life, batches):
        """What is pushed in a life: a list of batches for each input. Values are unique."""
        rng = random.Random(f"inputs {self.seed} {life}")
        number = life * 100000
        queues = []
        for _ in range(self.INPUTS):
            queue = []
            for _ in range(batches):
                batch = []
                for _ in range(rng.choice([0, 0, 1, 3, 8])):
                    number += 1
                    batch.append((rng.choice(KEYS), number))
                queue.append(batch)
            queues.append(queue)
        return queues

    def build(self, ssc, life, batches):
        """All streams of the graph in `ssc`, the inputs first."""
        streams = []
        for queue in self.inputs(life, batches):
            streams.append(ssc.queueStream(queue, default=[]))
            streams[-1].slide_of = self.interval
        for build, _, parents in self._nodes[self.INPUTS:]:
            arguments = [streams[i] for i in parents]
            if build.__code__.co_argcount > len(parents):
                arguments.append(f"stream {len(streams)}")
            made = build(*arguments)
            if "slide_of" not in vars(made):
                made.slide_of = streams[parents[0]].slide_of
            streams.append(made)
        return streams

    def model(self, seen):
        """What all streams hold, by what the inputs did: seen[n] is {time: elements} of input n."""
        clock = Clock(seen[0], self.interval)
        histories = []
        for batches in seen:
            histories.append(History(batches))
            histories[-1].slide = self.interval
        for _, compute, parents in self._nodes[self.INPUTS:]:
            histories.append(compute(clock, *(histories[i] for i in parents)))
        return histories
