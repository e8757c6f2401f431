"""From an engine's address (NAME, NAME@REV, or the path of a user's file) to a factory of fresh engines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import backprop
from backprop import Engine, InputError, Network
from backprop.engine import Calls, engine_in
from backprop.network import Array

from . import engine_file, revision
from .grid import check_name


@dataclass(frozen=True)
class Contestant:
    """What is raced: a name that is unique in its race, how to make a fresh engine, and the commit it is from.

    commit is None for the code as it lies in the work tree. after, traced and products are the engine's own
    attributes.
    """

    name: str
    make: Callable[[Network], Engine]
    commit: str | None = None

    @property
    def after(self) -> str | None:
        return getattr(self.make, "after", None)

    @property
    def traced(self) -> bool:
        return getattr(self.make, "traced", True)

    @property
    def products(self) -> Callable[[Network, Array], Calls] | None:
        return getattr(self.make, "products", None)


def addresses(*lists: str) -> list[str]:
    """The addresses in these lists: a,b,... with blanks where one likes; what is a file as it stands is one address."""
    return [
        address
        for text in lists
        for address in ([text] if _is_file(text) else [part.strip() for part in text.split(",")])
    ]


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except OSError:  # a list that is too long for a name
        return False


def resolve(addresses: Sequence[str]) -> list[Contestant]:
    """The contestant at each address, in order; an address given again gets #2, #3, ... after its name.

    Raises InputError for an unknown name or revision, an engine of a revision that does not fit today's
    interface, or a file that is missing, fails on import, or defines no or several engines.
    """
    for address in addresses:
        check_name(address, "engine")
    engine_file.keep_only([Path(address) for address in addresses if address.endswith(".py")])
    return [
        Contestant(f"{address}#{before + 1}" if (before := addresses[:i].count(address)) else address, *_load(address))
        for i, address in enumerate(addresses)
    ]


def _load(address: str) -> tuple[type[Engine], str | None]:
    name, at, rev = address.partition("@")
    if address.endswith(".py"):
        return load_file(Path(address), address), None
    if not at:
        return backprop.load(name), None
    if name.endswith(".py"):
        raise InputError(f"{address}: only a built-in engine can be named at a revision: {', '.join(backprop.names())}")
    tree = revision.lay(rev)
    loaded = revision.load(name, tree)
    loaded.try_interface()
    return loaded.make, tree.commit


def load_file(path: Path, label: str = "", alias: Path | None = None) -> type[Engine]:
    """The engine that a user's file defines; InputError where it doesn't, or can't be imported.

    label is how the user named it; alias as in `engine_file.load`.
    """
    label = label or str(path)
    return engine_in(engine_file.load(path, label, alias).module, f"engine file {label}")
