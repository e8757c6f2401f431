"""One epoch of real digits: the measure in which the project's claim was made."""

from collections.abc import Callable

import msgspec
import pytest

from backprop.functions import HEAD, HIDDEN

from ..cells.cell import Cell

EPOCH = Cell((784, 30, 10), batch=10, data="mnist5k")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    option = metafunc.config.option
    cell = msgspec.structs.replace(EPOCH, hidden=option.hidden or HIDDEN, head=option.head or HEAD)
    metafunc.parametrize("cell", [cell], ids=[cell.id])


def test_epoch(race: Callable[[Cell], None], cell: Cell) -> None:
    race(cell)
