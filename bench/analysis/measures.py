"""The statistics of a comparison: how large is the difference, and could it be noise?

Medians, because what else a machine does adds time and never takes any away. A ratio of medians has
an interval from a bootstrap, and a p-value from the test of Mann and Whitney, two-sided, as in
Google Benchmark's compare.py. The noise floor is what a comparison of a thing with itself, made in
the same job, would have allowed to be claimed: the end of its interval that is farther from 1.
"""

import math
import random
import zlib

CONFIDENCE = 0.95
RESAMPLES = 1000  # the ends of a 95 % interval are then the 25th from each side
SIGNIFICANT = 0.05  # compare.py's default
EXACT_UP_TO = 8  # as scipy's mannwhitneyu: above, the normal approximation is as good


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def ratio(above, below):
    """median(above) / median(below); infinite when there is nothing to divide by."""
    bottom = median(below)
    return median(above) / bottom if bottom > 0 else math.inf


def ratio_interval(above, below, seed=""):
    """(low, high) of ratio(above, below), by a bootstrap whose choices follow from the seed."""
    source = random.Random(zlib.crc32(seed.encode("utf-8", "replace")))
    drawn = sorted(ratio(source.choices(above, k=len(above)), source.choices(below, k=len(below)))
                   for _ in range(RESAMPLES))
    tail = int(RESAMPLES * (1 - CONFIDENCE) / 2)
    return drawn[tail], drawn[-1 - tail]


def noise_floor(first, again, seed=""):
    """How far from 1 a ratio may be that means nothing, from two runs of the same."""
    low, high = ratio_interval(first, again, seed)
    return max(abs(1 - low), abs(high - 1))


def halves(values):
    """A run against itself, when nobody ran it twice: every other repetition."""
    return values[0::2], values[1::2]


def ranks(values):
    """The rank of each value, ties sharing their mean, and the sizes of the ties."""
    order = sorted(range(len(values)), key=values.__getitem__)
    result, ties, start = [0.0] * len(values), [], 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in order[start:end + 1]:
            result[place] = (start + end) / 2 + 1
        ties.append(end - start + 1)
        start = end + 1
    return result, ties


def mann_whitney(first, second):
    """The two-sided p-value that both come from one distribution."""
    n, m = len(first), len(second)
    placed, ties = ranks(list(first) + list(second))
    u = sum(placed[:n]) - n * (n + 1) / 2
    u = max(u, n * m - u)
    if max(ties) == 1 and min(n, m) <= EXACT_UP_TO:
        return min(1.0, 2 * exact_tail(n, m, round(u)))
    total = n + m
    tied = sum(t ** 3 - t for t in ties) / (total * (total - 1)) if total > 1 else 0
    deviation = math.sqrt(n * m / 12 * (total + 1 - tied))
    if deviation == 0:
        return 1.0
    z = (u - n * m / 2 - 0.5) / deviation
    return min(1.0, math.erfc(z / math.sqrt(2)))


def exact_tail(n, m, u):
    """P(U >= u) without ties: how many of the orders of n and m values give which U."""
    # counts[j][k] after i rows: orders of i firsts and j seconds with U == k. The last of them is a
    # first, which then exceeds j seconds, or a second.
    counts = [[1] for _ in range(m + 1)]
    for i in range(1, n + 1):
        row = [[1]]
        for j in range(1, m + 1):
            size = i * j + 1
            with_first = [0] * j + counts[j]
            with_second = row[j - 1]
            row.append([(with_first[k] if k < len(with_first) else 0)
                        + (with_second[k] if k < len(with_second) else 0) for k in range(size)])
        counts = row
    return sum(counts[m][u:]) / math.comb(n + m, n)


class Comparison:
    """What `new` takes of the time of `old`, with what can be said of it."""

    def __init__(self, old, new, floor, seed=""):
        self.old, self.new = median(old), median(new)
        self.ratio = ratio(new, old)
        self.low, self.high = ratio_interval(new, old, seed)
        self.p = mann_whitney(old, new)
        self.floor = floor

    @property
    def real(self):
        """The difference is larger than the noise, and unlikely to be chance."""
        return (abs(self.ratio - 1) > self.floor and self.p < SIGNIFICANT
                and not self.low <= 1 <= self.high)

    @property
    def word(self):
        if not self.real:
            return "no difference beyond noise"
        return "slower" if self.ratio > 1 else "faster"
