"""From which batch size on the one engine is ahead of the other: as raced, and as the cost model has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..analysis import ladder
from ..analysis.cost_model import Model
from ..cells.cell import format_sizes
from ..records.record import Record
from .answer import Pair, headline, pays_from
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
    """From which raced batch size on the whole interval is above 1; "" where there are fewer than two."""
    factors = {
        record.cell.batch: factor
        for record in found
        if record.setting == pair.record.setting
        and record.cell.sizes == pair.record.cell.sizes
        and record.cell.data == "random"
        and (factor := ladder.between(record, pair.baseline.name, pair.challenger.name))
    }
    if len(factors) < 2:
        return ""
    batches = sorted(factors)
    ahead: list[int] = []
    for batch in reversed(batches):
        if factors[batch].low <= 1:
            break
        ahead.insert(0, batch)
    where = f"Of the batch sizes raced at {format_sizes(pair.record.cell.sizes)} ({', '.join(map(str, batches))})"
    if not ahead:
        return f"{where} {pair.challenger.name} is surely ahead of {pair.baseline.name} at none up to the largest."
    return f"{where} {pair.challenger.name} is surely ahead of {pair.baseline.name} from {ahead[0]} on."
