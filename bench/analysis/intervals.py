"""From paired slices to an estimate and its interval.

The unit of evidence is the pass: rounds of one pass share its allocations and its moment, and are never
counted as independent. A ratio is taken within each round, where the machine's wandering speed cancels, and a
pass's estimate is the median of its rounds' log-ratios. The cell's is the trimmed mean over passes with the
interval of J. Tukey and D. McLaughlin, "Less vulnerable confidence and significance procedures" (Sankhya A,
1963): Student's, with the winsorised standard deviation. Trimmed, because passes of identical code have heavy
tails here (one in a thousand is a quarter off), and a plain mean's error is a quarter larger for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, fsum, hypot, inf, log, sqrt
from statistics import fmean, median

from scipy.special import ndtri, stdtrit

from ..records.record import Slices

CONFIDENCE = 0.95
TRIM = 0.15  # of the passes at either end: three of twenty, none of six or fewer
LARGEST_LOG = log(sys.float_info.max)  # beyond it exp overflows


@dataclass(frozen=True)
class Estimate:
    """A positive quantity with the ends of its interval, which is (0, inf) where one pass is all there is.

    The interval has 95 % confidence where nothing else is said.
    """

    value: float
    low: float
    high: float

    @property
    def uncertainty(self) -> float:
        """How far from 1 the interval reaches, as a share: for a ratio of identical code, the noise floor."""
        return max(self.high, 1 / self.low if self.low else inf) - 1

    @property
    def spread(self) -> float:
        """How far the interval reaches from the value, as a share; infinite where one pass is all there is."""
        return max(self.high / self.value, self.value / self.low if self.low else inf) - 1

    def with_spread(self, deviation: float) -> Estimate:
        """With a normal error of this standard deviation of the logarithm, that the interval did not know of."""
        if not self.low or self.high == inf:
            return self
        more = float(ndtri((1 + CONFIDENCE) / 2)) * deviation
        below, above = (hypot(log(ends), more) for ends in (self.value / self.low, self.high / self.value))
        return Estimate(self.value, self.value * exp(-below), self.value * exp(above))

    def over(self, other: Estimate) -> Estimate:
        """The ratio to another one, of which this one knows nothing: the errors of both logarithms add in squares."""
        value = self.value / other.value
        if not (self.low and other.low and self.high < inf and other.high < inf):
            return Estimate(value, 0.0, inf)
        below = hypot(log(self.value / self.low), log(other.high / other.value))
        above = hypot(log(self.high / self.value), log(other.value / other.low))
        return Estimate(value, value * exp(-below), value * exp(above))

    @property
    def inverse(self) -> Estimate:
        """The ratio the other way round."""
        return Estimate(1 / self.value, 1 / self.high, 1 / self.low if self.low else inf)


def ratio(numerator: Slices, denominator: Slices) -> Estimate | None:
    """The ratio numerator / denominator over the rounds that have both, as these passes alone tell it; None without."""
    passes = (
        [log(a / b) for a, b in zip(*rounds, strict=True) if a is not None and b is not None]
        for rounds in zip(numerator, denominator, strict=True)
    )
    return _medians(passes)


def typical(seconds: Slices) -> Estimate | None:
    """Seconds per step: the geometric mean over passes of the median over rounds; None without slices."""
    return _medians([log(taken) for taken in rounds if taken is not None] for rounds in seconds)


def over_passes(logs: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """From one log-ratio a pass, in any order, to the ratio and its two-sided interval; one pass at least."""
    ordered = sorted(logs)
    cut = int(TRIM * len(ordered))
    kept = ordered[cut : len(ordered) - cut]
    centre = fmean(kept)
    if len(kept) == 1:
        return Estimate(exp(centre), 0.0, inf)
    winsorised = [min(max(value, kept[0]), kept[-1]) for value in ordered]
    middle = fmean(winsorised)
    squares = fsum((value - middle) ** 2 for value in winsorised)  # statistics.stdev takes six times as long
    spread = sqrt(squares / (len(kept) - 1) / len(kept))
    half = float(stdtrit(len(kept) - 1, (1 + confidence) / 2)) * spread
    return Estimate(exp(centre), exp(centre - half), exp(centre + half) if centre + half < LARGEST_LOG else inf)


def _medians(passes: Iterable[list[float]]) -> Estimate | None:
    medians = [median(logs) for logs in passes if logs]
    return over_passes(medians) if medians else None
