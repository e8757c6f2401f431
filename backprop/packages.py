"""Packages that not everybody has, or that are broken here: one line says which, why, and what would help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_tb
from types import TracebackType

from .errors import InputError, brief

CALLED = {"sklearn": "scikit-learn"}  # what is installed, where that has another name than the package
OWN = (__name__.partition(".")[0], "bench")  # this package has another name where a revision's is imported


@contextmanager
def needed_by(what: str, install: str | None = None) -> Iterator[None]:
    """What is imported in the block is needed by `what`: an InputError says so where it can't be.

    A package that our own code asks for and that is missing can be installed, by `install` where that is given. One
    that is there and raises, whatever it is, is quoted: to install it would not help.
    """
    try:
        yield
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        package = _raised_in(error.__traceback__)
        if package:
            why = f"is not available here: the package {package} is installed and can't be imported: {brief(error)}"
        elif isinstance(error, ModuleNotFoundError) and error.name and "." not in error.name:
            install = install or CALLED.get(error.name, error.name)
            why = f"needs the package {error.name}, which is not installed: pip install {install}"
        else:
            why = f"is not available here: {brief(error)}"
        raise InputError(f"{what} {why}") from error


def _raised_in(traceback: TracebackType | None) -> str | None:
    """The package that our own code has asked for and in whose code it was raised; None where that is our own."""
    package = None
    for frame, _ in walk_tb(traceback):
        root = str(frame.f_globals.get("__name__")).partition(".")[0]
        if root in OWN:
            package = None
        elif package is None and root not in ("contextlib", "importlib", "_frozen_importlib"):
            package = root
    return package
