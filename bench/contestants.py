"""From an engine's address, a name or the path of a user's file, to a factory of fresh engines."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import backprop
from backprop import Engine, InputError, Network
from backprop.engine import engine_in


@dataclass(frozen=True)
class Contestant:
    """What is raced: a name that is unique in its race, and how to make a fresh engine."""

    name: str
    make: Callable[[Network], Engine]


def resolve(addresses: Sequence[str]) -> list[Contestant]:
    """The contestant at each address, in order; an address given again gets #2, #3, ... after its name.

    Raises InputError for an unknown name, or a file that is missing, fails on import, or defines no or
    several engines.
    """
    return [
        Contestant(f"{address}#{before + 1}" if (before := addresses[:i].count(address)) else address, _load(address))
        for i, address in enumerate(addresses)
    ]


def _load(address: str) -> type[Engine]:
    return _load_file(Path(address)) if address.endswith(".py") else backprop.load(address)


def _load_file(path: Path) -> type[Engine]:
    if not path.is_file():
        raise InputError(f"engine file {path} does not exist")
    spec = importlib.util.spec_from_file_location(f"engine_file_{path.stem}", path)
    assert spec is not None, path
    assert spec.loader is not None, path
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"engine file {path} fails on import: {type(error).__name__}: {error}") from error
    return engine_in(module)
