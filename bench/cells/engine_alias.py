"""An engine's code under an alias: a package of its own, in which every version of it has its own modules.

What the code imports of its own tree, `from . import kernels` or `import mypkg.kernels`, comes from that tree, and
from under that alias: so two versions, or two files with helpers of one name, are side by side in one process. All
other imports are those of this process.
"""

from __future__ import annotations

import builtins
import hashlib
import importlib
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

import msgspec

from . import git
from .engine_code import Code, module_at
from .engine_imports import is_own
from .temporary_folder import room, scratch

ALIAS = """from bench.cells.engine_alias import enter
enter(__name__, {code!r})
"""


def lay_alias(code: Code, arm: str = "") -> Path:
    """A module of this process's temporary folder, by which the code is imported, here and in child processes.

    Its name is one that no other module has, whatever the engine's file is called: pickle and the processes of a pool
    find it again. Each `arm` has a copy of the code of its own.
    """
    content = msgspec.json.encode(code)
    digest = hashlib.sha256(content + arm.encode()).hexdigest()[:12]
    path = scratch() / "modules" / f"engine_{digest}.py"
    with room():
        path.parent.mkdir(exist_ok=True)
        path.write_text(ALIAS.format(code=content.decode()), encoding="utf-8")
    return path


def enter(name: str, content: str) -> None:
    """Make of an alias's module, in which this is called, the package below which its code is imported."""
    code = msgspec.json.decode(content, type=Code)
    sys.modules[name].__path__ = [str(Path(code.folder) / root) for root in code.roots]
    _aliases[name] = Alias(name, code)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


class Alias:
    """A namespace of an engine's own: what absolute names of its own tree are to its code."""

    def __init__(self, name: str, code: Code) -> None:
        self.name, self.code = name, code
        self.is_own = cache(lambda first: is_own(code, first))
        # Looked up by each import statement, in the module that it stands in: who asks is known to nothing else.
        self.builtins = {**vars(builtins), "__import__": self.import_}
        self.importlib = _Importlib(self)

    def import_(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002  # as Python calls them
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """As `__import__`, but for absolute names of the engine's own tree."""
        first = name.partition(".")[0]
        if level or not first or not self.is_own(first):
            module = builtins.__import__(name, globals, locals, fromlist, level)
            return self.importlib if module is importlib else module
        module = builtins.__import__(f"{self.name}.{name}", globals, locals, fromlist or (), 0)
        return module if fromlist else sys.modules[f"{self.name}.{first}"]

    def import_module(self, name: str, package: str | None = None) -> ModuleType:
        """As `importlib.import_module`, but for absolute names of the engine's own tree."""
        if not name.startswith(".") and self.is_own(name.partition(".")[0]):
            name = f"{self.name}.{name}"
        return importlib.import_module(name, package)

    def find(self, fullname: str, module: str, path: Sequence[str] | None) -> ModuleSpec | None:
        """The spec of a module below the alias, to be loaded with its imports."""
        if module == self.code.module:
            inside = [str(self.code.path.parent)] if self.code.path.stem == "__init__" and self.code.own else None
            spec = spec_from_file_location(fullname, self.code.path, submodule_search_locations=inside)
        else:
            spec = PathFinder.find_spec(fullname, path) or self._generated(fullname, path or ())
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(self, spec.loader.path, fullname)
        return spec

    def _generated(self, fullname: str, path: Sequence[str]) -> ModuleSpec | None:
        """A module that no version has, because git ignores it: such as a _version.py that was made at a build."""
        folder, home = Path(self.code.folder), Path(self.code.home)
        for place in map(Path, path if folder != home else ()):
            if not place.is_relative_to(folder):
                continue
            file = module_at(home / place.relative_to(folder) / fullname.rpartition(".")[2])
            if file and git.is_ignored(file):
                if file.suffix == ".py":
                    return spec_from_file_location(fullname, file)
                raise ImportError(f"{file.name} is compiled, and not in git: all versions would share it, as it is now")
        return None


class _Importlib(ModuleType):
    """What `import importlib` is in an engine's code: the same, but for import_module."""

    def __init__(self, alias: Alias) -> None:
        super().__init__("importlib")
        self.import_module = alias.import_module

    def __getattr__(self, name: str) -> object:
        return getattr(importlib, name)


class _Loader(SourceFileLoader):
    """Runs a module with its alias's imports."""

    def __init__(self, alias: Alias, path: str, fullname: str) -> None:
        super().__init__(fullname, path)
        self.alias = alias

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = self.alias.builtins
        super().exec_module(module)


class _Finder(MetaPathFinder):
    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,  # noqa: ARG002  # as Python calls it
    ) -> ModuleSpec | None:
        alias, _, module = fullname.partition(".")
        return _aliases[alias].find(fullname, module, path) if module and alias in _aliases else None


_aliases: dict[str, Alias] = {}
_finder = _Finder()


def import_code(alias: Path, module: str) -> ModuleType:
    """The module of this name, imported under an alias that was laid; raises whatever its code does."""
    if str(alias.parent) not in sys.path:
        sys.path.append(str(alias.parent))
    importlib.invalidate_caches()
    return importlib.import_module(f"{alias.stem}.{module}")


def modules_of(alias: str) -> dict[str, Path]:
    """The files of the modules that have been imported under an alias up to now, by their names below it."""
    return {
        name.partition(".")[2]: Path(file)
        for name, module in list(sys.modules.items())
        if name.startswith(f"{alias}.") and (file := getattr(module, "__file__", None))
    }


def forget(alias: str) -> None:
    """Let go of all that has been imported under an alias: it is imported anew, as it is then."""
    _aliases.pop(alias, None)
    for name in list(sys.modules):
        if name.partition(".")[0] == alias:
            del sys.modules[name]
