"""The suite in pytest-benchmark: a row of its table for each contestant, and what breaks when all races are done."""

from __future__ import annotations

from collections.abc import Callable, Generator

import msgspec
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from pytest_benchmark.session import BenchmarkSession, PerformanceRegression

from backprop import InputError

from ..cells.cell import Cell
from ..records.record import Result

PARAMS = ("engine", "cell", *Cell.__struct_fields__)


def hand_over(benchmark: BenchmarkFixture, cell: Cell, result: Result) -> None:
    """A contestant's slices as a benchmark of their own: a slice is a round, its steps are the iterations.

    pytest-benchmark makes one row for each use of its fixture and has no public way to add several, so the
    fixture's own fields are set for each row in turn.
    """
    nodeid = benchmark.fullname.partition("::race::")[0]
    benchmark.group = cell.id
    benchmark.name = result.name
    benchmark.fullname = f"{nodeid}::race::{result.name}"
    benchmark.param = cell.id
    benchmark.params = dict(zip(PARAMS, (result.name, cell.id, *msgspec.structs.astuple(cell)), strict=True))
    row = benchmark._make_stats(iterations=result.steps_per_slice)
    for seconds in (seconds for rounds in result.seconds for seconds in rounds if seconds is not None):
        row.update(seconds * row.iterations)


class Ending:
    """What goes wrong when all races are done: told in a line, and it costs neither our pages nor the summary.

    raced says whether anything was raced: where nothing was, it is none of the suite's, and raised.
    """

    def __init__(self, raced: Callable[[], bool]) -> None:
        self.raced = raced
        self.told: list[str] = []
        self.session: pytest.Session | None = None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self.session = session

    @pytest.hookimpl(wrapper=True)  # within the terminal's, which writes the summary, and around pytest-benchmark's
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        try:
            return (yield)
        except Exception as error:
            self.tell(error)
            return None

    @pytest.hookimpl(wrapper=True)
    def pytest_benchmark_compare_machine_info(
        self, benchmarksession: BenchmarkSession
    ) -> Generator[None, object, object]:
        """pytest-benchmark's warning of another machine fails where its storage is not below the current folder."""
        try:
            return (yield)
        except ValueError:
            benchmarksession.logger.warning("The saved run to compare with is of another machine or other versions.")
            return None

    def tell(self, error: Exception) -> None:
        """Keep it for the summary's end, and for the exit status."""
        if not self.raced():
            raise error
        message = str(error) if isinstance(error, InputError) else f"after the races: {type(error).__name__}: {error}"
        self.told.append(" ".join(message.split()))
        if self.session and self.session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            self.session.exitstatus = 1 if isinstance(error, PerformanceRegression) else 2
