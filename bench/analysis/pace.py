"""The pace of a race: what all but products took in it, as a factor of what that usually takes on its machine.

Others share a machine's cores, and the same step takes half as long again some seconds later. Each race tells how it
was meanwhile: the calls of an engine on a network of one unit a layer at a batch of one are work that all other races
have prices for. The engines of a race agree about its pace to some percent; products, which are bound by what a core
multiplies, hardly follow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp, log
from statistics import median

from . import fit
from .fit import Machine, Timing

ROUNDS = 8  # of pricing calls at the paces found so far, and of finding the paces by these prices

Calls = tuple[float, float]
"""Seconds that an engine's calls took in a race, and that they usually take."""


def of_race(calls: Iterable[Calls]) -> float:
    """The pace by the calls of each engine; 1 where none were raced."""
    logs = [log(taken / usual) for taken, usual in calls if taken > 0 and usual > 0]
    return exp(median(logs)) if logs else 1.0


def of_races(races: Sequence[Mapping[str, Timing]], machine: Machine) -> list[float]:
    """The pace of each race, of timings by engine; those of races whose parts were raced are 1 in the median."""
    paces = [1.0] * len(races)
    for _ in range(ROUNDS):
        calls: list[list[Calls]] = [[] for _ in races]
        for engine in dict.fromkeys(engine for race in races for engine in race):
            own = [(number, race[engine]) for number, race in enumerate(races) if engine in race and race[engine].parts]
            usual = fit.calls_alone([timing.at_usual(paces[number]) for number, timing in own], machine)
            for (number, timing), seconds in zip(own, usual, strict=True):
                if timing.parts:
                    calls[number].append((timing.parts.calls_alone, seconds))
        paces = [of_race(own) for own in calls]
        middle = median([pace for pace, own in zip(paces, calls, strict=True) if own] or [1.0])
        paces = [pace / middle if own else 1.0 for pace, own in zip(paces, calls, strict=True)]
    return paces
