"""What the fixture `race` is: engines raced in a cell where that is timed, and else checked alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import msgspec
import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from backprop import Engine, InputError
from backprop.check import verify
from backprop.functions import HEAD, HIDDEN

from ..api import arguments
from ..api.races import Races
from ..cells import entry
from ..cells.address import parts_of
from ..cells.cell import Cell, make_cell
from ..cells.entry import Entry
from ..cells.inputs import prepare
from ..cells.isolation import kept
from ..timing.admission import refuse_unhandled
from ..timing.lane import Lane, attempt
from .failing import fail_by, or_exit

if TYPE_CHECKING:
    from .run import Suite

NOT_TIMED = "nothing is timed here, gradients are checked alone: run pytest --benchmark"


class Race:
    """Races for one test; each contestant is a row of pytest-benchmark's group for the cell."""

    def __init__(self, suite: Suite, item: pytest.Item, benchmark: BenchmarkFixture) -> None:
        self.suite, self.item, self.benchmark = suite, item, benchmark
        benchmark._mode = "race"  # in use from now on: an interrupted race is no unused fixture

    def __call__(
        self,
        *engines: str | type[Engine],
        cell: Cell | None = None,
        sizes: str = "784-30-10",
        batch: int = 10,
        dtype: str = "float64",
        threads: int = 1,
        hidden: str | None = None,
        head: str | None = None,
        data: str = "random",
        seconds: float | None = None,
        baseline: str | None = None,
    ) -> Races:
        """Race these engines, by their addresses or classes, or those of --race-engines, in a cell.

        A relative path is one from the test's file, or else from the current folder. seconds and baseline are by
        default those of --race-seconds and --race-baseline. Where nothing is timed, their gradients are checked alone,
        and a test that asks for more of what it is given is skipped. An engine that fails fails the test.
        """
        __tracebackhide__ = True
        option = self.suite.option
        with or_exit():
            try:
                if cell is None:
                    of_hidden, of_head = hidden or option.race_hidden or HIDDEN, head or option.race_head or HEAD
                    sizes = arguments.text("sizes", sizes, "784-30-10")
                    count = arguments.whole("threads", threads)
                    batch = arguments.whole("batch", batch)
                    cell = make_cell(sizes, batch, dtype, count, data, hidden=of_hidden, head=of_head)
                elif not isinstance(cell, Cell):
                    raise InputError(f"cell is a bench.cells.cell.Cell, such as Cell((784, 30, 10), 10), not {cell!r}")
                entries = self._entries(engines) if engines else self.suite.entries
                if not self.suite.timed or self.benchmark.disabled:
                    check(cell, entries, every=bool(engines))
                    return Untimed()
                record = self.suite.race(cell, entries, self.item, self.benchmark, seconds, baseline)
            except InputError as error:  # a wrong call, or data that can't be had: nobody's traceback
                raise pytest.fail.Exception(str(error), pytrace=False) from None
            except KeyboardInterrupt:  # CPython may have no line number for where it fell, which pytest's summary needs
                raise KeyboardInterrupt from None
        if engines:  # who is named in a test is raced there, or it is no test of that
            fail_by({result.name: result.left_out for result in record.contestants if result.left_out})
        return Races([record])

    def _entries(self, engines: Sequence[str | type[Engine]]) -> list[Entry]:
        """The entries of these engines, known by what they were given as."""
        found = entry.resolve([self._beside(engine) if isinstance(engine, str) else engine for engine in engines])
        return [
            msgspec.structs.replace(one, name=one.name.replace(one.address, engine)) if isinstance(engine, str) else one
            for one, engine in zip(found, engines, strict=True)
        ]

    def _beside(self, address: str) -> str:
        """The address, from the folder of the test where its file lies there."""
        file = self.item.path.parent / parts_of(address)[0]
        return str(self.item.path.parent / address) if file.suffix == ".py" and file.is_file() else address


def check(cell: Cell, entries: Sequence[Entry], every: bool) -> None:
    """Each contestant's gradient in this cell, untimed; the test fails where one is off, or not every one can."""
    inputs = prepare(cell, np.random.default_rng())
    lanes = {one.name: Lane(one.make, inputs) for one in entries}
    with kept():
        for lane in lanes.values():
            if attempt(lane, refuse_unhandled, lane) and not lane.left_out:
                given = inputs.network, inputs.x, inputs.y
                attempt(lane, verify, lane.fresh, *given, cell.batch, lane.labels_only)
    fail_by({name: lane.left_out for name, lane in lanes.items() if lane.failed or (every and lane.left_out)})


class Untimed(Races):
    """What stands for races where nothing was timed: a test that asks for more of it is skipped, with the reason."""

    def __init__(self) -> None:
        pass

    def __getattribute__(self, name: str) -> object:
        if name.startswith("_"):
            return super().__getattribute__(name)
        return skip()


def skip() -> NoReturn:
    """Skip the test that asks."""
    __tracebackhide__ = True
    pytest.skip(NOT_TIMED)
