"""Compiled code is kept on the disk: the next process has it in a fifth of a second, not in ten."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from inspect import getfile
from pathlib import Path
from typing import Any

import numpy as np
from numba import config, from_dtype, int64, njit

from .scalars import NUMERICS

_alive: list[Any] = []  # code is freed with what Numba gives, though its entry is still there to be called


class Types:
    """Numba's words for what compiled functions are given, for one dtype: arrays are in C order."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.matrix, self.number = from_dtype(dtype)[:, ::1], from_dtype(np.dtype(float))
        self.table, self.whole = int64[:, ::1], int64


@cache
def entry(function: Callable[..., None], *types: Any) -> Callable[..., None]:
    """The function compiled for arguments of these types; it must be called with no others.

    What Numba gives to be called would look at the types first, which takes as long as a small product.
    """
    try:
        return _compiled(_kept(function), types)
    except Exception:  # no folder can be written to, the disk is full, a file is damaged: then it is not kept
        return _compiled(njit(function, **NUMERICS), types)


def _compiled(dispatcher: Any, types: tuple[Any, ...]) -> Callable[..., None]:
    dispatcher.compile(types)
    _alive.append(dispatcher)
    entry_point: Callable[..., None] = dispatcher.overloads[types].entry_point
    return entry_point


def _kept(function: Callable[..., None]) -> Any:
    """As Numba keeps it, which makes it anew for another Numba or processor, or where the function's file has changed.

    That it calls functions of other files, Numba does not see: so each state of them has a folder of its own.
    """
    own = Path(__file__).parent
    files = [Path(getfile(function)), *sorted(own.glob("*.py"))]
    state = sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]
    given = config.CACHE_DIR
    config.CACHE_DIR = str(Path(given or own / "__pycache__") / f"backprop-{state}")
    try:
        return njit(function, cache=True, **NUMERICS)
    finally:
        config.CACHE_DIR = given
