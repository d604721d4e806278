"""What an RDD says of its numbers, and samples of its elements."""

import bisect
import itertools
import math


class StatCounter:
    """Count, sum, mean, extremes and spread of numbers, by methods as pyspark has them."""

    def __init__(self, values=()):
        self._values = sorted(values)

    def count(self):
        """How many."""
        return len(self._values)

    def sum(self):
        """Their sum."""
        return sum(self._values)

    def mean(self):
        """Their mean; NaN of none, as for the rest."""
        from statistics import fmean  # here: it takes long to import
        return fmean(self._values) if self._values else math.nan

    def min(self):
        """The smallest."""
        return self._values[0] if self._values else math.inf

    def max(self):
        """The largest."""
        return self._values[-1] if self._values else -math.inf

    def variance(self):
        """The variance of just these."""
        from statistics import pvariance
        return float(pvariance(self._values)) if self._values else math.nan

    def sampleVariance(self):
        """The variance of what these are a sample of."""
        from statistics import variance
        return float(variance(self._values)) if len(self._values) > 1 else math.nan

    def stdev(self):
        """The square root of variance()."""
        return math.sqrt(self.variance())

    def sampleStdev(self):
        """The square root of sampleVariance()."""
        return math.sqrt(self.sampleVariance())

    def asDict(self, sample=False):
        """All of it as a dict."""
        return {"count": self.count(), "mean": self.mean(), "sum": self.sum(), "min": self.min(),
                "max": self.max(),
                "stdev": self.sampleStdev() if sample else self.stdev(),
                "variance": self.sampleVariance() if sample else self.variance()}

    def __repr__(self):
        return (f"(count: {self.count()}, mean: {self.mean()}, stdev: {self.stdev()}, "
                f"max: {self.max()}, min: {self.min()})")


class Numbers:
    """Part of RDD. Without a seed samples are the same for the same elements, so that a batch that
    is run again has the same."""

    def _chance(self, seed):
        from random import Random
        return Random(self.count() if seed is None else seed)

    def sum(self):
        """Their sum."""
        return sum(self._all())

    def mean(self):
        """Their mean."""
        from statistics import fmean
        return fmean(self._all())

    def treeReduce(self, f, depth=2):
        """reduce(f): here there is one machine."""
        return self.reduce(f)

    def treeAggregate(self, zeroValue, seqOp, combOp, depth=2):
        """aggregate(zeroValue, seqOp, combOp)."""
        return self.aggregate(zeroValue, seqOp, combOp)

    def stats(self):
        """A StatCounter of the elements, numbers."""
        return StatCounter(self._all())

    def stdev(self):
        """Their standard deviation."""
        return self.stats().stdev()

    def variance(self):
        """Their variance."""
        return self.stats().variance()

    def sampleStdev(self):
        """The standard deviation of what they are a sample of."""
        return self.stats().sampleStdev()

    def sampleVariance(self):
        """The variance of what they are a sample of."""
        return self.stats().sampleVariance()

    def histogram(self, buckets):
        """(bounds, how many lie between each two): of so many equal buckets, or of these bounds.
        The last bucket has its upper bound too."""
        values = list(self._all())
        if isinstance(buckets, int):
            if buckets < 1:
                raise ValueError(f"histogram: {buckets} buckets; at least one")
            if not values:
                raise ValueError("can not generate buckets from empty RDD")
            low, high = min(values), max(values)
            if low == high or buckets == 1:
                return [low, high], [len(values)]
            step = (high - low) / buckets
            bounds = [low + i * step for i in range(buckets)] + [high]
        else:
            bounds = list(buckets)
            if len(bounds) < 2 or bounds != sorted(set(bounds)):
                raise ValueError(f"histogram: the bounds {bounds} are not at least two, ascending")
        counts = [0] * (len(bounds) - 1)
        for value in values:
            if bounds[0] <= value <= bounds[-1]:
                counts[min(bisect.bisect_right(bounds, value) - 1, len(counts) - 1)] += 1
        return bounds, counts

    def sample(self, withReplacement, fraction, seed=None):
        """About so many of the elements, each by chance; withReplacement: perhaps several times."""
        chance = self._chance(seed)

        def times(element):
            if not withReplacement:
                return chance.random() < fraction
            count, left = 0, math.exp(-fraction)  # Poisson's distribution
            product = chance.random()
            while product > left:
                count, product = count + 1, product * chance.random()
            return count

        return self._each(lambda part: [copy for element in part
                                        for copy in itertools.repeat(element, times(element))])

    def takeSample(self, withReplacement, num, seed=None):
        """A list of `num` elements by chance, of fewer when there are no more."""
        elements = self.collect()
        chance = self._chance(seed)
        if withReplacement:
            return chance.choices(elements, k=num) if elements else []
        return chance.sample(elements, min(num, len(elements)))

    def randomSplit(self, weights, seed=None):
        """A list of RDDs, with shares of the elements by chance that are about as these weights."""
        chance = self._chance(seed)
        bounds = list(itertools.accumulate(weights))
        parts = [[] for _ in weights]
        for element in self._all():
            at = bisect.bisect_right(bounds, chance.random() * bounds[-1])
            parts[min(at, len(parts) - 1)].append(element)
        return [self._spread(part) for part in parts]
