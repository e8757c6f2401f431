"""Compiled code is kept on the disk: the next process has it in a fifth of a second, not in ten."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from inspect import getfile
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
from numba import config, from_dtype, int64, njit
from numba.core.compiler_lock import global_compiler_lock

from .scalars import NUMERICS

FOLDER = "backprop-"  # begins the name of one in __pycache__, or where NUMBA_CACHE_DIR says

_alive: list[Any] = []  # code is freed with what Numba gives, though its entry point is still there to be called


class Types:
    """Numba's words for what compiled functions are given, for one dtype: arrays are in C order."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.matrix, self.number = from_dtype(dtype)[:, ::1], from_dtype(np.dtype(float))
        self.table, self.whole = int64[:, ::1], int64


@cache
def entry_point(function: Callable[..., None], *types: Any) -> Callable[..., None]:
    """The function compiled for arguments of these types; it must be called with no others.

    What Numba gives to be called would look at the types first, which takes as long as a small product.
    """
    try:
        return _compiled(_kept(function, types), types)
    except Exception:  # no folder can be written to, the disk is full, a file is damaged: then it is not kept
        return _compiled(njit(function, **NUMERICS), types)


def _compiled(dispatcher: Any, types: tuple[Any, ...]) -> Callable[..., None]:
    dispatcher.compile(types)
    _alive.append(dispatcher)
    found: Callable[..., None] = dispatcher.overloads[types].entry_point
    return found


def _kept(function: Callable[..., None], types: tuple[Any, ...]) -> Any:
    """As Numba keeps it, which makes it anew for another Numba or processor, or where the function's file has changed.

    That it calls functions of other files Numba does not see: so each state of them has a folder of its own. In it each
    module has one, as an engine may be imported under two names, and its code knows by which; and each signature, as
    two processes that write at once to one would mix them up.
    """
    own = Path(__file__).parent
    files = [Path(getfile(function)), *sorted(own.glob("*.py"))]
    state = FOLDER + _digest(b"\0".join(file.read_bytes() for file in files))
    place = Path(config.CACHE_DIR or own / "__pycache__")
    folder = place / state / _digest(f"{function.__module__}{function.__name__}{types}".encode())
    with global_compiler_lock:
        given, config.CACHE_DIR = config.CACHE_DIR, str(folder)
        try:
            dispatcher = njit(function, cache=True, **NUMERICS)
        finally:
            config.CACHE_DIR = given
    if folder not in Path(dispatcher.stats.cache_path).parents:
        raise OSError(f"nothing can be written to {folder}, and Numba's next choice does not know our states")
    if not given:
        for old in place.glob(f"{FOLDER}*"):
            if old.name != state:
                rmtree(old, ignore_errors=True)
    return dispatcher


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:12]
