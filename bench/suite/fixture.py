"""Which tests race: those that use our fixture, and not somebody else's of its name.  Imports pytest alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

PLUGIN = "bench.pytest_plugin"


def uses_race(item: pytest.Item) -> bool:
    """Whether a test uses our fixture `race`."""
    info = getattr(item, "_fixtureinfo", None)
    found = info.name2fixturedefs.get("race") if info else None
    return found is not None and found[-1].func.__module__ == PLUGIN


def names_of(argnames: str | Sequence[str], *_: object, **__: object) -> Sequence[str]:
    """The parameters that a parametrize mark gives."""
    return [name.strip() for name in argnames.split(",")] if isinstance(argnames, str) else argnames
