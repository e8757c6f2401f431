"""Targets: what the y of a data set is to a head, and why it does not fit; or random ones."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt

from backprop.functions import HEADS, Head
from backprop.network import Array

from . import capacity, npz

Numbers = npt.NDArray[Any]

FOR_CLASSES = ", ".join(head.name for head in HEADS.values() if head.for_classes)
FOR_NUMBERS = next(head.name for head in HEADS.values() if head.low == -inf)
SUM_OFF = 1e-4  # by how much a row of probabilities may miss 1: they may come as float32


def problem_of(y: Numbers, head: Head) -> str | None:
    """What is wrong with y, labels (samples,) or targets (samples, outputs), for this head; None where nothing is."""
    if y.ndim == 2:
        return _problem_of_numbers(y, head)
    if head.for_classes:
        return _problem_of_labels(y)
    if y.dtype.kind in "bui":
        return (
            f"y holds class labels, whole numbers of {y.dtype}, and {head.name} learns other numbers: for classes name "
            f"one of {FOR_CLASSES}; or, if they are no classes, save y=y.astype(float)"
        )
    return _problem_of_numbers(y[:, np.newaxis], head)


def of_head(y: Numbers, head: Head) -> Array:
    """The targets (samples, outputs): of labels, high in the column of each one's class, and low in the others."""
    if y.ndim == 2:
        return y
    return one_hot(y, head) if head.for_classes else y[:, np.newaxis]


def one_hot(labels: Numbers, head: Head) -> Array:
    """Targets (n, classes) for labels 0, 1, 2, ...."""
    targets: Array = np.full((len(labels), int(labels.max()) + 1), float(head.low))
    targets[np.arange(len(labels)), labels.astype(int)] = head.high
    return targets


def are_classes(targets: Array, head: Head) -> bool:
    """Whether each row of targets (samples, outputs) tells one class: one is high, and all others are low."""
    high = targets == head.high
    return bool(head.for_classes and np.all(high | (targets == head.low)) and np.all(high.sum(axis=1) == 1))


def random(head: Head, samples: int, outputs: int, rng: np.random.Generator) -> Array:
    """Random targets (samples, outputs): classes where the cost is made for them, else numbers in 0..1."""
    if not head.of_classes:
        return rng.random((samples, outputs))
    if outputs == 1:  # one class or the other
        return rng.integers(2, size=(samples, 1)).astype(float)
    return np.eye(outputs)[rng.integers(outputs, size=samples)]


def remarks(y: Numbers, head: Head) -> Iterator[str]:
    """A word about each thing in a y without problem that can be trained with and is hardly meant."""
    if y.ndim == 2:
        if are_classes(y, head) and len(np.unique(y.argmax(axis=1))) == 1:
            yield "the largest target of every row of y is in one column: accuracy means nothing there"
    elif head.for_classes:
        yield from _remarks_on_labels(y)
    elif len(found := np.unique(y)) < len(y) / 2 and np.array_equal(found, np.arange(len(found))):
        yield (
            f"y has the numbers 0 to {len(found) - 1} alone, and {head.name} takes them for amounts; if they are "
            f"classes, name one of {FOR_CLASSES}"
        )


def _problem_of_numbers(y: Numbers, head: Head) -> str | None:
    low, high = float(y.min()), float(y.max())
    fits = head.low <= low and high <= head.high
    sums = y.sum(axis=1, dtype=float)
    otherwise = f"for numbers as they are name --head {FOR_NUMBERS}"
    if head.shares and low >= 0:
        row = int(np.argmax(np.abs(sums - 1)))
        if fits and abs(sums[row] - 1) <= SUM_OFF:
            return None
        made = ", or save x=x, y=y / y.sum(axis=1, keepdims=True)" if sums.all() else ""
        return (
            f"each row of y must be probabilities that sum to 1 for {head.name}; row {row} sums to {sums[row]:g}: "
            f"{otherwise}{made}"
        )
    if fits:
        return None
    if head.high == inf:
        return f"targets y must be 0 or more for {head.name}, not {low:g} to {high:g}: {otherwise}"
    if head.low < 0:
        made = "y / np.abs(y).max()"
    elif low < 0:
        made = "(y + 1) / 2" if (low, high) == (-1, 1) else "(y - y.min()) / (y.max() - y.min())"
    else:
        made = f"y / {high:g}" if float(f"{high:g}") == high else "y / y.max()"
    return (
        f"targets y (samples, outputs) for {head.name} must have values in {head.low}..{head.high}, not {low:g} to "
        f"{high:g}: {otherwise}" + (f", or save x=x, y={made}" if not head.shares else "")
    )


def _problem_of_labels(y: Numbers) -> str | None:
    found = np.unique(y)
    wanted = "labels y (samples,) must be whole numbers 0, 1, 2, ..., of two classes or more"
    if len(found) < 2:
        return f"{wanted}: every one is {found[0]:g}"
    if np.any(found != np.floor(found)):
        return (
            f"{wanted}, not such as {found[found != np.floor(found)][0]:g}; targets have two columns or more, or "
            f"--head {FOR_NUMBERS}"
        )
    if found[0] < 0 or found[-1] >= len(y):
        return f"{wanted}, not {found[0]:g} to {found[-1]:g}: save x=x, y={npz.as_labels('y')}"
    classes = int(found[-1]) + 1
    if len(y) * classes * 8 > (capacity.memory_bytes() or inf):
        return f"{wanted}: {classes} classes of {len(y)} samples are more than this machine's memory"
    return None


def _remarks_on_labels(y: Numbers) -> Iterator[str]:
    found = np.unique(y)
    classes = int(found[-1]) + 1
    if len(found) < classes:
        absent = np.setdiff1d(np.arange(classes), found.astype(int))
        named = ", ".join(map(str, absent[:5])) + ", ..." * (len(absent) > 5)
        never = f"class {named} never occurs" if len(absent) == 1 else f"classes {named} never occur"
        made = f"y - {int(found[0])}" if len(found) == classes - found[0] else npz.as_labels("y")
        yield (
            f"labels y go from {found[0]:g} to {found[-1]:g}, and {never}: {len(absent)} of the {classes} outputs "
            f"have no samples; save x=x, y={made}"
        )
