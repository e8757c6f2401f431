"""Every figure that a page may name, by the name of the function that makes it: `speedup default full_matrix`.

A figure is a function of words (a published folder, an engine, a cell) that returns what is to stand in the page. To
add one is to write it under `@figure` in any file of this folder.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path

from backprop import InputError
from backprop.errors import brief, did_you_mean

Figure = Callable[..., str]

FIGURES: dict[str, Figure] = {}


class UntrueError(Exception):
    """What a page says around a figure does not hold any more: the message says why; the page is to be written anew."""


def figure(function: Figure) -> Figure:
    FIGURES[function.__name__.replace("_", "-")] = function
    return function


def load() -> None:
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        if not path.name.startswith("test_"):
            importlib.import_module(f"{__package__}.{path.stem}")


def told(expression: str) -> str:
    """What the records say of a figure; InputError for one that there is not, UntrueError where it has no words."""
    name, *arguments = expression.split() or [""]
    if name not in FIGURES:
        raise InputError(f"no figure is called {name!r}: {did_you_mean(name, FIGURES)}there are {', '.join(FIGURES)}")
    takes = inspect.signature(FIGURES[name])
    try:
        takes.bind(*arguments)
    except TypeError as error:
        raise InputError(f"{expression!r}: {error}; it takes {', '.join(takes.parameters) or 'nothing'}") from None
    try:
        return FIGURES[name](*arguments)
    except InputError:
        raise
    except (LookupError, OSError, StopIteration, ValueError) as error:
        raise InputError(f"{expression!r} can't be told from what is published: {brief(error)}") from error
