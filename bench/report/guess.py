"""What the page's control asks and shows: a batch size and a width to choose, the factor to guess, and its parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, floor, inf, log2
from typing import Any

import pandas as pd

from ..analysis import intervals, ladder
from ..cells.cell import format_sizes
from ..records.record import Record, Result
from . import numbers, parts
from .answer import Pair, headline
from .document import Guess
from .machines import letters, placed
from .why import reason

LEAST = 3  # octaves on either side of 1x that one can guess, at the least


def control(found: Sequence[Record], rows: pd.DataFrame) -> Guess | None:
    """The races of the setting and machine that a page tells of, of its two engines; None where none was timed."""
    pair = headline(found)
    races = list(_races(pair, found, rows)) if pair else []
    if pair is None or not races:
        return None
    networks = sorted({race["network"] for race in races}, key=_by_size)
    what, names = _named(networks)
    place = letters(rows["machine"])[pair.record.environment.machine]
    logs = [log2(race["factor"]) for race in races]
    return Guess(
        {
            "slow": pair.baseline.name,
            "fast": pair.challenger.name,
            "setting": placed(", ".join(pair.record.setting.told), place),
            "what": what,
            "networks": [{"value": network, "name": name} for network, name in zip(networks, names, strict=True)],
            "batches": sorted({race["batch"] for race in races}),
            "at": _preset(pair, races),
            "octaves": [min(-LEAST, floor(min(logs)) - 1), max(LEAST, ceil(max(logs)) + 1)],
            "parts": list(parts.COLUMNS),
            "races": races,
        }
    )


def _preset(pair: Pair, races: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What is chosen at first: the page's network at another batch size than those whose factors the page has in words.

    Those are the page's own, the smallest and the largest; where there is no other, the last of these that there is.
    """
    network, batch = format_sizes(pair.record.cell.sizes), pair.record.cell.batch
    batches = sorted(race["batch"] for race in races if race["network"] == network)
    others = [other for other in batches if other != batch]
    unseen = [other for other in others if other not in (batches[0], batches[-1])]
    return {"network": network, "batch": (unseen or others or batches)[-1]}


def _named(networks: Sequence[str]) -> tuple[str, list[str]]:
    """What sets the networks apart, and each one's name: its width, where they differ in that alone."""
    layers = [network.split("-") for network in networks]
    if all(len(own) == 3 for own in layers) and len({(own[0], own[-1]) for own in layers}) == 1:
        return f"hidden units (of {layers[0][0]}-?-{layers[0][-1]})", [own[1] for own in layers]
    return "network (units by layer)", list(networks)


def _by_size(network: str) -> tuple[int, list[int]]:
    """To sort networks by: their depth, then the units of their layers."""
    units = [int(size) for size in network.split("-")]
    return len(units), units


def _races(pair: Pair, found: Sequence[Record], rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    names = pair.baseline.name, pair.challenger.name
    for record in pair.races(found):
        factor = ladder.between(record, *names)
        if factor is None:
            continue
        split = parts.of_cell(rows, record.environment.machine, record.cell.id)
        slow, fast = (split.get(name) for name in names)
        yield {
            "network": format_sizes(record.cell.sizes),
            "batch": record.cell.batch,
            "factor": numbers.rounded(factor.value),
            "told": numbers.factor(factor.value),
            "interval": numbers.interval(factor.low, factor.high),
            "low": numbers.rounded(factor.low),
            "high": numbers.rounded(factor.high) if factor.high < inf else None,  # of one pass, and no number of JSON's
            "steps": [_step(result, split) for name in names for result in record.contestants if result.name == name],
            "why": reason(pair, (record, factor, (slow, fast))) if slow and fast else "",
        }


def _step(result: Result, split: dict[str, parts.Split]) -> dict[str, Any]:
    """What a step of an engine takes, and what it goes to where that is known."""
    taken = intervals.typical(result.seconds)
    assert taken is not None, result.name
    own = split.get(result.name)
    return {
        "engine": result.name,
        "seconds": numbers.rounded(taken.value),
        "told": numbers.seconds(taken.value),
        "parts": own
        and [{"seconds": numbers.rounded(value), "told": numbers.seconds(value)} for value in own.seconds.values()],
        "known": own and own.known,
    }
