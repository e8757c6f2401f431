"""How near the engines come to what the machine does at the most, in words."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from typing import Any

import pandas as pd

from ..analysis.roofline import Roofs, roofs
from . import numbers
from .document import Block, Listing, Picture, Text
from .machines import letters

STEM = "roofline"
TOLD = (
    "Each dot is an engine in a cell: the flops of a step's products, for each second that the step takes, against "
    "those for each byte that it must move at the least: every parameter read and written once, inputs and targets "
    "read. The flat line is the fastest large product of BLAS; each slanted one is a copy, and what needs its bytes "
    "from there can't lie above it. Left of where they meet bytes are the limit, right of it products are. What lies "
    "above the copy from memory has its parameters in a cache; what lies far below all lines is held up by neither."
)
CYCLES = "Flops in a cycle are those of one core, at the frequency that the system told."


def blocks(rows: pd.DataFrame) -> Iterator[Block]:
    """The picture, and a line for each machine, dtype and number of threads; nothing where no race knows its roofs."""
    found = list(roofs(rows))
    if not found:
        return
    yield Text(TOLD if all(isnan(top.hertz) for top, _ in found) else f"{TOLD} {CYCLES}")
    yield Picture(STEM, "Flops per second against flops per byte, under the peak of the products and of a copy")
    places = letters(rows["machine"])
    yield Listing([(setting(top, places[top.machine]), f": {sentence(top, part)}") for top, part in found])


def setting(top: Roofs, place: str) -> str:
    """What these roofs are of, after the machine's letter where there are several."""
    words = f"{top.dtype}; BLAS threads: {top.threads}"
    return f"machine {place}: {words}" if place else words


def finding(top: Roofs, part: pd.DataFrame) -> str:
    """How near to the peak of the products the fastest engine comes, and the baseline, each where it does best."""
    (first, share), *others = [(row.engine, top.share(row.flops_per_second)) for row in _told_of(part)]
    return ", ".join([f"{first} reaches {share:.0%} of the products' peak", *(f"{own} {of:.0%}" for own, of in others)])


def sentence(top: Roofs, part: pd.DataFrame) -> str:
    """The roofs, and how near the engines of the finding come to the highest."""
    copied = f"a copy of {numbers.size(top.copied_bytes / 2)} moves {numbers.rate(top.copy_bytes_per_second, 'B')}"
    if not isnan(top.cache_bytes_per_second):
        copied += f", and one within the second-level cache {numbers.rate(top.cache_bytes_per_second, 'B')}"
    reached = [
        f"{row.engine} comes to {_rate(top, row.flops_per_second)} at {row.cell}, "
        f"{top.share(row.flops_per_second):.0%} of that peak"
        for row in _told_of(part)
    ]
    return "; ".join([f"a large product does {_rate(top, top.flops_per_second)}", copied, *reached]) + "."


def _rate(top: Roofs, flops_per_second: float) -> str:
    cycle = top.flops_per_cycle(flops_per_second)
    return numbers.rate(flops_per_second, "flop") + ("" if isnan(cycle) else f" ({cycle:.3g} in a cycle)")


def _told_of(part: pd.DataFrame) -> list[Any]:
    """The row of the most flops in a second, and that of the baseline where it is another engine's."""
    fast = part.sort_values("flops_per_second", ascending=False, kind="stable")
    baseline = fast[fast["engine"] == fast["baseline"]]
    return list(pd.concat([fast[:1], baseline[:1]]).drop_duplicates("engine").itertuples())
