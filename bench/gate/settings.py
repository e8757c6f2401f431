"""The terms of a run of the gate: what is asked for, what a repository's pyproject.toml says, what is usual."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from backprop import InputError

from ..cells import git, grids
from ..cells.cell import Cell
from ..timing.race import check_seconds
from .run import parse_share

TABLE = "tool.backprop-bench"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be asked of a run of the gate, or stand in the table; None where it is not said.

    engines and the file of a grid are by paths from the current folder; a grid may be what a grid file says, too.
    """

    engines: list[str] | None = None
    grid: str | dict[str, Any] | None = None
    against: str | None = None
    tolerance: str | float | None = None
    budget: float | None = None


USUAL = Settings(grid="gate", against="origin/main", tolerance="2%", budget=180.0)


class Terms(NamedTuple):
    """Those of a run: the engines, None for this project's own; the tolerance as a share, the budget in seconds."""

    against: str
    engines: list[str] | None
    grid: str | dict[str, Any]
    cells: list[Cell]
    tolerance: float
    budget: float


def terms(home: Path, asked: Settings) -> Terms:
    """What is asked for; else what the table says; else what is usual. Raises InputError for what can't be meant."""
    said = _table(home)

    def settled(name: str) -> Any:
        return next((value for each in (asked, said, USUAL) if (value := getattr(each, name)) is not None), None)

    if asked.against is None and said.against is None:
        try:
            git.commit_of(str(USUAL.against), home)
        except InputError as error:
            raise InputError(f"name the revision to compare with, such as --against HEAD~1: {error}") from error
    grid, budget = settled("grid"), settled("budget")
    check_seconds(budget)
    share = parse_share(str(settled("tolerance")))
    return Terms(settled("against"), settled("engines"), grid, grids.cells_of(grid), share, budget)


def _table(home: Path) -> Settings:
    """That of the nearest pyproject.toml with one, from the current folder up to the top of its repository."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        file = folder / "pyproject.toml"
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8"))["tool"]["backprop-bench"]
        except (FileNotFoundError, KeyError, TypeError):
            table = None
        except (OSError, ValueError) as error:
            raise InputError(f"{file} can't be read: {error}") from error
        if table is not None:
            return _from(folder, table, file)
        if folder == home:
            break
    return Settings()


def _from(folder: Path, table: object, file: Path) -> Settings:
    try:
        found = msgspec.convert(table, Settings)
    except msgspec.ValidationError as error:
        fields = ", ".join(Settings.__struct_fields__)
        raise InputError(f"[{TABLE}] in {file}: {error}; it may name {fields}") from error
    engines = None if found.engines is None else [_from_here(folder, engine, ".py") for engine in found.engines]
    grid = _from_here(folder, found.grid, ".toml") if isinstance(found.grid, str) else found.grid
    return msgspec.structs.replace(found, engines=engines, grid=grid)


def _from_here(folder: Path, name: str, suffix: str) -> str:
    """A path of this folder as one from the current folder; what is no file stays as it is."""
    return os.path.relpath(folder / name) if name.endswith(suffix) else name
