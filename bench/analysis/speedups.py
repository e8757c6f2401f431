"""What a record says of its contestants: who is how much faster than whom, and how far that can be resolved.

What a run can't see of itself is how the next one will differ: `factor`, which is what people are shown of two
different engines, adds an allowance for that. tests/trials/different.py says whether it is enough; bench/README.md has
its figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from backprop import InputError
from backprop.errors import did_you_mean

from ..records.record import Record, Result
from .intervals import Estimate, ratio, typical
from .question import BASELINE

# Standard deviations of a ratio of different engines that passes of one run share, so that its own spread does not
# tell them: between moments, where they are processes; between processes, too, where one process ran them all. The
# first was 0.4 to 0.9 % on the virtual machine where it was measured, and the two together 1.0 to 3.9 %, most 1.7 %.
MOMENTS, PROCESSES = 0.01, 0.02

UNCERTAIN = 0.25  # of a factor: an interval, or a noise floor, that reaches further leaves it uncertain
Doubt = Literal["unresolved", "cores shared", "throttled", "noisy", "wide"]


def baseline(record: Record) -> Result:
    """The contestant that speedups are relative to: the one asked for, else per_sample, or without it the first."""
    wanted = (name for name in (record.baseline, BASELINE) if name)
    found = (result for name in wanted for result in record.contestants if result.name == name)
    return next(found, record.contestants[0])


def relative_to(name: str | None, found: Sequence[Record], folder: Path | None = None) -> list[Record]:
    """The records with this baseline, for those that have this engine; InputError where it is in none."""
    raced = {result.name for record in found for result in record.contestants}
    if name is not None and name not in raced:
        near = did_you_mean(name, raced)
        where = f" in {folder}" if folder else ""
        raise InputError(f"the baseline {name!r} was not raced{where}: {near}there are {', '.join(sorted(raced))}")
    return list(found) if name is None else [msgspec.structs.replace(record, baseline=name) for record in found]


def factor(record: Record, slow: Result, fast: Result) -> Estimate | None:
    """The time of the one over the time of the other, with an interval that is to hold the next run's; None without."""
    seen = ratio(slow.seconds, fast.seconds) if slow.seconds and fast.seconds else None
    return seen and seen.with_spread(MOMENTS if record.apart else PROCESSES)


def speedup(record: Record, result: Result) -> Estimate | None:
    """The baseline's time over this contestant's; None where either has none."""
    return factor(record, baseline(record), result)


def efficiency(record: Record, result: Result) -> Estimate | None:
    """The floor's time over this contestant's; None where either has none.

    Old records have a floor for an epoch, too: of one mini-batch over and over, and not of the walk through the data.
    """
    floor = record.floor if record.cell.data == "random" else None
    return factor(record, floor, result) if floor else None


def fastest(record: Record) -> list[Result]:
    """The fastest contestant, and after it those that the noise floor does not tell from it."""
    return level(record, [result.name for result in record.contestants])


def level(record: Record, among: Sequence[str]) -> list[Result]:
    """The same, among the contestants of these names."""
    timed = [
        (taken.value, result)
        for result in record.contestants
        if result.name in among and (taken := typical(result.seconds))
    ]
    if not timed:
        return []
    _, best = min(timed, key=lambda pair: pair[0])
    near = [result for _, result in timed if (gap := factor(record, result, best)) and not is_ahead(record, gap)]
    return [best, *(result for result in near if result is not best)]


def is_ahead(record: Record, factor: Estimate) -> bool:
    """Whether a factor of this race is surely above 1: its whole interval lies above what the noise floor reaches."""
    return factor.low > 1 + (noise_floor(record) or 0.0)


def resolved(record: Record, factor: Estimate) -> bool:
    """Whether a factor of this race surely differs from 1, either way."""
    return is_ahead(record, factor) or is_ahead(record, factor.inverse)


def doubt(record: Record, factor: Estimate) -> Doubt | None:
    """Why a factor of this race is not to be relied on, the weightiest reason; None where it is."""
    reasons: dict[Doubt, bool] = {
        "unresolved": not resolved(record, factor),
        "cores shared": record.environment.cores_shared,
        "throttled": bool(record.environment.throttled),
        "noisy": (noise_floor(record) or 0.0) > UNCERTAIN,
        "wide": factor.spread > UNCERTAIN,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def noise_floor(record: Record) -> float | None:
    """What this machine could resolve in this race, as a share: the uncertainty of a ratio that must be 1.

    None where nothing was timed.
    """
    if record.noise is None:
        return None
    original = next(result for result in record.contestants if result.name == record.noise.of)
    twins = ratio(record.noise.seconds, original.seconds) if original.seconds else None
    return twins.uncertainty if twins else None
