"""Numbers from training records: what each engine needs to reach its target, at each batch size, over the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan

import pandas as pd

from ..cells.cell import Setting, format_sizes
from ..records.training_record import Training

SETTING = ["machine", "data", "sizes", *Setting._fields[1:], "measure", "target"]
"""What is never mixed: a table and a picture for each."""
LINE = [*SETTING, "batch", "engine"]


def each_seed(found: Sequence[Training]) -> pd.DataFrame:
    """A row for each setting, batch size, engine and seed, the last where it was trained more than once.

    epochs and seconds are those to the target, NaN where it was not reached; epoch_seconds and scores are lists,
    an item for each epoch. Of a batch size only rows with the eta and the epoch limit of its last record are kept.
    Rows of one `run` were trained side by side.
    """
    rows = pd.DataFrame(
        {
            **training.setting._asdict(),
            "data": training.cell.data,
            "sizes": format_sizes(training.cell.sizes),
            "measure": training.measure,
            "target": training.target,
            "batch": training.cell.batch,
            "eta": training.eta,
            "epoch_limit": training.epoch_limit,
            "engine": engine.name,
            "seed": training.seed,
            "epochs": engine.reached,
            "seconds": engine.seconds_to_target,
            "epoch_seconds": engine.seconds,
            "scores": engine.scores,
            "run": number,
        }
        for number, training in enumerate(found)
        for engine in training.engines
    )
    last = rows.groupby([*SETTING, "batch"])[["eta", "epoch_limit"]].transform("last")
    same = (rows[["eta", "epoch_limit"]] == last).all(axis=1)
    rows = rows[same].drop_duplicates([*LINE, "seed"], keep="last")
    return rows.astype({"epochs": float, "seconds": float})


def settings(found: Sequence[Training]) -> list[pd.DataFrame]:
    """For each setting a row for each batch size (in order) and engine, with what its seeds needed to the target.

    epochs and seconds are medians over all seeds, where one that did not reach the target counts as longer than
    any: NaN where half of them did not. _low and _high are the range of those that did. factor is the median over
    the seeds of the time of baseline, the setting's first engine, over the engine's, both trained side by side; NaN
    where it can't be told, as one or the other did not reach the target. best marks each engine's fastest batch size.
    """
    if not found:
        return []
    rows = each_seed(found)
    order = list(dict.fromkeys(rows["engine"]))
    told = []
    for _, own in rows.groupby(SETTING):
        parts = sorted(own.groupby(["batch", "engine"]), key=lambda part: (part[0][0], order.index(part[0][1])))
        lines = pd.DataFrame(_line(part, own) for _, part in parts).replace(inf, nan)
        lines["best"] = lines["seconds"] == lines.groupby("engine")["seconds"].transform("min")
        told.append(lines)
    return told


def _line(part: pd.DataFrame, setting: pd.DataFrame) -> dict[str, object]:
    first, baseline = part.iloc[0], setting["engine"].iloc[0]
    line = {key: first[key] for key in [*LINE, "eta", "epoch_limit"]}
    line |= {"baseline": baseline, "seeds": len(part), "reached": int(part["seconds"].count())}
    for quantity in ("epochs", "seconds"):
        line[quantity] = part[quantity].fillna(inf).median()
        line[f"{quantity}_low"], line[f"{quantity}_high"] = part[quantity].min(), part[quantity].max()
    beside = setting[setting["engine"] == baseline].set_index("run")["seconds"].fillna(inf)
    pairs = part[part["run"].isin(beside.index)]
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


def fastest(part: pd.DataFrame) -> dict[str, tuple[int, float, float]]:
    """Of each engine of a setting that reaches the target: best batch size, seconds, and the baseline's best over it.

    The last is NaN for the baseline itself, and where that does not reach the target.
    """
    rows = part[part["best"]].drop_duplicates("engine")
    is_baseline = rows["engine"] == rows["baseline"]
    factors = rows["seconds"][is_baseline].max() / rows["seconds"].mask(is_baseline)
    told = zip(rows["batch"], rows["seconds"], factors, strict=True)
    return dict(zip(rows["engine"], told, strict=True))
