"""What training records say: for each batch size and engine, epochs and seconds to the accuracy, over the seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf, isnan, nan

import pandas as pd

from ..cells.cell import format_sizes
from ..cells.setting import Setting
from ..records.training_record import Training
from . import numbers
from .document import Block, Listing, Table, Text

SETTING = ["machine", "data", "sizes", *Setting._fields[1:], "target"]
"""What is never mixed: a table and a picture for each."""
NOTE = (
    "medians over the seeds, in brackets the range of those that reached it; one that did not counts as longer than "
    "any, and a factor that hangs on it is not told"
)
LINE = [*SETTING, "batch", "engine"]


def lessons(found: Sequence[Training]) -> pd.DataFrame:
    """A row for each setting, batch size, engine and seed, the last where it was trained more than once.

    epochs and seconds are those to the target, NaN where it was not reached; epoch_seconds and accuracy are lists,
    an item for each epoch. Of a batch size only rows with the eta and the epoch limit of its last record are kept.
    Rows of one `run` were trained side by side.
    """
    rows = pd.DataFrame(
        {
            **training.setting._asdict(),
            "data": training.cell.data,
            "sizes": format_sizes(training.cell.sizes),
            "target": training.target,
            "batch": training.cell.batch,
            "eta": training.eta,
            "epoch_limit": training.epoch_limit,
            "engine": lesson.name,
            "seed": training.seed,
            "epochs": lesson.reached,
            "seconds": lesson.seconds_to_target,
            "epoch_seconds": lesson.seconds,
            "accuracy": lesson.accuracy,
            "run": number,
        }
        for number, training in enumerate(found)
        for lesson in training.engines
    )
    last = rows.groupby([*SETTING, "batch"])[["eta", "epoch_limit"]].transform("last")
    same = (rows["eta"] == last["eta"]) & (rows["epoch_limit"] == last["epoch_limit"])
    rows = rows[same].drop_duplicates([*LINE, "seed"], keep="last")
    return rows.astype({"epochs": float, "seconds": float})


def frame(found: Sequence[Training]) -> pd.DataFrame:
    """A row for each setting, batch size (in order) and engine, with what its seeds needed to reach the target.

    epochs and seconds are medians over all seeds, where one that did not reach the target counts as longer than
    any: NaN where half of them did not. _low and _high are the range of those that did. factor is the median over
    the seeds of the time of baseline, the setting's first engine, over the engine's, both trained side by side; NaN
    where it can't be told, as one or the other did not reach the target. best marks each engine's fastest batch size.
    """
    rows = lessons(found)
    result = pd.DataFrame(_line(part, rows) for _, part in rows.groupby(LINE, sort=False))
    fastest = result.groupby([*SETTING, "engine"])["seconds"].transform("min")
    result["best"] = result["seconds"] == fastest
    order = {engine: place for place, engine in enumerate(dict.fromkeys(rows["engine"]))}
    return result.sort_values(
        [*SETTING, "batch", "engine"], key=lambda column: column.map(order) if column.name == "engine" else column
    ).reset_index(drop=True)


def _line(part: pd.DataFrame, rows: pd.DataFrame) -> dict[str, object]:
    first = part.iloc[0]
    setting = rows[(rows[SETTING] == first[SETTING]).all(axis=1)]
    baseline = setting["engine"].iloc[0]
    beside = setting[setting["engine"] == baseline].set_index("run")["seconds"].fillna(inf)
    pairs = part[part["run"].isin(beside.index)]
    line = {key: first[key] for key in [*SETTING, "batch", "eta", "epoch_limit", "engine"]}
    line |= {"baseline": baseline, "seeds": len(part), "reached": int(part["seconds"].notna().sum())}
    for quantity in ("epochs", "seconds"):
        typical = part[quantity].fillna(inf).median()
        line |= {
            quantity: typical if typical < inf else nan,
            f"{quantity}_low": part[quantity].min(),
            f"{quantity}_high": part[quantity].max(),
        }
    factors = pairs["run"].map(beside) / pairs["seconds"].fillna(inf)
    line["factor"] = nan if first["engine"] == baseline else _middle(factors)
    return line


def _middle(factors: pd.Series) -> float:
    """The median of factors of which some are 0, infinite, or NaN, which may be anything; NaN where that decides it."""
    if factors.empty:
        return nan
    half = [(len(factors) - 1) // 2, len(factors) // 2]
    least, most = (factors.fillna(unknown).sort_values().to_numpy()[half] for unknown in (0.0, inf))
    is_told = (least == most).all() and least[0] > 0 and most[1] < inf
    return float(least.mean()) if is_told else nan


def in_a_line(training: Training) -> str:
    """One batch size and seed, as it is done: the rate, the epochs, and each engine's seconds."""
    told = ", ".join(
        f"{lesson.name} {numbers.seconds(seconds)} ({lesson.reached})"
        if (seconds := lesson.seconds_to_target) is not None
        else f"{lesson.name} not within {training.epoch_limit}, at {lesson.accuracy[-1]:.4g}"
        for lesson in training.engines
    )
    return f"seed {training.seed}, batch {training.cell.batch}, eta {training.eta:.3g}: {told}"


