"""From paired slices to an estimate and its interval.

The unit of evidence is the pass: rounds of one pass share its allocations and its moment, and are never
counted as independent. A ratio is taken within each round, where the machine's wandering speed cancels; a
pass's estimate is the median of its rounds' log-ratios; the cell's is the mean over passes, with Student's
interval over them ("The probable error of a mean", 1908).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt
from statistics import fmean, median, stdev

from scipy.special import stdtrit

CONFIDENCE = 0.95

Slices = Sequence[Sequence[float | None]]
"""Passes x rounds; None where a contestant sat a round out."""


@dataclass(frozen=True)
class Estimate:
    """A positive quantity with the ends of its 95 % interval, which is (0, inf) where one pass is all there is."""

    value: float
    low: float
    high: float

    @property
    def uncertainty(self) -> float:
        """How far from 1 the interval reaches, as a share: for a ratio of identical code, the noise floor."""
        return max(self.high, 1 / self.low if self.low else inf) - 1


def ratio(numerator: Slices, denominator: Slices) -> Estimate | None:
    """numerator / denominator over the rounds that have both; None where none has."""
    passes = (
        [log(a / b) for a, b in zip(*rounds, strict=True) if a is not None and b is not None]
        for rounds in zip(numerator, denominator, strict=True)
    )
    return _over_passes(passes)


def typical(seconds: Slices) -> Estimate | None:
    """Seconds per step: the geometric mean over passes of the median over rounds; None without slices."""
    return _over_passes([log(slice) for slice in rounds if slice is not None] for rounds in seconds)


def _over_passes(passes: Iterable[list[float]]) -> Estimate | None:
    medians = [median(logs) for logs in passes if logs]
    if not medians:
        return None
    centre = fmean(medians)
    if len(medians) == 1:
        return Estimate(exp(centre), 0.0, inf)
    quantile = float(stdtrit(len(medians) - 1, (1 + CONFIDENCE) / 2))
    half = quantile * stdev(medians) / sqrt(len(medians))
    return Estimate(exp(centre), exp(centre - half), exp(centre + half))
