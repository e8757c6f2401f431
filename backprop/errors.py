"""What can go wrong, in the words of the person who made the call."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def brief(error: BaseException) -> str:
    """The error in one line: its type, and what it says."""
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """A question with the nearest of what is known, for before the list of all; "" where nothing is near."""
    near = difflib.get_close_matches(given, list(known), n=1, cutoff=0.4)
    return f"did you mean {near[0]}? " if near else ""


class InputError(ValueError):
    """A call or its input is wrong: the message is one line, says what was given and what is accepted.

    Raised by an engine it is the engine's fault nonetheless: whoever calls one makes an EngineError of it.
    """


class EngineError(RuntimeError):
    """An engine failed by its own fault: the message says how."""


class GradientError(EngineError):
    """An engine's step does not follow the gradient: the message names the block, the error, the tolerance."""
