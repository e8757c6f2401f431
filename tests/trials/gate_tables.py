"""The tables of the trial of the gate: whole runs, runs resampled from their passes, and pytest-benchmark's."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from scipy.stats import beta

from bench.cells import grids
from bench.gate.rule import ERROR, Row, due
from bench.records import outputs

TOLERANCE = 0.02
CAP = due(6)  # passes of a resampled row: what a run has time for
RESAMPLED = 1000
RUNS, COMPARISONS, PASSES = "runs.jsonl.gz", "compare.jsonl.gz", "passes.csv.gz"


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()] if path.exists() else []


def tables(folder: Path) -> str:
    """The tables (a), (b) and (c) as Markdown, also written to trial.md."""
    runs, comparisons = lines(folder / RUNS), lines(folder / COMPARISONS)
    columns = ["run", "percent", "engine", "cell", "pass", "change", "identical"]
    passes = pd.read_csv(folder / PASSES, names=columns)
    about = runs[0]["environment"]
    text = [
        f"{about['cpu']}, {about['cores']} cores; {about['python']}, numpy {about['packages']['numpy']}; gate at "
        f"{gate_terms()}",
        "",
        "Whole runs of the gate (full_matrix is slowed down, per_sample is the same but for a line without effect):",
        "",
        "| injected | measured | runs | red | cells of full_matrix red | of per_sample red | improved | inconclusive "
        "| exit 3 | seconds, median | worst |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    text += [gate_line(percent, [run for run in runs if run["percent"] == percent]) for percent in percents(runs)]
    identical = [run for run in runs if run["percent"] == 0]
    text += ["", "Of these, the runs that named a cell of full_matrix as regressed:", "", *named(runs)]
    red = sum(run["exit"] == 1 for run in identical)
    text += [
        "",
        f"Identical code: {red} of {len(identical)} runs red; with 95 % confidence, fewer than "
        f"{bound(red, len(identical)):.1%} of runs are. {spread(passes[passes['percent'] == 0])}",
        "",
        f"{RESAMPLED} runs for each slowdown, resampled from the passes (those that all cells of an engine have) and "
        f"decided by the gate's own rule, at most {CAP} passes a cell:",
        "",
        "| injected | passes in the pool | runs red | cells of full_matrix red | of per_sample red | improved "
        "| inconclusive | passes a cell, median |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *(resample(part) for _, part in passes.groupby("percent")),
        "",
        f"None of {RESAMPLED} means: with 95 % confidence fewer than {bound(0, RESAMPLED):.1%} of runs drawn from this "
        "pool.",
        "",
        "pytest-benchmark, the same commits, engines and cells; red where any of 24 rows is more than 5 % up:",
        "",
        "| injected | comparisons | seconds, median | mean:5% red | its rows of full_matrix | of per_sample "
        "| min:5% red | its rows of full_matrix | of per_sample |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    text += [
        compare_line(percent, [of for of in comparisons if of["percent"] == percent])
        for percent in percents(comparisons)
    ]
    whole = "\n".join(text) + "\n"
    outputs.write(folder / "trial.md", whole.encode())
    return whole


def percents(found: list[dict]) -> list[int]:
    return sorted({line["percent"] for line in found})


def named(runs: list[dict]) -> list[str]:
    """A table of the cells, and how many runs named each."""
    slowed = [percent for percent in percents(runs) if percent]
    total = Counter(run["percent"] for run in runs)
    red = Counter(
        (finding["cell"], run["percent"])
        for run in runs
        for finding in run["findings"]
        if finding["engine"] == "full_matrix" and finding["verdict"] == "regressed"
    )
    head = [cells("cell", *(f"{percent} %" for percent in slowed)), "| --- |" + " ---: |" * len(slowed)]
    return head + [
        cells(cell.id, *(f"{red[cell.id, percent]} of {total[percent]}" for percent in slowed))
        for cell in grids.cells_of("gate")
    ]


def gate_terms() -> str:
    return f"tolerance {TOLERANCE:.0%}, error {ERROR:.0%} a run, {len(grids.cells_of('gate'))} cells, two engines"


def gate_line(percent: int, runs: list[dict]) -> str:
    found = [finding for run in runs for finding in run["findings"]]
    slowed = [finding for finding in found if finding["engine"] == "full_matrix"]
    other = [finding for finding in found if finding["engine"] == "per_sample"]
    seconds = [run["seconds"] for run in runs]
    return cells(
        f"{percent} %",
        f"{median(finding['slowdown']['value'] for finding in slowed) - 1:+.1%}",
        len(runs),
        sum(run["exit"] == 1 for run in runs),
        share(slowed, "regressed"),
        share(other, "regressed"),
        share(found, "improved"),
        share(found, "inconclusive"),
        sum(run["exit"] == 3 for run in runs),
        f"{median(seconds):.0f}",
        f"{max(seconds):.0f}",
    )


def compare_line(percent: int, found: list[dict]) -> str:
    told = [f"{percent} %", len(found), f"{median(line['seconds'] for line in found):.0f}"]
    rows = len(grids.cells_of("gate")) * len(found)
    for field in ("mean", "min"):
        told.append(sum(bool(line[field]) for line in found))
        red = [row.split()[0] for line in found for row in line[field]]
        told += [f"{red.count(engine)} of {rows}" for engine in ("full_matrix", "per_sample")]
    return cells(*told)


def resample(passes: pd.DataFrame) -> str:
    """A line of the table: runs drawn from the passes, each row decided by the rule."""
    percent = passes["percent"].iloc[0]
    pools = {engine: pool(part) for engine, part in passes.groupby("engine")}
    rng = np.random.default_rng(0)
    rows = sum(len(own) for own, _ in pools.values())
    verdicts: list[list[tuple[str, str]]] = []
    lengths = []
    for _ in range(RESAMPLED):
        verdicts.append([])
        for engine, (own, values) in pools.items():
            drawn = values[rng.integers(len(values), size=CAP)]
            for i in range(len(own)):
                row = Row(TOLERANCE, rows)
                for change, identical in drawn[:, i]:
                    row.add(change, identical)
                    if row.verdict:
                        break
                row.close()
                verdicts[-1].append((engine, row.verdict or ""))
                lengths.append(len(row.slowdowns))
    counts = Counter(found for run in verdicts for found in run)
    total = {engine: RESAMPLED * len(own) for engine, (own, _) in pools.items()}
    red = sum(any(verdict == "regressed" for _, verdict in run) for run in verdicts)

    def of(verdict: str, *engines: str) -> str:
        return f"{sum(counts[engine, verdict] for engine in engines) / sum(total[engine] for engine in engines):.2%}"

    return cells(
        f"{percent} %",
        " and ".join(str(len(values)) for _, values in pools.values()),
        f"{red} of {RESAMPLED}",
        of("regressed", "full_matrix"),
        of("regressed", "per_sample"),
        of("improved", *pools),
        of("inconclusive", *pools),
        f"{median(lengths):g}",
    )


def spread(passes: pd.DataFrame) -> str:
    """How far passes of identical code lie apart, and how heavy their tails are."""
    groups = passes.groupby(["engine", "cell"])["change"]
    off = (passes["change"] - groups.transform("median")).abs()
    core = 1.4826 * off.groupby([passes["engine"], passes["cell"]]).transform("median")
    return (
        f"A pass of identical code has a standard deviation (1.48 times the median deviation) of {core.median():.2%} "
        f"in the median cell, {core.min():.2%} to {core.max():.2%}; {(off > 3 * core).mean():.1%} of passes are more "
        f"than 3 of it off, {(off > 5 * core).mean():.1%} more than 5, the worst {off.max():.0%}."
    )


def pool(passes: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """The cells, and an array (passes, cells, 2) of the passes that all of them have: no choice by their values."""
    wide = passes.pivot_table(index=["run", "pass"], columns="cell", values=["change", "identical"]).dropna()
    names = list(wide["change"].columns)
    return names, np.stack([wide["change"].to_numpy(), wide["identical"].to_numpy()], axis=-1)


def share(found: list[dict], verdict: str) -> str:
    return f"{sum(finding['verdict'] == verdict for finding in found)} of {len(found)}"


def cells(*values: object) -> str:
    return "| " + " | ".join(map(str, values)) + " |"


def bound(hits: int, runs: int) -> float:
    """The upper end of Clopper and Pearson's one-sided 95 % interval for a share."""
    return float(beta.ppf(0.95, hits + 1, runs - hits)) if hits < runs else 1.0
