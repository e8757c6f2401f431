"""What a caller gives, as Python's own number or text; in a notebook it is often NumPy's, or of another kind."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from operator import index

from backprop import InputError

from ..cells.address import addresses


def text(name: str, value: str, such_as: str) -> str:
    """Text as it is; InputError for what is none."""
    if not isinstance(value, str):
        raise InputError(f"{name} must be text such as {such_as!r}, not {value!r}")
    return value


def whole(name: str, value: int) -> int:
    """A whole number; InputError for what is none."""
    try:
        return index(value)
    except TypeError:
        raise InputError(f"{name} must be a whole number, not {value!r}") from None


def number(name: str, value: float) -> float:
    """A number; InputError for what is none."""
    if not isinstance(value, Real):
        raise InputError(f"{name} must be a number, not {value!r}")
    return float(value)


def is_pinned(allocator: str) -> bool:
    """Whether the allocator's thresholds are to be pinned; InputError for another word."""
    if allocator not in ("pinned", "default"):
        raise InputError(f"the allocator is 'pinned' or 'default', not {allocator!r}")
    return allocator == "pinned"


def by_address(engines: str | Sequence[str]) -> list[str]:
    """The addresses of engines, listed one by one or in text, a,b,...; InputError for what is none."""
    listed = addresses(engines) if isinstance(engines, str) else list(engines)
    return [text("the address of an engine", engine, "full_matrix") for engine in listed]
