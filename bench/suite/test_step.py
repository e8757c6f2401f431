"""One step, in every cell of the grid."""

from collections.abc import Callable

from ..cells.cell import Cell


def test_step(race: Callable[[Cell], None], cell: Cell) -> None:
    race(cell)
