"""From which batch size on the one engine is ahead of the other: as raced, and as the cost model has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..analysis import ladder, speedups
from ..analysis.cost_model import Model
from ..records.record import Record
from .answer import Pair, headline, listed, located, network, pays_from
from .document import Block, Fold, Text
from .tables import crossovers


def blocks(found: Sequence[Record], models: Sequence[Model]) -> Iterator[Block]:
    """What was raced of the network that a page tells of; the model's crossovers of all networks."""
    pair = headline(found)
    if pair is None:
        return
    if told := raced(pair, found):
        yield Text(told)
    names = pair.baseline.name, pair.challenger.name
    own = {model.engine: model for model in models if model.is_of(pair.record.setting)}
    if all(name in own for name in names):
        yield Text(f"{located(pays_from(own[names[0]], own[names[1]], pair.record.cell), pair, found)}.")
    if (table := crossovers(models, *names)).lines:
        yield Fold(
            f"The batch size at which {names[1]} overtakes {names[0]} by the cost model, with its 95 % interval", table
        )


def raced(pair: Pair, found: Sequence[Record]) -> str:
    """At which raced batch sizes the factor is surely above 1; "" where there are fewer than two."""
    is_ahead = {
        record.cell.batch: speedups.is_ahead(record, factor)
        for record in pair.by_batch(found)
        if (factor := ladder.between(record, pair.baseline.name, pair.challenger.name))
    }
    if len(is_ahead) < 2:
        return ""
    lasting = ahead_from(is_ahead)
    ahead = [str(batch) for batch, holds in is_ahead.items() if holds and batch not in lasting]
    told = ([f"at {listed(ahead)}"] if ahead else []) + ([f"from {lasting[0]} on"] if lasting else [])
    where = f"Of the batch sizes raced at {network(pair, found)} ({', '.join(map(str, is_ahead))})"
    surely = f"{pair.challenger.name} is surely ahead of {pair.baseline.name}"
    return f"{where} {surely} {', and '.join(told) or 'at none'}."


def ahead_from(is_ahead: Mapping[int, bool]) -> list[int]:
    """The batch sizes from which on one engine stays ahead, up to the largest; none where it is not ahead there."""
    behind = [batch for batch, holds in is_ahead.items() if not holds]
    return sorted(batch for batch in is_ahead if batch > max(behind, default=0))
