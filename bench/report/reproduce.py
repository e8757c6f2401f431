"""How to make a folder's records again: the commands, with the grid files that they need."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from math import ceil, prod
from typing import Any, NamedTuple

from msgspec.structs import asdict

from backprop.functions import HEAD, HIDDEN

from ..cells import grids
from ..cells.cell import Cell, Setting, format_sizes
from ..cells.grids import EPOCH_SHARE, MAX_HOURS, Axes
from ..records.record import Record
from ..records.training_record import Training
from ..timing.to_accuracy import ANCHOR


class How(NamedTuple):
    """All but the cell that a race was begun with; seconds and floor are None where an old record does not tell."""

    revision: str | None
    engines: tuple[str, ...]
    seconds: float | None
    floor: bool | None
    allocator: str
    baseline: str | None = None


def commands(found: Sequence[Record], trained: Sequence[Training]) -> str:
    """Shell commands that race the engines of these records over their cells again, and train them again.

    They write to files and folders of their own, named after a digest of what goes into them.
    """
    lines = []
    at = None
    for revision, line in (*_races(found), *_trainings(trained)):
        if revision and revision != at:
            lines.append(f"git checkout {shlex.quote(revision)}")
            at = revision
        lines.append(line)
    return "\n".join(lines)


def _races(found: Sequence[Record]) -> Iterator[tuple[str | None, str]]:
    """Lines, each with the revision that it is for."""
    groups: dict[How, list[Cell]] = {}
    for record in found:
        groups.setdefault(_how(record), []).append(record.cell)
    for how, raced in groups.items():
        cells = list(dict.fromkeys(raced))
        steps = [cell for cell in cells if cell.data == "random"]
        parts = list(full_grids(steps))
        if len(parts) > 1 and (named := grids.name_of(steps)):
            yield how.revision, _sweep(how, named, len(steps), _digest(how, named))
            parts = []
        for axes in parts:
            lines = grid_file(axes)
            name = _digest(how, *lines)
            yield how.revision, "\n".join([f"cat > grid-{name}.toml <<'END'", *lines, "END"])
            yield (
                how.revision,
                _sweep(
                    how,
                    f"grid-{name}.toml",
                    prod(map(len, filter(None, asdict(axes).values()))),
                    name,
                ),
            )
        epochs: dict[str, list[str]] = {}
        for cell in cells:
            if cell.data != "random":
                epochs.setdefault(_functions(cell), []).append(cell.id)
        how = how._replace(seconds=how.seconds and how.seconds / EPOCH_SHARE)
        for functions, ids in epochs.items():
            options = f"{functions}{_options(how).replace('--seconds', '--cell-seconds')} --results results/again-"
            command = f"pytest --benchmark -k epoch --engines {_listed(how.engines)}{options}{_digest(how, *ids)}"
            yield how.revision, command


def _sweep(how: How, grid: str, cells: int, digest: str) -> str:
    hours = _hours(how, cells)
    return (
        f"backprop-bench sweep --grid {grid} --engines {_listed(how.engines)}{_options(how)}"
        + (f" --max-hours {hours}" if hours > MAX_HOURS else "")
        + f" --out results/again-{digest}"
    )


def _how(record: Record) -> How:
    about = record.environment
    engines = tuple(_address(result.name, result.commit) for result in record.contestants)
    return How(about.revision, engines, record.seconds, record.floor_asked, about.allocator, record.baseline)


def _functions(cell: Cell) -> str:
    """Options for those of the network that are not the default."""
    hidden, head = f" --hidden {cell.hidden}", f" --head {cell.head}"
    return hidden * (cell.hidden != HIDDEN) + head * (cell.head != HEAD)


def _options(how: How) -> str:
    """Those that are not as they would be by themselves, or may not be."""
    return (
        (f" --seconds {_number(how.seconds)}" if how.seconds else "")
        + (" --no-floor" if how.floor is False else "")
        + (" --allocator default" if how.allocator == "default" else "")
        + (f" --baseline {shlex.quote(how.baseline)}" if how.baseline else "")
    )


def _hours(how: How, cells: int) -> int:
    """What a sweep may be expected to take at the most, rounded up."""
    return ceil(2 * cells * ((how.seconds or 0) + 2 * len(how.engines)) / 3600)


def _trainings(trained: Sequence[Training]) -> Iterator[tuple[str | None, str]]:
    """A command for each setting, its batch sizes together, and each run of seeds without a gap."""
    seeds: dict[tuple[How, tuple[str, ...]], dict[int, set[int]]] = {}
    for each in trained:
        cell, about = each.cell, each.environment
        engines = tuple(_address(one.name, one.commit) for one in each.engines)
        options: tuple[str, ...] = (
            f"--data {shlex.quote(cell.data)}",
            f"--sizes {format_sizes(cell.sizes)} --dtype {cell.dtype} --threads {cell.threads}{_functions(cell)}",
            f"--to-{each.measure} {_number(each.target)} --eta {_number(each.eta * max(1, ANCHOR / cell.batch))}",
            f"--epochs {each.epoch_limit}",
        )
        setting = How(about.revision, engines, None, None, about.allocator), options
        seeds.setdefault(setting, {}).setdefault(cell.batch, set()).add(each.seed)
    for (how, options), own in seeds.items():
        alike: dict[tuple[int, int], list[str]] = {}
        for batch, of_batch in own.items():
            for first, number in _runs(of_batch):
                alike.setdefault((first, number), []).append(str(batch))
        for (first, number), batches in alike.items():
            asked = f"{' '.join(options)} --batch {','.join(batches)} --seed {first} --seeds {number}{_options(how)}"
            out = f"results/again-{_digest(how, *options)}"
            yield how.revision, f"backprop-bench train --engines {_listed(how.engines)} {asked} --out {out}"


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The numbers as runs without a gap: the first of each, and how many there are."""
    start, known = None, sorted(numbers)
    for number in known:
        if start is None or number - 1 not in known:
            start = number
        if number + 1 not in known:
            yield start, number - start + 1


