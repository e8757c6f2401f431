"""What a caller gives, as Python's own number or text, be it NumPy's; and errors that name it as Python does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from inspect import signature
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


@contextmanager
def spelled(call: Callable[..., object]) -> Iterator[None]:
    """What an InputError says of the command's --max-hours, it says of max_hours, where the call has that."""
    own = signature(call).parameters

    def as_in_python(option: re.Match[str]) -> str:
        name = option[1].replace("-", "_")
        return name if name in own else option[0]

    try:
        yield
    except InputError as error:
        raise InputError(re.sub("--([a-z][a-z-]*)", as_in_python, str(error))) from error
