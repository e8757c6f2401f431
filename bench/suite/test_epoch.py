"""One epoch of real digits: the measure in which the project's claim was made."""

from collections.abc import Callable

import pytest

from ..cells.cell import Cell

EPOCH = Cell((784, 30, 10), batch=10, data="mnist5k")


@pytest.mark.parametrize("cell", [EPOCH], ids=lambda cell: cell.id)
def test_epoch(race: Callable[[Cell], None], cell: Cell) -> None:
    race(cell)
