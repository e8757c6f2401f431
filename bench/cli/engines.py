"""`backprop-bench engines`: list what can be raced."""

from __future__ import annotations

from inspect import getdoc

import backprop
from backprop import InputError

from ..report.document import Table
from ..terminal.console import show


def engines() -> None:
    """List what can be raced, and what an engine that is not available needs."""
    lines = []
    for name in backprop.names():
        try:
            about = (getdoc(backprop.load(name)) or "").partition("\n")[0]
        except InputError as error:
            about = str(error)
        lines.append([name, about])
    own = "or your own: the path of a .py file that defines one subclass of backprop.Engine"
    show([Table((), lines, left=(0, 1), wraps=(1,)), own])
