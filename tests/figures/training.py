"""Figures of training to a target: the best batch size of an engine, and where its factor is largest."""

from __future__ import annotations

from functools import cache

import pandas as pd

from backprop import InputError
from bench.analysis import time_to_accuracy
from bench.records import training_record
from bench.report import numbers

from .published import PUBLISHED
from .registry import figure


@cache
def setting(folder: str) -> pd.DataFrame:
    """The one setting that was trained in a folder, a row for each batch size and engine."""
    found = time_to_accuracy.settings(training_record.load(PUBLISHED / folder)[0])
    if len(found) != 1:
        raise InputError(f"results/published/{folder} has training records of {len(found)} settings, not of one")
    return found[0]


def _largest(folder: str, engine: str) -> pd.Series:
    own = setting(folder)
    rows = own[own["engine"] == engine]
    return rows.loc[rows["factor"].idxmax()]


@figure
def fastest_to_target(folder: str, engine: str) -> str:
    batch, seconds, _ = time_to_accuracy.fastest(setting(folder))[engine]
    return f"at batch {batch}, in {numbers.seconds(seconds)}"


@figure
def largest_to_target(folder: str, engine: str) -> str:
    """The batch size at which its factor over the loop is largest, and the factor."""
    row = _largest(folder, engine)
    return f"at batch {row['batch']}, {numbers.factor(row['factor'])}"


@figure
def largest_is_late(folder: str, engine: str) -> str:
    """What it takes there, and how many times that of its best batch size."""
    seconds, (_, best, _) = _largest(folder, engine)["seconds"], time_to_accuracy.fastest(setting(folder))[engine]
    return f"{numbers.seconds(seconds)}, {numbers.factor(seconds / best)[:-1]} times"
