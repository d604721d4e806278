"""RDD: the elements of one batch, for the functions of transform and foreachRDD, and lists that a
program made itself."""

import functools
import heapq
import itertools
import os

from tidemill.rdd_numbers import Numbers


class RDD(Numbers):
    """Elements in partitions, in this process. Its operations are done at once, in the order of
    the elements; what is made from a batch may be kept."""

    def __init__(self, parts, context=None):
        """`parts`: a list of a list for each partition, or a function that gives it when it is
        asked for the first time."""
        self._made = parts if not callable(parts) else None
        self._make = parts if callable(parts) else None
        self._first = None
        self.context = context
        self.ctx = context

    def _parts(self):
        if self._made is None:
            self._made = self._make()
        return self._made

    def _all(self):
        return itertools.chain.from_iterable(self._parts())

    def _each(self, function):
        return RDD([function(part) for part in self._parts()], self.context)

    def _spread(self, elements):
        """An RDD of as many partitions as this one, with about equal shares of `elements`."""
        elements = list(elements)
        count = max(1, len(self._parts()))
        cuts = [len(elements) * i // count for i in range(count + 1)]
        return RDD([elements[a:b] for a, b in zip(cuts, cuts[1:])], self.context)

    # Elements.

    def collect(self):
        """All elements as a list."""
        return list(self._all())

    def take(self, num):
        """The first ones."""
        if self._made is None and self._first is not None:
            return self._first(num)
        return list(itertools.islice(self._all(), num))

    def first(self):
        """The first one; ValueError when there is none."""
        taken = self.take(1)
        if not taken:
            raise ValueError("RDD is empty")
        return taken[0]

    def isEmpty(self):
        """Whether there is none."""
        return not self.take(1)

    def count(self):
        """How many there are."""
        return sum(len(part) for part in self._parts())

    def toLocalIterator(self, prefetchPartitions=False):
        """One after another."""
        return iter(self.collect())

    def getNumPartitions(self):
        """How many partitions there are."""
        return len(self._parts())

    def glom(self):
        """A list for each partition."""
        return self._each(lambda part: [list(part)])

    def foreach(self, f):
        """Calls f(element) for each."""
        for element in self._all():
            f(element)

    def foreachPartition(self, f):
        """Calls f(iterator) for each partition."""
        for part in self._parts():
            f(iter(part))

    # Element by element.

    def map(self, f, preservesPartitioning=False):
        """f(element) of each."""
        return self._each(lambda part: [f(element) for element in part])

    def flatMap(self, f, preservesPartitioning=False):
        """All that f(element) gives, of each."""
        return self._each(lambda part: [made for element in part for made in f(element)])

    def filter(self, f):
        """Those for which f(element) is true."""
        return self._each(lambda part: [element for element in part if f(element)])

    def mapPartitions(self, f, preservesPartitioning=False):
        """All that f(iterator) gives, of each partition."""
        return self._each(lambda part: list(f(iter(part))))

    def mapPartitionsWithIndex(self, f, preservesPartitioning=False):
        """All that f(number, iterator) gives, of each partition."""
        return RDD([list(f(i, iter(part))) for i, part in enumerate(self._parts())], self.context)

    def keyBy(self, f):
        """(f(element), element) of each."""
        return self.map(lambda element: (f(element), element))

    def distinct(self, numPartitions=None):
        """Each element once."""
        return self._spread(dict.fromkeys(self._all()))

    def union(self, other):
        """Those of both."""
        return RDD(self._parts() + other._parts(), self.context)

    __add__ = union

    def intersection(self, other):
        """Those that are in both, each once."""
        there = set(other._all())
        return self._spread(e for e in dict.fromkeys(self._all()) if e in there)

    def subtract(self, other, numPartitions=None):
        """Those that are not in the other."""
        there = set(other._all())
        return self.filter(lambda element: element not in there)

    def cartesian(self, other):
        """Every pair of one of this and one of the other."""
        others = other.collect()
        return self.flatMap(lambda element: [(element, there) for there in others])

    def zip(self, other):
        """(first of this, first of the other), and so on."""
        here, there = self.collect(), other.collect()
        if len(here) != len(there):
            raise ValueError(f"zip: the RDDs have {len(here)} and {len(there)} elements")
        return self._spread(zip(here, there))

    def zipWithIndex(self):
        """(element, its number from 0)."""
        numbers = itertools.count()
        return self._each(lambda part: [(element, next(numbers)) for element in part])

    def sortBy(self, keyfunc, ascending=True, numPartitions=None):
        """In the order of keyfunc(element)."""
        return self._spread(sorted(self._all(), key=keyfunc, reverse=not ascending))

    def repartition(self, numPartitions):
        """In so many partitions."""
        elements = self.collect()
        cuts = [len(elements) * i // numPartitions for i in range(numPartitions + 1)]
        return RDD([elements[a:b] for a, b in zip(cuts, cuts[1:])], self.context)

    def coalesce(self, numPartitions, shuffle=False):
        """In at most so many partitions."""
        return self.repartition(min(numPartitions, max(1, len(self._parts()))))

    # All of them.

    def reduce(self, f):
        """All reduced to one by f(a, b); ValueError when there is none."""
        try:
            return functools.reduce(f, self._all())
        except TypeError:
            if self.isEmpty():
                raise ValueError("Can not reduce() empty RDD") from None
            raise

    def fold(self, zeroValue, op):
        """The same, beginning with zeroValue."""
        return functools.reduce(op, self._all(), zeroValue)

    def aggregate(self, zeroValue, seqOp, combOp):
        """Each partition by seqOp(aggregate, element), and those by combOp."""
        import copy
        made = [functools.reduce(seqOp, part, copy.deepcopy(zeroValue)) for part in self._parts()]
        return functools.reduce(combOp, made, copy.deepcopy(zeroValue))

    def max(self, key=None):
        """The largest."""
        return max(self._all(), key=key)

    def min(self, key=None):
        """The smallest."""
        return min(self._all(), key=key)

    def top(self, num, key=None):
        """The largest ones, largest first."""
        return heapq.nlargest(num, self._all(), key=key)

    def takeOrdered(self, num, key=None):
        """The smallest ones, smallest first."""
        return heapq.nsmallest(num, self._all(), key=key)

    def countByValue(self):
        """A dict of how often each occurs."""
        return self._counted(self._all())

    @staticmethod
    def _counted(elements):
        counts = {}
        for element in elements:
            counts[element] = counts.get(element, 0) + 1
        return counts

    # Pairs.

    def keys(self):
        """The first of each pair."""
        return self.map(lambda pair: pair[0])

    def values(self):
        """The second of each pair."""
        return self.map(lambda pair: pair[1])

    def mapValues(self, f):
        """(key, f(value)) of each."""
        return self.map(lambda pair: (pair[0], f(pair[1])))

    def flatMapValues(self, f):
        """(key, made) of all that f(value) gives."""
        return self.flatMap(lambda pair: [(pair[0], made) for made in f(pair[1])])

    def _groups(self):
        groups = {}
        for key, value in self._all():
            groups.setdefault(key, []).append(value)
        return groups

    def groupByKey(self, numPartitions=None):
        """(key, list of its values)."""
        return self._spread(self._groups().items())

    def groupBy(self, f, numPartitions=None):
        """(f(element), list of the elements)."""
        return self.keyBy(f).groupByKey()

    def combineByKey(self, createCombiner, mergeValue, mergeCombiners, numPartitions=None):
        """(key, its values combined)."""
        combined = {}
        for key, value in self._all():
            combined[key] = (mergeValue(combined[key], value) if key in combined
                             else createCombiner(value))
        return self._spread(combined.items())

    def reduceByKey(self, func, numPartitions=None):
        """(key, its values reduced by func(a, b))."""
        return self.combineByKey(lambda value: value, func, func)

    def reduceByKeyLocally(self, func):
        """The same as a dict."""
        return self.reduceByKey(func).collectAsMap()

    def foldByKey(self, zeroValue, func, numPartitions=None):
        """The same, beginning with zeroValue."""
        return self.combineByKey(lambda value: func(zeroValue, value), func, func)

    def aggregateByKey(self, zeroValue, seqFunc, combFunc, numPartitions=None):
        """(key, its values by seqFunc, beginning with zeroValue)."""
        import copy
        return self.combineByKey(lambda value: seqFunc(copy.deepcopy(zeroValue), value), seqFunc,
                                 combFunc)

    def countByKey(self):
        """A dict of how often each key occurs."""
        return self._counted(key for key, _ in self._all())

    def collectAsMap(self):
        """A dict of the pairs."""
        return dict(self._all())

    def lookup(self, key):
        """The values of a key."""
        return [value for other, value in self._all() if other == key]

    def sortByKey(self, ascending=True, numPartitions=None, keyfunc=lambda key: key):
        """In the order of the keys."""
        return self.sortBy(lambda pair: keyfunc(pair[0]), ascending)

    def subtractByKey(self, other, numPartitions=None):
        """Pairs whose keys are not in the other."""
        there = {key for key, _ in other._all()}
        return self.filter(lambda pair: pair[0] not in there)

    def cogroup(self, other, numPartitions=None):
        """(key, (values here, values there)) of all keys."""
        here, there = self._groups(), other._groups()
        keys = dict.fromkeys(itertools.chain(here, there))
        return self._spread((key, (here.get(key, []), there.get(key, []))) for key in keys)

    def groupWith(self, other, *others):
        """(key, (values here, values there, …)) of all keys of several RDDs."""
        groups = [rdd._groups() for rdd in (self, other, *others)]
        keys = dict.fromkeys(itertools.chain(*groups))
        return self._spread((key, tuple(each.get(key, []) for each in groups)) for key in keys)

    def _joined(self, other, left, right):
        def pairs(both):
            here, there = both
            if not here and right:
                here = [None]
            if not there and left:
                there = [None]
            return [(a, b) for a in here for b in there]
        return self.cogroup(other).flatMapValues(pairs)

    def join(self, other, numPartitions=None):
        """(key, (value here, value there)) for every two."""
        return self._joined(other, False, False)

    def leftOuterJoin(self, other, numPartitions=None):
        """The same, with None for a missing value there."""
        return self._joined(other, True, False)

    def rightOuterJoin(self, other, numPartitions=None):
        """The same, with None for a missing value here."""
        return self._joined(other, False, True)

    def fullOuterJoin(self, other, numPartitions=None):
        """Both."""
        return self._joined(other, True, True)

    # What lasts, and what leads out.

    def cache(self):
        """Elements are kept as long as the RDD is."""
        return self

    def persist(self, storageLevel=None):
        """As cache()."""
        return self

    def unpersist(self, blocking=False):
        """Nothing is given back before the RDD goes."""
        return self

    def saveAsTextFile(self, path, compressionCodecClass=None):
        """A new directory of files part-00000 … with str() of each element a line, and _SUCCESS.
        Unlike DStream.saveAsTextFiles it knows of no batch: after a crash it fails, because the
        directory is there already."""
        if compressionCodecClass is not None:
            raise ValueError("saveAsTextFile: files are not compressed in Tidemill")
        os.makedirs(path)
        for number, part in enumerate(self._parts()):
            with open(os.path.join(path, f"part-{number:05d}"), "w", encoding="utf-8") as file:
                file.writelines(f"{element}\n" for element in part)
        with open(os.path.join(path, "_SUCCESS"), "w", encoding="utf-8"):
            pass

    def toDF(self, schema=None):
        """A pandas DataFrame; `schema` is a list of the columns' names."""
        try:
            import pandas
        except ImportError:
            raise ImportError("toDF makes a pandas DataFrame, and pandas is not installed") from None
        return pandas.DataFrame(self.collect(), columns=schema)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"RDD.{name} is not there in Tidemill; what is: "
                             "docs/guide/from_pyspark.md")


def of_batch(batch, context):
    """The RDD of a batch that an operation was given."""
    rdd = RDD(batch.collect, context)
    rdd._first = batch.take
    rdd.id = batch.id
    return rdd


def elements_of(rdd):
    """What transform's function returned: an RDD, or an iterable."""
    if isinstance(rdd, RDD):
        return rdd.collect()
    if rdd is None:
        raise TypeError("the function of transform returned None: it returns an RDD")
    return rdd
