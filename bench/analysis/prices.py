"""Prices of kinds of work, fitted to what steps took: none that a machine can't have, and no cell that decides alone.

Least squares on relative residuals with no price below zero (C. Lawson and R. Hanson, Solving Least Squares Problems,
1974, chapter 23), reweighted so that far residuals count by their size and not by its square: a race that others
disturbed takes twice as long, and would bend the prices of all cells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

Floats = npt.NDArray[np.float64]

NEAR = 0.03  # relative residuals below this count by their squares
ROUNDS = 6  # of reweighting


class Prices(NamedTuple):
    """A price for each column of the work, in seconds, and which of them are the least that they may be."""

    each: Floats
    at_least: npt.NDArray[np.bool_]


def fitted(work: Floats, seconds: Floats, scale: Floats, least: Floats) -> Prices:
    """The prices (n,) by which work (rows, n) comes nearest to seconds (rows,), residuals being relative to scale.

    least (n,): what a price must be at least, if it is not nothing, for work that an engine may not do at all. Where
    the fit finds less, it becomes one or the other, whichever is nearer, and the rest is fitted anew.
    """
    columns = np.flatnonzero(work.any(axis=0))
    prices, at_least = np.zeros(work.shape[1]), np.zeros(work.shape[1], bool)
    weights = np.ones(len(seconds))
    for last in (False,) * (ROUNDS - 1) + (True,):
        open_columns, each, held = columns, np.zeros(work.shape[1]), np.zeros(work.shape[1], bool)
        while True:
            rest = seconds - work @ (least * held)
            each = least * held
            if len(open_columns):
                each[open_columns] = _nnls(work[:, open_columns], rest, weights / scale)
            short = open_columns[each[open_columns] < least[open_columns]]
            if not len(short):
                break
            held[short] = each[short] > least[short] / 2
            open_columns = np.setdiff1d(open_columns, short)
        prices, at_least = each, held
        if not last:
            residuals = np.abs(work @ prices - seconds) / scale
            weights = 1 / np.sqrt(np.maximum(residuals, NEAR))
    return Prices(prices, at_least)


def _nnls(work: Floats, seconds: Floats, weights: Floats) -> Floats:
    relative = work * weights[:, np.newaxis]
    largest = np.abs(relative).max(axis=0, initial=0.0)
    scale = np.maximum(largest, np.finfo(float).tiny)  # counts differ by nine magnitudes
    found: Floats = nnls(relative / scale, seconds * weights)[0] / scale
    return found
