"""The helpers of a user's engine file: modules and packages in its own folder that it imports, at once or later.

Where a helper is hidden by another module of its name, the file is refused: it would be given that one.
"""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

from backprop import InputError

OURS = ("backprop", "bench")  # a clone of this project beside the file is no helper of it
SUFFIXES = (*EXTENSION_SUFFIXES, *SOURCE_SUFFIXES)


def helpers_of(file: Path) -> Iterator[tuple[str, Path]]:
    """The modules and packages beside the file that it imports, and those that these import, by name."""
    waiting, seen = [file], {file.stem, *OURS}
    while waiting:
        for name in _imported(waiting.pop().read_bytes()):
            if name not in seen and (place := beside(file.parent, name)):
                seen.add(name)
                waiting += [each for each in files_at(place) if each.suffix in SOURCE_SUFFIXES]
                yield name, place


def _imported(source: bytes) -> set[str]:
    """The first part of the name of each module that the source imports, anywhere in it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError):
        return set()  # the import tells why
    names: list[str] = []
    for node in nodes:
        match node:
            case ast.Import():
                names += [alias.name for alias in node.names]
            case ast.ImportFrom(module=str(name), level=0):
                names.append(name)
            case ast.Call(
                func=ast.Name("__import__" | "import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(str(name)), *_],
            ):
                names.append(name)
    return {name.partition(".")[0] for name in names} - {""}


def beside(folder: Path, name: str) -> Path | None:
    """The module or package of this name in the folder, as Python looks for it.

    A folder without __init__.py is one only where Python finds nothing else: a clone of scipy beside the file is none.
    """
    package = folder / name
    if any((package / f"__init__{suffix}").is_file() for suffix in SUFFIXES):
        return package
    for suffix in SUFFIXES:
        if (folder / f"{name}{suffix}").is_file():
            return folder / f"{name}{suffix}"
    return package if package.is_dir() and is_of(name, package) and files_at(package) else None


def files_at(place: Path) -> list[Path]:
    """The files with code at this place."""
    found = sorted(place.rglob("*")) if place.is_dir() else [place]
    return [
        each for each in found if each.name.endswith(SUFFIXES) and "__pycache__" not in each.parts and each.is_file()
    ]


def is_found(name: str, place: Path, label: str) -> bool:
    """Whether Python finds the module of this name at this place; InputError where it finds another."""
    if is_of(name, place):
        return True
    other = _origin(name)
    raise InputError(
        f"engine file {label} imports {name}, which lies beside it, and would be given another module of that name, "
        f"{other}: rename {place}"
    )


def is_of(name: str, place: Path) -> bool:
    origin = _origin(name)
    return origin is not None and (Path(origin).resolve() == place or Path(origin).resolve().parent == place)


def _origin(name: str) -> str | None:
    """Where the module of this name is from, or would be: a file, a folder, or a word such as built-in."""
    try:
        spec = find_spec(name)
    except ValueError:  # a module that was made by hand
        return getattr(sys.modules.get(name), "__file__", None)
    if spec and not spec.origin and spec.submodule_search_locations:
        return str(Path(next(iter(spec.submodule_search_locations))) / "__init__.py")
    return spec.origin if spec else None
