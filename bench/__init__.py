"""How the engines of `backprop` are compared: cells -> timing -> records -> analysis -> report.

In Python: `from bench import race, sweep, gate, load`. What they need is imported when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api.calls import gate, load, race, sweep
    from .api.judgement import Judgement
    from .api.races import Races

FAULT = 70  # the exit status of a fault of ours: EX_SOFTWARE of sysexits.h

# Of a process in which engines are timed, where the user says nothing else. Workers that spin after their part is done,
# as they do for milliseconds, would run on the core that the next contestant needs: with two threads, races were off
# by a factor of ten. Read when the libraries are loaded.
SLEEP_SOON = {
    "OPENBLAS_THREAD_TIMEOUT": "14",  # 2^14 cycles
    "GOMP_SPINCOUNT": "10000",  # some ten microseconds: from one operation of PyTorch to the next
}

PLACES = {"load": ".api.calls", "race": ".api.calls", "Judgement": ".api.judgement", "Races": ".api.races"}
ROOMS = ("gate", "sweep")  # which can be called
__all__ = ["Judgement", "Races", "gate", "load", "race", "sweep"]


def __getattr__(name: str) -> Any:
    """The public names, each imported when it is asked for."""
    if name in ROOMS:
        return import_module(f".{name}", __name__)
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(PLACES[name], __name__), name)
