"""What an engine's code imports of its own tree: the files, at once or later; and what is found elsewhere.

An absolute name is its own where its tree has it and nothing that is installed has: what lies beside an engine's file
stands in the way of no package.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
import warnings
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

from backprop import InputError

from .engine_code import Code, is_installed, module_at

OURS = ("backprop", "bench")  # `import backprop` is the installed one, but in its own engines

_added: set[str] = set()  # to sys.path, by us


def is_own(code: Code, first: str) -> bool:
    """Whether an absolute name, by its first part, is one of the engine's own tree."""
    if first == code.own:
        return True
    if (first in OURS and code.own not in OURS) or not _place(code, first):
        return False
    origin = origin_of(first)
    if origin and (is_installed(origin) or not origin.is_absolute()):  # or built in, which is a word
        return _is_installed_from(code.home, first)
    return True  # else it is nowhere, here, or in another work tree of the same


def _is_installed_from(home: str, first: str) -> bool:
    """Whether a package that is installed is a copy of what lies in a repository: of the project that that is of."""
    try:
        project = tomllib.loads((Path(home) / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
    except (OSError, KeyError, TypeError, ValueError):
        return False
    return _plain(project) in map(_plain, packages_distributions().get(first, ()))


def _plain(name: str) -> str:
    """A project's name, as spellings of it are compared: PyPA's specification of names."""
    return re.sub(r"[-_.]+", "-", str(name)).lower()


def imported(code: Code, label: str) -> dict[str, Path]:
    """The modules of its tree that the engine's file imports, anywhere in it, and those that these do: their files.

    Raises InputError where it would be given another module than the one that lies beside it.
    """
    own = cache(lambda first: is_own(code, first))  # each file names the same few
    packages = [".".join(code.module.split(".")[:end]) for end in range(1, code.module.count(".") + 1)]
    waiting = [(code.path, code.module), *((file, name) for name in packages if (file := _file(code, name)))]
    found: dict[str, Path] = {}
    while waiting:
        file, module = waiting.pop(0)
        if module in found:
            continue
        found[module] = file
        inside = module if file.stem == "__init__" else module.rpartition(".")[0]
        for name, level in _named(file):
            first = name.partition(".")[0]
            if not level and not own(first):
                _refuse_hidden(code, first, label)
                continue
            package = inside.split(".")[: inside.count(".") + 2 - level] if level and inside else []
            parts = [*package, *filter(None, name.split("."))]
            names = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
            waiting += [(place, name) for name in names if (place := _file(code, name))]
    return found


def _named(file: Path) -> Iterator[tuple[str, int]]:
    """What the source imports, anywhere in it: names, each with its level, the number of dots before it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nodes = list(ast.walk(ast.parse(file.read_bytes())))
    except (SyntaxError, ValueError, OSError):
        return  # the import tells why; and a library has no source
    for node in nodes:
        match node:
            case ast.Import():
                yield from ((alias.name, 0) for alias in node.names)
            case ast.ImportFrom():
                module = node.module or ""
                yield from ((f"{module}.{alias.name}".removeprefix("."), node.level) for alias in node.names)
            case ast.Call(func=ast.Name(called) | ast.Attribute(attr=called), args=[ast.Constant(str(name)), *_]) if (
                called in ("__import__", "import_module") and name and not name.startswith(".")
            ):
                yield name, 0


def _file(code: Code, name: str) -> Path | None:
    """The file of the tree that has the module of this name."""
    if name == code.module:
        return code.path
    place = _place(code, name.partition(".")[0])
    return module_at(place.parent.joinpath(*name.split("."))) if place else None


def _place(code: Code, first: str) -> Path | None:
    """Where a name begins, in the first of the tree's roots that has it, as a module or as a folder."""
    for root in code.roots:
        place = Path(code.folder) / root / first
        if module_at(place) or place.is_dir():
            return place
    return None


def _refuse_hidden(code: Code, first: str, label: str) -> None:
    """InputError where a module lies beside an engine's file, and Python finds another one of this name."""
    place, origin = module_at(code.path.parent / first), origin_of(first)
    if code.own is None and place and place != code.path and first not in OURS and origin:
        raise InputError(
            f"{label} imports {first}, which lies beside it, and would be given another module of that name, {origin}: "
            f"rename {place}"
        )


def search_also(place: str) -> None:
    """Have Python look in this folder for what others import from it; last: nothing there hides a package."""
    if place not in sys.path:
        sys.path.append(place)
        _added.add(place)


def search_no_more(folder: Path | None = None) -> None:
    """Take off sys.path what was put on it from this folder, or all of it."""
    places = {place for place in _added if folder is None or Path(place).is_relative_to(folder)}
    sys.path[:] = [place for place in sys.path if place not in places]
    _added.difference_update(places)


def origin_of(first: str) -> Path | None:
    """Where Python finds the module of this name: a file, a folder, or a word such as built-in; None: nowhere."""
    try:
        spec = find_spec(first)
    except (ImportError, ValueError):  # a module that was made by hand
        file = getattr(sys.modules.get(first), "__file__", None)
        return Path(file) if file else None
    if spec is None:
        return None
    if not spec.origin and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve()
    origin = Path(spec.origin or first)
    return origin.resolve() if spec.has_location else origin
