"""report.md: what a folder's records say, on one page: the ladder, who is fastest where, every cell, who was not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from . import curves, ladder, learning, stats, words
from .ladder import Ladder, Rung
from .plots import depth, grid_of, widths
from .records import Record
from .to_accuracy import Training


def markdown(
    found: Sequence[Record], rows: pd.DataFrame, note: str, pictures: Sequence[Path], trained: Sequence[Training] = ()
) -> str:
    """The page. note is the machine, the date and the noise floor; pictures are linked by their names."""
    return "\n\n".join(_parts(found, rows, note, pictures, trained)) + "\n"


def _parts(
    found: Sequence[Record], rows: pd.DataFrame, note: str, pictures: Sequence[Path], trained: Sequence[Training]
) -> Iterator[str]:
    yield "# What was measured"
    if note:
        yield "  \n".join(note.splitlines())
    images = [path.name for path in pictures if path.suffix == ".png"]
    of_training = [name for name in images if name.startswith(curves.STEM)]
    shown = [name for name in images if name not in of_training]
    if top := ladder.headline(found):
        yield f"## The ladder, at {top.record.cell.id}"
        yield from (f"![The waterfall of this cell]({name})" for name in shown if name.startswith("waterfall"))
        yield ladder_table(top)
    races = _last_of_each_cell(found)
    if races:
        yield "## The fastest engine by cell"
        yield (
            "With its speed as a share of the floor's where that was raced; engines that the noise floor can't tell "
            "from the fastest stand beside it."
        )
        for title, table in _fastest(rows, races):
            yield f"**{title}**"
            yield table
    if trained:
        yield "## Time to accuracy"
        yield from (f"![Test accuracy against seconds of training]({name})" for name in of_training)
        yield from learning.markdown(trained)
    if shown:
        yield "## Pictures"
        yield from (f"![{Path(name).stem}]({name})" for name in shown if not name.startswith("waterfall"))
    if races:
        yield "## Every cell"
        yield (
            "MFLOP are those of the products of a step. A factor is the time of the engine that is changed, or of the "
            "peer, over the time of the engine; *of floor* is efficiency, the floor's time over the engine's; "
            "in brackets, the engine whose library has the fastest products, where that is not BLAS."
        )
        yield every_cell(list(races.values()))
        yield "## First steps"
        yield "What the first step of an engine in a cell took, with its compilation or trial, which no race times."
        yield first_steps(rows)
    left_out = rows[rows["left_out"].notna()]
    if len(left_out):
        yield "## Left out"
        yield "\n".join(f"- {row.cell}, {row.engine}: {row.left_out}" for row in left_out.itertuples())


def ladder_table(top: Ladder) -> str:
    """A line for each rung, the floor, and each engine beside the ladder."""
    first = top.rungs[0]

    def line(rung: Rung, compared: str) -> list[str]:
        of_first = ladder.between(top.record, first.name, rung.name)
        of_floor = ladder.between(top.record, top.floor.name, rung.name) if top.floor else None
        return [
            rung.name,
            words.seconds(rung.seconds.value),
            compared,
            words.factor(of_first.value) if of_first and rung is not first else "",
            f"{of_floor.value:.0%}" if of_floor and rung is not top.floor else "",
        ]

    def faster(rung: Rung) -> str:
        return f"{words.estimate(rung.factor)} as fast as {rung.base}" if rung.factor else ""

    def beside(rung: Rung) -> str:
        return f"{rung.base} is {words.estimate(rung.factor.inverse)} as fast" if rung.factor else ""

    lines = [line(rung, faster(rung)) for rung in top.rungs]
    if top.floor:
        lines.append(line(top.floor, f"the products alone: {faster(top.floor)}"))
    lines += [line(rung, beside(rung)) for rung in top.beside]
    return words.table(
        [
            "engine",
            "a step",
            "factor (95 % interval)",
            f"over {first.name}",
            "of floor",
        ],
        lines,
    )


def every_cell(races: Sequence[Record]) -> str:
    """A line for each cell: each rung against the one that it changes, the best of them against the peers."""
    tops = [top for record in races if (top := ladder.climb(record))]
    steps = list(dict.fromkeys(rung.name for top in tops for rung in top.rungs if _has_base(tops, rung.name)))
    peers = list(dict.fromkeys(rung.name for top in tops for rung in top.beside))
    lines = []
    for top in tops:
        noise = stats.noise_floor(top.record)
        rungs = {rung.name: rung for rung in (*top.rungs, *top.beside)}
        lines.append(
            [
                top.record.cell.id,
                f"{top.record.cell.flops / 1e6:.3g}",
                *(_factor(rungs.get(name)) for name in steps),
                top.fastest.name,
                _of_floor(top),
                *(_factor(rungs.get(name), inverse=True) for name in peers),
                f"{noise:.1%}" if noise is not None else "",
            ]
        )
    headings = ["cell", "MFLOP", *steps, "best of ours", "of floor", *(f"against {peer}" for peer in peers), "noise"]
    return words.table(headings, lines)


def _of_floor(top: Ladder) -> str:
    """The efficiency of the fastest rung, and whose products the floor's are where they are not BLAS's."""
    if not (top.floor and top.floor.factor and top.record.floor):
        return ""
    by = top.record.floor.by
    return f"{1 / top.floor.factor.value:.0%}" + (f" ({by})" if by else "")


def first_steps(rows: pd.DataFrame) -> str:
    """A line for each engine: the median over the cells, and the longest."""
    taken = rows[rows["data"] == "random"].groupby("engine", sort=False)["first_step_seconds"]
    lines = [
        [engine, words.seconds(own.median()), words.seconds(own.max())] for engine, own in taken if own.notna().any()
    ]
    return words.table(["engine", "median", "longest"], lines)


def _has_base(tops: Sequence[Ladder], name: str) -> bool:
    return any(rung.name == name and rung.base for top in tops for rung in top.rungs)


def _factor(rung: Rung | None, inverse: bool = False) -> str:
    if rung is None or rung.factor is None:
        return ""
    return words.factor((rung.factor.inverse if inverse else rung.factor).value)


def _last_of_each_cell(found: Sequence[Record]) -> dict[str, Record]:
    return {record.cell.id: record for record in found if record.cell.data == "random"}


def _fastest(rows: pd.DataFrame, races: dict[str, Record]) -> Iterator[tuple[str, str]]:
    """A table of width by batch for each other setting, with the engines that are level with the fastest."""
    keys = ["inputs", "outputs", "depth", "dtype", "threads"]
    for (inputs, outputs, layers, dtype, threads), part in grid_of(rows).groupby(keys, sort=False):
        batches = sorted(part["batch"].unique())
        cells = {(row.hidden, row.batch): races[row.cell] for row in part.itertuples()}
        lines = [
            [hidden or "none", *(_winner(cells.get((hidden, batch))) for batch in batches)] for hidden in widths(part)
        ]
        title = f"{inputs} inputs, {depth(layers)}, {outputs} outputs; {dtype}; BLAS threads: {threads}"
        yield title, words.table(["width", *(f"batch {batch}" for batch in batches)], lines)


def _winner(record: Record | None) -> str:
    level = stats.fastest(record) if record else []
    if record is None or not level:
        return ""
    share = stats.efficiency(record, level[0])
    names = ", ".join(result.name for result in level)
    return f"{names} {share.value:.0%}" if share else names
