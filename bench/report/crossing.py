"""From which batch size on the one engine is ahead of the other: as raced, and as the cost model has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..analysis import ladder
from ..analysis.cost_model import Model
from ..analysis.intervals import Estimate
from ..cells.cell import format_sizes
from ..records.record import Record
from .answer import Pair, headline, listed, pays_from
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
        yield Text(f"{pays_from(own[names[0]], own[names[1]], pair.record.cell)}.")
    if (table := crossovers(models, *names)).lines:
        yield Fold(
            f"The batch size at which {names[1]} overtakes {names[0]} by the cost model, with its 95 % interval", table
        )


def raced(pair: Pair, found: Sequence[Record]) -> str:
    """At which raced batch sizes the whole interval is above 1; "" where there are fewer than two."""
    factors = {
        record.cell.batch: factor
        for record in pair.by_batch(found)
        if (factor := ladder.between(record, pair.baseline.name, pair.challenger.name))
    }
    if len(factors) < 2:
        return ""
    lasting = ahead_from(factors)
    ahead = [str(batch) for batch, factor in factors.items() if factor.low > 1 and batch not in lasting]
    told = ([f"at {listed(ahead)}"] if ahead else []) + ([f"from {lasting[0]} on"] if lasting else [])
    where = f"Of the batch sizes raced at {format_sizes(pair.record.cell.sizes)} ({', '.join(map(str, factors))})"
    is_ahead = f"{pair.challenger.name} is surely ahead of {pair.baseline.name}"
    return f"{where} {is_ahead} {', and '.join(told) or 'at none'}."


def ahead_from(factors: Mapping[int, Estimate]) -> list[int]:
    """The batch sizes from which on the whole interval stays above 1, up to the largest; none where that is below."""
    behind = [batch for batch, factor in factors.items() if factor.low <= 1]
    return sorted(batch for batch in factors if batch > max(behind, default=0))