def _address(name: str, commit: str | None) -> str:
    """What a contestant was named by; a revision as the commit that it was."""
    address = re.sub(r"#\d+$", "", name)
    return f"{address.rpartition('@')[0]}@{commit}" if commit and "@" in address else address


def _listed(engines: Sequence[str]) -> str:
    """The engines as an option takes them; one that was raced beside itself is named as often."""
    return shlex.quote(",".join(engines))


def _number(value: float) -> str:
    return f"{value:.12g}"  # short of the last digits, which a product leaves


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:8]


def full_grids(cells: Iterable[Cell]) -> Iterator[Axes]:
    """The cells as few full grids: sizes that were raced over the same batch sizes and settings make one."""
    raced: dict[str, dict[Setting, list[int]]] = {}
    for cell in cells:
        raced.setdefault(format_sizes(cell.sizes), {}).setdefault(cell.setting_on(), []).append(cell.batch)
    alike: dict[tuple[tuple[int, ...], tuple[tuple[Any, ...], ...]], list[str]] = {}
    for sizes, batches in raced.items():
        axes = tuple(tuple(dict.fromkeys(values)) for values in zip(*batches, strict=True))
        if len(batches) == prod(map(len, axes)) and len(set(map(tuple, batches.values()))) == 1:
            alike.setdefault((tuple(next(iter(batches.values()))), axes), []).append(sizes)
        else:
            for setting, own in batches.items():
                alike.setdefault((tuple(own), tuple((value,) for value in setting)), []).append(sizes)
    for (batch, axes), same in alike.items():
        named = dict(zip(Setting._fields[1:], map(list, axes[1:]), strict=True))
        if named["hidden"] == [HIDDEN] and named["head"] == [HEAD]:
            del named["hidden"], named["head"]
        yield Axes(same, list(batch), **named)


def grid_file(axes: Axes) -> list[str]:
    """The lines of the grid file that has these axes."""
    named = {field: values for field, values in asdict(axes).items() if values is not None}
    return [f"{field} = [{', '.join(map(_toml, values))}]" for field, values in named.items()]


def _toml(value: str | int) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
