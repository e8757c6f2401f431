"""One step, in every cell of the grid."""

from collections.abc import Callable

from bench.grid import Cell


def test_step(race: Callable[[Cell], None], cell: Cell) -> None:
    race(cell)
