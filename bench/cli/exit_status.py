"""The exit status of a command that has raced."""

from __future__ import annotations

from collections.abc import Iterable

from ..records.record import Record
from ..timing.process import lacks_memory


def status_of(found: Iterable[Record]) -> int:
    """0 where no contestant failed, 1 where one did by its own fault, 2 where all that was missing is memory."""
    failures = [lacks_memory(result.left_out or "") for record in found for result in record.failures]
    return 0 if not failures else 2 if all(failures) else 1
