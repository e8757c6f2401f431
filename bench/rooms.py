"""Two rooms have the names of functions, `sweep` and `gate`: each can be called, as its function is."""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class Room(ModuleType):
    """A package that is called as the function of its name in `bench.api.calls`."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._function(*arguments, **options)

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]  # what a notebook tells of it
        return inspect.getdoc(self._function)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._function)

    @property
    def _function(self) -> Any:
        return getattr(import_module("bench.api.calls"), self.__name__.rpartition(".")[2])


def callable_room(name: str) -> None:
    """Let the package of this name be called."""
    sys.modules[name].__class__ = Room
