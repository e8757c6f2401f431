"""A setting: what times are compared within. What a race comes to hold fixed joins here, and then counts everywhere."""

from __future__ import annotations

from typing import NamedTuple


class Setting(NamedTuple):
    """The machine, and all of a cell but its sizes, batch and data; in a frame, a column for each field."""

    machine: str
    dtype: str
    threads: int

    def __str__(self) -> str:
        """Without the machine, as in a cell's id: float64-t1."""
        return f"{self.dtype}-t{self.threads}"

    @property
    def told(self) -> tuple[str, ...]:
        """Without the machine, each in words."""
        return self.dtype, f"BLAS threads: {self.threads}"
