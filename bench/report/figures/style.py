"""matplotlib, the same for everybody: no settings of the user's change a picture, or keep one from being drawn."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

STYLE: dict[str, Any] = {
    "font.size": 10,
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "backprop-bench",  # the same records give the same file
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name is a name, whatever it is made of
}
SMALL = (4.4, 3.4)  # inches: a panel alone, which a phone can show


def load_matplotlib() -> None:
    """Import matplotlib by its own settings; MPLBACKEND and the user's matplotlibrc are not looked at.

    To be called before a module that draws is imported.
    """
    found = find_spec("matplotlib")
    if "matplotlib" in sys.modules or not (found and found.origin):
        return
    ours = {"MPLBACKEND": "agg", "MATPLOTLIBRC": str(Path(found.origin).with_name("mpl-data") / "matplotlibrc")}
    theirs = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        import matplotlib  # noqa: F401
    finally:
        for name, value in theirs.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def style() -> Iterator[None]:
    """What figures are made and written in: matplotlib's defaults, and ours over them."""
    import matplotlib as mpl

    defaults: dict[Any, Any] = {
        name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith("backend")
    }
    with mpl.rc_context(defaults | STYLE):
        yield
