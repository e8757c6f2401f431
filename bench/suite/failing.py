"""What goes wrong in a test, or in a whole run of pytest, told in a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from backprop import InputError

from ..terminal.console import refusal


@contextmanager
def or_exit() -> Iterator[None]:
    """End pytest, in a line and with status 2, where the call or its input is wrong, or the machine refuses."""
    try:
        yield
    except InputError as error:
        pytest.exit(str(error), returncode=2)
    except (OSError, MemoryError) as error:
        pytest.exit(refusal(error), returncode=2)


def fail_by(reasons: Mapping[str, str | None]) -> None:
    """Fail the test where engines have failed, each by its name and with its reason."""
    if reasons:
        pytest.fail("; ".join(f"engine {name}: {reason}" for name, reason in reasons.items()), pytrace=False)
