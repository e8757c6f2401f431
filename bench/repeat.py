"""How to make a folder's records again: the commands, with the grid files that they need."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .grid import Cell, format_sizes
from .records import Record
from .to_accuracy import ANCHOR, Training


class Axes(NamedTuple):
    """A full grid: what is combined with what."""

    sizes: tuple[str, ...]
    batch: tuple[int, ...]
    dtype: tuple[str, ...]
    threads: tuple[int, ...]


def commands(found: Sequence[Record], trained: Sequence[Training]) -> str:
    """Shell commands that race the engines of these records over their cells again, and train them again."""
    *_, last = (each.environment for records in (found, trained) for each in records)
    checkout = [f"git checkout {shlex.quote(last.revision)}"] if last.revision else []
    return "\n".join([*checkout, *_races(found), *_trainings(trained)])


def _races(found: Sequence[Record]) -> Iterator[str]:
    engines = _engines(result.name for record in found for result in record.contestants)
    cells = list(dict.fromkeys(record.cell for record in found))
    grids = list(full_grids(cell for cell in cells if cell.data == "random"))
    for number, axes in enumerate(grids, start=1):
        name = "grid" if len(grids) == 1 else f"grid-{number}"
        yield f"cat > {name}.toml <<'END'"
        for field, values in axes._asdict().items():
            yield f"{field} = [{', '.join(_toml(value) for value in values)}]"
        yield "END"
        yield f"backprop-bench sweep --grid {name}.toml --engines {engines} --out results/again-{number}"
    if any(cell.data != "random" for cell in cells):
        yield f"pytest --benchmark -k epoch --engines {engines} --results results/again-epoch"


def _trainings(trained: Sequence[Training]) -> Iterator[str]:
    """A command for each setting, with all its batch sizes and seeds."""
    settings: dict[tuple[object, ...], list[Training]] = {}
    for each in trained:
        cell, limit = each.cell, (each.target, each.epoch_limit)
        settings.setdefault((cell.data, cell.sizes, cell.dtype, cell.threads, *limit), []).append(each)
    for own in settings.values():
        cell, first, last = own[0].cell, min(each.seed for each in own), max(each.seed for each in own)
        batches = dict.fromkeys(str(each.cell.batch) for each in own)
        yield (
            f"backprop-bench train --to-accuracy {own[0].target:g} --batch {','.join(batches)} "
            f"--engines {_engines(lesson.name for each in own for lesson in each.engines)} "
            f"--data {shlex.quote(cell.data)} --sizes {format_sizes(cell.sizes)} --dtype {cell.dtype} "
            f"--threads {cell.threads} --eta {own[0].eta * max(1, ANCHOR / cell.batch):g} "
            f"--epochs {own[0].epoch_limit} --seed {first} --seeds {last - first + 1} --out results/again"
        )


def _engines(names: Iterable[str]) -> str:
    """The addresses of contestants, each once, as an option takes them."""
    return shlex.quote(",".join(dict.fromkeys(re.sub(r"#\d+$", "", name) for name in names)))


def full_grids(cells: Iterable[Cell]) -> Iterator[Axes]:
    """The cells as few full grids: sizes that were raced over the same batch sizes, dtypes and threads make one."""
    batches: dict[tuple[str, str, int], list[int]] = {}
    for cell in cells:
        batches.setdefault((format_sizes(cell.sizes), cell.dtype, cell.threads), []).append(cell.batch)
    settings: dict[str, dict[tuple[str, int], tuple[int, ...]]] = {}
    for (sizes, dtype, threads), own in batches.items():
        settings.setdefault(sizes, {})[dtype, threads] = tuple(own)
    alike: dict[tuple[tuple[int, ...], tuple[str, ...], tuple[int, ...]], list[str]] = {}
    for sizes, held in settings.items():
        dtypes, counts = tuple(dict.fromkeys(dtype for dtype, _ in held)), tuple(dict.fromkeys(n for _, n in held))
        if len(held) == len(dtypes) * len(counts) and len(set(held.values())) == 1:
            alike.setdefault((next(iter(held.values())), dtypes, counts), []).append(sizes)
        else:
            for (dtype, count), batch in held.items():
                alike.setdefault((batch, (dtype,), (count,)), []).append(sizes)
    for (batch, dtypes, counts), same in alike.items():
        yield Axes(tuple(same), batch, dtypes, counts)


def _toml(value: str | int) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
