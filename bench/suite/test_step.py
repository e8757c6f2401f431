"""One step, in every cell of the grid."""

from ..cells.cell import Cell
from .races import Race


def test_step(race: Race, cell: Cell) -> None:
    race(cell=cell)
