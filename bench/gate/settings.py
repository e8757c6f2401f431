"""What a repository's pyproject.toml says of its gate, so that `backprop-bench gate` alone is enough."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import msgspec

from backprop import InputError

from ..cells import git

TABLE = "tool.backprop-bench"
USUAL = "origin/main"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As in the table, None where it does not say; engines and grid by paths from the current folder."""

    engines: list[str] | None = None
    grid: str | None = None
    against: str | None = None
    tolerance: str | float | None = None
    budget: float | None = None


def settings(home: Path) -> Settings:
    """Those of the nearest pyproject.toml with such a table, from the current folder up to the top of its repository.

    Raises InputError for a table that says what can't be meant.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        file = folder / "pyproject.toml"
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8"))["tool"]["backprop-bench"]
        except (FileNotFoundError, KeyError):
            table = None
        except (OSError, ValueError) as error:
            raise InputError(f"{file} can't be read: {error}") from error
        if table is not None:
            return _from(folder, table, file)
        if folder == home:
            break
    return Settings()


def base(asked: str | None, given: Settings, home: Path) -> str:
    """The revision to compare with: what is asked for, or the table's; else USUAL, where the repository has that."""
    if asked is not None or given.against is not None:
        return str(given.against if asked is None else asked)
    try:
        git.commit_of(USUAL, home)
    except InputError as error:
        raise InputError(f"name the revision to compare with, such as --against HEAD~1: {error}") from error
    return USUAL


def _from(folder: Path, table: object, file: Path) -> Settings:
    try:
        found = msgspec.convert(table, Settings)
    except msgspec.ValidationError as error:
        fields = ", ".join(Settings.__struct_fields__)
        raise InputError(f"[{TABLE}] in {file}: {error}; it may name {fields}") from error
    engines = None if found.engines is None else [_from_here(folder, engine, ".py") for engine in found.engines]
    grid = found.grid and _from_here(folder, found.grid, ".toml")
    return msgspec.structs.replace(found, engines=engines, grid=grid)


def _from_here(folder: Path, name: str, suffix: str) -> str:
    """A path of this folder as one from the current folder; what is no file stays as it is."""
    return os.path.relpath(folder / name) if name.endswith(suffix) else name
