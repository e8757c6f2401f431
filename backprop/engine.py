"""The interface that every strategy implements, and the folder `engines/` read as their registry."""

from __future__ import annotations

import inspect
import pkgutil
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import import_module, resources
from types import ModuleType
from typing import ClassVar

from . import engines
from .errors import InputError, did_you_mean
from .network import Array, Network
from .packages import needed_by

Calls = list[Callable[[], object]]
"""To be made in this order, as often as one likes; each gives the array that it made, or several in order."""


class Engine(ABC):
    """One way to take a step of stochastic gradient descent on a network's cost.

    An engine changes nothing that it is given and shares no memory with another engine.

    after names the engine that this one is one change away from: so engines make a ladder. One that is no rung,
    a peer, leaves it None. compiles says that first steps cost seconds of compilation.
    traced says that its arrays are NumPy's, so that tracemalloc sees them; where not, `peak_bytes` is asked.
    products prepares, for an engine whose products are by another library than NumPy's BLAS, or not called from Python,
    those of a step of a network on inputs (batch, n_in), and nothing else: forward; then from the top, down (not of the
    lowest layer) and the gradient of the weights, (n_out, n_in), with each layer's z in the place of its delta. Calls
    that give None are those of `Products.alone`.
    labels_only says that targets are classes to it: in each row one that is the head's high, all others its low.
    """

    after: ClassVar[str | None] = None
    compiles: ClassVar[bool] = False
    traced: ClassVar[bool] = True
    labels_only: ClassVar[bool] = False
    products: ClassVar[staticmethod[[Network, Array], Calls] | None] = None

    @classmethod
    def handles(cls, network: Network) -> str | None:
        """Why it can't train a network of these sizes, functions and dtype; None where it can.

        One that does not say so is taken to know sigmoid layers under the quadratic cost alone.
        """
        return None if network.is_plain else "it has no `handles` that says it knows other functions than the sigmoid"

    @classmethod  # noqa: B027  # most have nothing to add
    def peak_bytes(cls, network: Network, x: Array, y: Array) -> int | None:
        """Untimed: the most bytes that such an engine of this network holds at once, with a step on x and y.

        Of its own arrays and the step's, and not of x and y, as its library counts them; None where that does not tell.
        A step of such a batch was made in this process before.
        """

    @abstractmethod
    def __init__(self, network: Network) -> None:
        """Untimed: copy the parameters, convert, allocate, compile."""

    @abstractmethod
    def step(self, x: Array, y: Array, eta: float) -> None:
        """Timed: forward, backward and update on one mini-batch.

        x (batch, n_in) and y (batch, n_out) are timed C-contiguous and of the network's dtype, and taken
        as any real array; any batch length from one on is taken, and it may change from step to step. eta is the
        learning rate, and the cost is averaged over the batch: W -= eta * dC/dW, b -= eta * dC/db.
        """

    @abstractmethod
    def network(self) -> Network:
        """Untimed: the parameters as they are now, in memory that later steps leave alone, with the same functions.

        `Network.like` keeps them.
        """


def names() -> tuple[str, ...]:
    """The built-in engines: each file in `backprop/engines/` is one, and the file's name is its name."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(engines.__path__)))


def load(name: str) -> type[Engine]:
    """The engine of this name, imported now.

    Raises InputError for an unknown name (with the nearest one) or where a package it needs is missing or broken.
    """
    if name not in names():
        raise InputError(
            f"unknown engine {name!r}: {did_you_mean(name, names())}there are {', '.join(names())}, "
            "or the path of your own .py file"
        )
    with needed_by(f"engine {name}"):
        module = import_module(f".engines.{name}", __package__)
    return engine_in(module)


def change(name: str) -> str | None:
    """What the built-in engine of this name changes from the one before it, as it says itself; None for any other.

    It is read, not imported: what an engine needs may not be here.
    """
    if name not in names():
        return None
    source = resources.files(engines).joinpath(f"{name}.py").read_text(encoding="utf-8")
    told = re.search(r'"""Changes from \w+: (.+)\.(?:"""|\n)', source)
    return told and told[1]


def engine_in(module: ModuleType, label: str | None = None, kind: type[Engine] = Engine) -> type[Engine]:
    """The one Engine subclass that a module defines; InputError where it defines none or several.

    label is what the module is called in that error: by default, by its file. kind is the Engine of another version
    of this package, where the module is one of its own.
    """
    found = {
        member
        for member in vars(module).values()
        if inspect.isclass(member)
        and issubclass(member, kind)
        and not inspect.isabstract(member)
        and member.__module__ == module.__name__
    }
    if len(found) != 1:
        listed = ", ".join(sorted(cls.__name__ for cls in found)) or "none"
        raise InputError(
            f"{label or module.__file__} must define exactly one subclass of backprop.Engine, with __init__, step "
            f"and network; found {listed}"
        )
    return found.pop()