def describe(found: Sequence[Training]) -> Iterator[str | Table]:
    """For the terminal: a table for each setting, and each engine's best batch size."""
    for _, part in frame(found).groupby(SETTING, sort=False):
        yield f"{part['machine'].iloc[0]}\n{title(part)}\n{NOTE}"
        yield table(part)
        yield from best(part).values()
        yield ""


def blocks(found: Sequence[Training]) -> Iterator[Block]:
    """For a page: a heading, a table and each engine's best batch size, for each setting."""
    for _, part in frame(found).groupby(SETTING, sort=False):
        told = title(part)
        yield Text(f"{told[:1].upper()}{told[1:]}", strong=True)
        yield Text(f"{part['machine'].iloc[0]}; {NOTE}")
        yield Listing(list(best(part).values()))
        yield table(part)


def title(part: pd.DataFrame) -> str:
    """What was to be reached, in one setting."""
    return f"time to a test accuracy of {part['target'].iloc[0]:.4g} on {part['data'].iloc[0]}, {network(part)}"


def network(part: pd.DataFrame) -> str:
    """What was trained, in one setting."""
    first = part.iloc[0]
    return ", ".join([first["sizes"], *Setting(*first[[*Setting._fields]]).told])


def best(part: pd.DataFrame) -> dict[str, str]:
    """For each engine of a setting, where it is fastest, and how that compares with the first engine's best."""
    told = {}
    for engine, (batch, seconds, factor) in _tops(part).items():
        told[engine] = f"{engine} is fastest at batch {batch}: {numbers.seconds(seconds)}"
        if not isnan(factor):
            told[engine] += f", {numbers.factor(factor)} as fast as {part['baseline'].iloc[0]}'s best"
    limit = part["epoch_limit"].max()
    never = "not within {} epochs at any of these batch sizes, for half of the seeds or more"
    return {engine: told.get(engine, f"{engine}: {never.format(limit)}") for engine in part["engine"].unique()}


def finding(part: pd.DataFrame) -> str:
    """The best batch sizes of a setting in a sentence, and what they make of the engines."""
    tops, target, baseline = _tops(part), f"{part['target'].iloc[0]:.4g}", part["baseline"].iloc[0]
    if not tops:
        return f"No engine reaches {target} within {part['epoch_limit'].max()} epochs"
    factors = {engine: factor for engine, (_, _, factor) in tops.items() if not isnan(factor)}
    batches = {batch for batch, _, _ in tops.values()}
    told = f"To test accuracy {target}, each engine at its best batch size"
    if len(batches) == 1:
        told = f"Test accuracy {target} comes fastest at batch {batches.pop()}"
    if not factors:
        return f"{told}: " + ", ".join(f"{engine} {numbers.seconds(top[1])}" for engine, top in tops.items())
    gains = [f"{engine} {numbers.factor(factor)}" for engine, factor in factors.items()]
    return f"{told}: {gains[0]} as fast as {baseline}" + "".join(f", {gain}" for gain in gains[1:])


def _tops(part: pd.DataFrame) -> dict[str, tuple[int, float, float]]:
    """Of each engine that reaches the target: best batch size, seconds, and factor over the first's; NaN for itself."""
    rows = part[part["best"]].drop_duplicates("engine")
    own = dict(zip(rows["engine"], rows["seconds"], strict=True))
    base = own.get(baseline := part["baseline"].iloc[0], nan)
    return {
        engine: (batch, seconds, nan if engine == baseline else base / seconds)
        for engine, batch, seconds in zip(rows["engine"], rows["batch"], rows["seconds"], strict=True)
    }


def table(part: pd.DataFrame) -> Table:
    """A line for each batch size and engine of a setting."""
    headings = ["batch", "eta", "engine", "reached", "epochs", "time", "factor"]
    lines = []
    last = None
    for row in part.itertuples():
        known = not isnan(row.seconds)
        lines.append(
            [
                str(row.batch) if row.batch != last else "",
                f"{row.eta:.3g}" if row.batch != last else "",
                str(row.engine),
                f"{row.reached} of {row.seeds}",
                f"{row.epochs:g} ({row.epochs_low:g}-{row.epochs_high:g})"
                if known
                else f"not within {row.epoch_limit}",
                _span(row.seconds, row.seconds_low, row.seconds_high) if known else "",
                numbers.factor(row.factor)
                if not isnan(row.factor)
                else ""
                if row.engine == row.baseline
                else "not told",
            ]
        )
        last = row.batch
    return Table(headings, lines, left=(2,), folds=(2,))


def _span(median: float, low: float, high: float) -> str:
    """A time with its range: 410 ms (398-431), or 1.02 s (990 ms-1.04 s) where the units differ."""
    times = [numbers.seconds(value) for value in (median, low, high)]
    units = {time.split()[1] for time in times}
    if len(units) == 1:
        times[1:] = [time.split()[0] for time in times[1:]]
    return f"{times[0]} ({times[1]}-{times[2]})"
